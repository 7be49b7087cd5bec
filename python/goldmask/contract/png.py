"""A PNG's bytes, held against what its header claims: decoders read missing rows as black, wrong checksums as right.

https://www.w3.org/TR/png-3/ has the format. Pillow 13 checks no CRC of IDAT, and pads a stream that ends early.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from .metadata import Stripped, exif_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">IIBBBBB")
GRAY, PALETTE = 0, 3
CHANNELS = {GRAY: 1, 2: 3, PALETTE: 1, 4: 2, 6: 4}
DEPTHS = {GRAY: (1, 2, 4, 8, 16), 2: (8, 16), PALETTE: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# Left, top and the steps of Adam7's passes.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
# Encoders write chunks of 8 kB or more.
MAX_CHUNKS = 1 << 16
PIECE_BYTES = 16 << 20


def chunk(kind: bytes, body: bytes | memoryview) -> bytes:
    """A chunk with its length and checksum."""
    content = kind + bytes(body)
    return len(body).to_bytes(4, "big") + content + zlib.crc32(content).to_bytes(4, "big")


class NotPng(ValueError):
    """Bytes that do not begin as a PNG does."""


class DamagedPng(ValueError):
    """A PNG that is not whole; the message says what is wrong, as a clause."""


@dataclass(frozen=True)
class Header:
    """What IHDR says; `depth` is in bits a sample, `colour` one of CHANNELS."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def stride(self) -> int:
        """Bytes of a row, without its filter byte."""
        return self._stride(self.width)

    @property
    def scanline_bytes(self) -> int:
        """Bytes of all rows with their filter bytes, which the compressed stream must hold."""
        if not self.interlaced:
            return self.height * (1 + self.stride)
        sizes = (
            (-(-(self.width - left) // across), -(-(self.height - top) // down)) for left, top, across, down in PASSES
        )
        return sum(height * (1 + self._stride(width)) for width, height in sizes if width > 0 and height > 0)

    def _stride(self, width: int) -> int:
        return (width * self.depth * CHANNELS[self.colour] + 7) // 8


def read_header(data: bytes) -> Header:
    """The header of a PNG. Raises NotPng, or DamagedPng where it claims what no PNG can."""
    if not data.startswith(SIGNATURE):
        raise NotPng("it does not begin as a PNG does")
    kind, body = next(chunks(data))
    if kind != b"IHDR" or len(body) != HEADER.size:
        raise DamagedPng("it has no header")
    width, height, depth, colour, compression, filtering, interlace = HEADER.unpack(body)
    if depth not in DEPTHS.get(colour, ()) or compression or filtering or interlace > 1 or not (width and height):
        raise DamagedPng("its header says what no PNG can be")
    return Header(width, height, depth, colour, bool(interlace))


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The name and body of each chunk up to IEND; what follows is not looked at. Raises DamagedPng."""
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise DamagedPng("it ends before its last chunk")
        length = int.from_bytes(view[at : at + 4], "big")
        kind, end = bytes(view[at + 4 : at + 8]), at + 8 + length
        if end + 4 > len(data):
            raise DamagedPng("it ends within a chunk")
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise DamagedPng(f"the checksum of its chunk {kind.decode('ascii', 'replace')} is wrong")
        if kind == b"IHDR" and at != len(SIGNATURE):
            raise DamagedPng("it has two headers")
        yield kind, view[at + 8 : end]
        if kind == b"IEND":
            return
        at = end + 4
    raise DamagedPng(f"it has more than {MAX_CHUNKS:,} chunks")


def scanlines(data: bytes, header: Header) -> Iterator[bytes]:
    """The rows with their filter bytes, piece by piece, still filtered. Raises DamagedPng where they are not all there.

    A caller that wants only that runs through them.
    """
    inflate, missing = zlib.decompressobj(), header.scanline_bytes
    try:
        for body in (body for kind, body in chunks(data) if kind == b"IDAT"):
            rest: bytes | memoryview = body
            piece = b""
            while rest or len(piece) == PIECE_BYTES:  # a full piece may leave some of its rows in zlib's hands
                piece = inflate.decompress(rest, PIECE_BYTES)
                rest = inflate.unconsumed_tail
                missing -= len(piece)
                if missing < 0:
                    raise DamagedPng("its compressed data goes on after the last row")
                yield piece
    except zlib.error as error:
        raise DamagedPng(f"its compressed data is broken ({error})") from error
    if missing:
        total = header.scanline_bytes
        raise DamagedPng(f"rows are missing, it has {total - missing:,} of {total:,} bytes of pixels")
    if not inflate.eof:
        raise DamagedPng("its compressed data has no end")


def strip(data: bytes) -> Stripped:
    """A PNG without metadata and transparency, its palette as long as its depth allows: an index beyond it is black.

    Raises NotPng, or DamagedPng where it is not whole.
    """
    header = read_header(data)
    for _ in scanlines(data, header):
        pass
    exif: bytes | None = None
    palette: bytes | None = None
    pixels: list[bytes] = []
    for kind, body in chunks(data):
        if kind == b"eXIf" and exif is None:
            exif = bytes(body)
        if kind == b"PLTE" and header.colour == PALETTE and not (palette or pixels):
            palette = bytes(body[: 3 << header.depth]).ljust(3 << header.depth, b"\0")
        if kind == b"IDAT":
            pixels.append(chunk(kind, body))
    if header.colour == PALETTE and palette is None:
        raise DamagedPng("it has no palette")
    first = [SIGNATURE, data[len(SIGNATURE) : len(SIGNATURE) + 12 + HEADER.size]]
    if palette:
        first.append(chunk(b"PLTE", palette))
    return Stripped(
        b"".join([*first, *pixels, chunk(b"IEND", b"")]), header.width, header.height, exif_orientation(exif)
    )
