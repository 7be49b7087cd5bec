"""A WebP's bytes: the one chunk that has the first frame's colours, and the orientation among the others.

RFC 9649 has the container.
"""

from collections.abc import Iterator

from .metadata import DamagedImage, Stripped, UnsupportedImage, exif_orientation

EXTENDED, LOSSY, LOSSLESS, FRAME, EXIF = b"VP8X", b"VP8 ", b"VP8L", b"ANMF", b"EXIF"
FILE_HEADER, FRAME_HEADER = 12, 16
MAX_CHUNKS = 1 << 16
START_CODE = b"\x9d\x01\x2a"
LOSSLESS_SIGNATURE = b"\x2f"


def is_webp(data: bytes) -> bool:
    """Whether it begins as a WebP does."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def strip(data: bytes) -> Stripped:
    """A WebP of the first frame alone, without metadata and a lossy one's alpha.

    Raises DamagedImage, UnsupportedImage.
    """
    exif: bytes | None = None
    canvas: tuple[int, int] | None = None
    picture: tuple[bytes, bytes] | None = None
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise DamagedImage("it ends before its last chunk")
    for kind, body in _chunks(data[:end], FILE_HEADER):
        if kind == EXIF and exif is None:
            exif = body
        if kind == EXTENDED and len(body) >= 10:
            canvas = 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        if kind == FRAME and not picture:
            picture = next((inner for inner in _chunks(body, FRAME_HEADER) if inner[0] in (LOSSY, LOSSLESS)), None)
        if kind in (LOSSY, LOSSLESS) and not picture:
            picture = kind, body
    size = _size(*picture) if picture else None
    if not (size and picture):
        raise DamagedImage("it has no picture")
    if canvas not in (None, size):
        raise UnsupportedImage("a WebP whose first frame is a part of its picture")
    kind, body = picture
    content = b"WEBP" + kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
    return Stripped(b"RIFF" + len(content).to_bytes(4, "little") + content, *size, exif_orientation(exif))


def _chunks(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """The name and body of each chunk from `at` on."""
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > len(data):
            raise DamagedImage("it ends within a chunk")
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    raise DamagedImage(f"it has more than {MAX_CHUNKS:,} chunks")


def _size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    """Width and height of a picture; None where it does not begin as one."""
    if kind == LOSSY and body[3:6] == START_CODE and len(body) >= 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if kind == LOSSLESS and body[:1] == LOSSLESS_SIGNATURE and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None
