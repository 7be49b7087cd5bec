"""BMP files to pixels, in integers, on every platform alike: docs/images.md has the kinds.

Libraries round 5-bit colours up or down, fill what run lengths leave out with another colour, and take a short palette
for gray. Uncompressed pixels are no reason to bear that.
"""

import struct
from dataclasses import dataclass

import numpy as np

from .metadata import DamagedImage, UnsupportedImage

SIGNATURE = b"BM"
FILE_HEADER = 14
CORE, INFO, LARGEST = 12, 40, 124  # sizes of headers: OS/2's, Windows 3's, the fifth version's
PLAIN, RLE8, RLE4, FIELDS, ALPHA_FIELDS = 0, 1, 2, 3, 6
# After a count of 0: what the next byte means, from 3 on a number of pixels as they are.
END_OF_ROW, FIRST_LITERAL = 0, 3
PALETTE_BITS = (1, 2, 4, 8)
# Of red, green and blue, where the file has no masks.
MASKS = {16: (0x7C00, 0x3E0, 0x1F), 24: (0xFF0000, 0xFF00, 0xFF), 32: (0xFF0000, 0xFF00, 0xFF)}
KINDS = {(bits, PLAIN) for bits in (*PALETTE_BITS, *MASKS)} | {(8, RLE8), (4, RLE4)}
KINDS |= {(bits, fields) for bits in (16, 32) for fields in (FIELDS, ALPHA_FIELDS)}

Bytes = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
Colours = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


@dataclass(frozen=True)
class Header:
    """What the file says of its pixels; `end` is where the header ends, `pixels` where they begin."""

    width: int
    height: int
    top_down: bool
    bits: int
    compression: int
    colours: int
    entry_bytes: int
    end: int
    pixels: int


def read_header(data: bytes) -> Header:
    """The header of a BMP. Raises DamagedImage, UnsupportedImage."""
    try:
        pixels, size = struct.unpack_from("<II", data, 10)
        if size == CORE:
            width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
            compression, colours = PLAIN, 0
        elif INFO <= size <= LARGEST:
            width, height, _, bits, compression, _, _, _, colours = struct.unpack_from("<iiHHIIiiI", data, 18)
        else:
            raise UnsupportedImage(f"a BMP with a header of {size} bytes")
    except struct.error as error:
        raise DamagedImage("it ends within its header") from error
    if (bits, compression) not in KINDS or (size == 64 and compression == FIELDS):  # OS/2's Huffman codes
        raise UnsupportedImage(f"a BMP of {bits} bits with compression {compression}")
    return Header(
        width=width,
        height=abs(height),
        top_down=height < 0,
        bits=bits,
        compression=compression,
        colours=min(colours, 1 << bits) or 1 << bits,
        entry_bytes=3 if size == CORE else 4,
        end=FILE_HEADER + size,
        pixels=pixels,
    )


def decode(data: bytes, header: Header) -> Pixels:
    """uint8 [height, width, 3], RGB. Raises DamagedImage."""
    encoded = header.compression in (RLE8, RLE4)
    rows = _run_lengths(data[header.pixels :], header) if encoded else _rows(data, header)
    if header.bits not in MASKS:
        table = data[header.end : header.end + header.entry_bytes * header.colours]
        if header.pixels > header.end:
            table = table[: header.pixels - header.end]
        colours = np.zeros((256, 3), np.uint8)  # an index beyond the table is black
        entries = np.frombuffer(table, np.uint8, len(table) // header.entry_bytes * header.entry_bytes)
        entries = entries.reshape(-1, header.entry_bytes)[:, 2::-1]
        colours[: len(entries)] = entries
        pixels = colours[rows]
    else:
        pixels = _channels(rows, data, header)
    return np.ascontiguousarray(pixels if header.top_down else pixels[::-1])


def _rows(data: bytes, header: Header) -> Bytes:
    """Indices [h, w] of the palette, or the bytes [h, w · bytes] of each pixel, in the file's order of rows."""
    used = (header.width * header.bits + 7) // 8
    stride = (used + 3) // 4 * 4
    if len(data) < header.pixels + stride * (header.height - 1) + used:
        raise DamagedImage("rows are missing")
    padded = data[header.pixels : header.pixels + stride * header.height].ljust(stride * header.height, b"\0")
    rows = np.frombuffer(padded, np.uint8).reshape(header.height, stride)[:, :used]
    if header.bits >= 8:
        return rows
    shifts = np.arange(8 - header.bits, -1, -header.bits, dtype=np.uint8)
    samples = rows[..., None] >> shifts & np.uint8((1 << header.bits) - 1)
    indices: Bytes = samples.reshape(header.height, -1)[:, : header.width]
    return indices


def _run_lengths(stream: bytes, header: Header) -> Bytes:
    """Indices [h, w] of a run-length encoded BMP, bottom first. Raises DamagedImage where it does not say every pixel.

    What it leaves out has no colour of its own: such files are parts of a picture.
    """
    samples, row, at = bytearray(), header.width, 0
    total = header.width * header.height
    while len(samples) < total:
        if at + 2 > len(stream):
            raise DamagedImage("rows are missing")
        count, value = stream[at], stream[at + 1]
        at += 2
        if not count and value == END_OF_ROW:
            if len(samples) != row:
                raise DamagedImage("its run lengths leave pixels out")
            row += header.width
            continue
        if not count and value < FIRST_LITERAL:
            raise DamagedImage("its run lengths leave pixels out")
        if count:
            pair = bytes([value >> 4, value & 15]) if header.bits == 4 else bytes([value])
            run = (pair * count)[:count]
        else:
            length = (value + 1) // 2 if header.bits == 4 else value
            literal = stream[at : at + length]
            at += length + length % 2
            run = bytes(half for byte in literal for half in (byte >> 4, byte & 15)) if header.bits == 4 else literal
            run = run[:value]
            if len(run) < value:
                raise DamagedImage("rows are missing")
        samples += run
        if len(samples) > row:
            raise DamagedImage("its run lengths go beyond a row")
    return np.frombuffer(samples, np.uint8).reshape(header.height, header.width)


def _channels(rows: Bytes, data: bytes, header: Header) -> Pixels:
    """Red, green and blue of pixels of 16 to 32 bits, by the file's masks: rounded, or the highest 8 bits of more."""
    size = header.bits // 8
    masks = MASKS[header.bits]
    if header.compression != PLAIN:
        try:
            masks = struct.unpack_from("<III", data, FILE_HEADER + INFO)
        except struct.error as error:
            raise DamagedImage("it ends within its header") from error
    if masks == MASKS[32]:
        return rows.reshape(header.height, header.width, size)[..., 2::-1]
    packed = np.zeros((header.height, header.width), np.uint32)
    for byte in range(size):
        packed |= rows[:, byte::size].astype(np.uint32) << np.uint32(8 * byte)
    channels = np.empty((header.height, header.width, 3), np.uint8)
    for channel, mask in enumerate(masks):
        low = (mask & -mask).bit_length() - 1
        highest = mask >> low if mask else 0
        if not mask or highest & (highest + 1) or mask >> header.bits:
            raise UnsupportedImage(f"a BMP with a colour mask of {mask:#x}")
        values = (packed & np.uint32(mask)) >> np.uint32(low)
        if highest > 255:
            channels[..., channel] = values >> np.uint32(highest.bit_length() - 8)
        else:
            channels[..., channel] = (values * 510 + highest) // (2 * highest)
    return channels
