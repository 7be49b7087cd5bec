"""A JPEG's bytes: what is in front of the pixels, without metadata, and whether the scans hold all of them.

ITU-T T.81, annex B, has the markers. Decoders paint what a scan lacks gray, and say nothing: libjpeg-turbo warns of a
"premature end of data segment", which Pillow 13 has no way to hear.
"""

import io
import re
from collections.abc import Iterator

from PIL import Image

from .metadata import EXIF_PREFIX, DamagedImage, Stripped, UnsupportedImage, exif_orientation

SIGNATURE = b"\xff\xd8\xff"
SCAN, END, EXIF = 0xDA, 0xD9, 0xE1
# Baseline, extended and progressive, all of Huffman codes; the other frames of T.81, table B.1, few decoders know.
FRAMES = (0xC0, 0xC1, 0xC2)
OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
# JFIF's and Adobe's segments say how colours are coded; those of other applications, and comments, are metadata.
METADATA = (frozenset(range(0xE0, 0xF0)) - {0xE0, 0xEE}) | {0xFE}
GRAY_OR_COLOUR = (1, 3)
CMYK = 4
# A marker among a scan's data, in which 0xff is followed by 0 or is a restart marker; fill bytes may be in front of it.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
FILL = re.compile(rb"\xff*")
# A progressive JPEG has about ten. Each is gone through for all of the picture, however few bytes it has.
MAX_SCANS = 100
MAX_SEGMENTS = 1 << 16
# Bytes that no decoder takes for a marker, and that make blocks of many colours if it takes them for blocks.
NOISE = bytes(range(1, 0xFF)) * 2


def strip(data: bytes) -> Stripped:
    """A JPEG without metadata and without what follows its end. Raises DamagedImage, UnsupportedImage."""
    exif: bytes | None = None
    size: tuple[int, int] | None = None
    kept, at = [data[:2]], 2
    for kind, begin, body, at in _segments(data):
        if kind == EXIF and exif is None and data.startswith(EXIF_PREFIX, body):
            exif = data[body + len(EXIF_PREFIX) : at]
        if kind in FRAMES or kind in OTHER_FRAMES:
            if size:
                raise DamagedImage("it has two frame headers")
            size = _size(kind, data[body:at])
        if kind not in METADATA:
            kept.append(data[begin:at])
    if not size:
        raise DamagedImage("it has no frame header")
    _, end = _scans(data, at)
    kept.append(data[at:end])
    return Stripped(b"".join(kept), *size, exif_orientation(exif))


def has_all_blocks(data: bytes) -> bool:
    """Whether the decoder has all blocks when it comes to the end of each scan.

    If it has, it ignores what is put there; if it lacks some, it makes them of that. Scans of a progressive JPEG that
    only refine what is there may be missing: no row is.
    """
    return _thumbnail(data) == _thumbnail(with_noise(data))


def with_noise(data: bytes) -> bytes:
    """The file with more data behind each scan."""
    *_, (_, _, _, at) = _segments(data)
    ends, _ = _scans(data, at)
    pieces = [data[begin:end] for begin, end in zip([0, *ends], [*ends, None], strict=True)]
    return NOISE.join(pieces)


def _segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(kind, its begin, that of its body, its end) of each segment up to the first scan's header."""
    kind, end, count = 0, 2, 0
    while kind != SCAN:
        count += 1
        begin, at = end, _behind(FILL, data, end)
        if len(data) < at + 3:
            raise DamagedImage("it ends before its first scan")
        kind = data[at]
        if at == begin or kind in (0, END) or count > MAX_SEGMENTS:
            raise DamagedImage("it has no scan")
        end = _end(data, at + 1)
        yield kind, begin, at + 3, end


def _behind(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Where what begins at `at` and matches `pattern` ends."""
    found = pattern.match(data, at)
    return found.end() if found else at


def _end(data: bytes, at: int) -> int:
    """The end of the segment whose length is at `at`."""
    length = int.from_bytes(data[at : at + 2], "big")
    if length < 2 or at + length > len(data):
        raise DamagedImage("it ends within a segment")
    return at + length


def _size(kind: int, body: bytes) -> tuple[int, int]:
    """Width and height of a frame header."""
    if kind in OTHER_FRAMES or len(body) < 6 or body[0] != 8:
        raise UnsupportedImage("a JPEG that is neither baseline nor progressive with 8 bits")
    if body[5] == CMYK:
        raise UnsupportedImage("a CMYK image, which every decoder turns into other colours")
    if body[5] not in GRAY_OR_COLOUR:
        raise UnsupportedImage("neither gray nor RGB")
    return int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")


def _scans(data: bytes, at: int) -> tuple[list[int], int]:
    """Where the data of each scan ends, the first of which begins at `at`; and the end of the file's end marker."""
    ends, kind = [], SCAN
    while True:
        marker = MARKER.search(data, at)
        if not marker:
            raise DamagedImage("it ends before its end marker")
        if kind == SCAN:
            ends.append(_without_fill(data, at, marker.start()))
        if len(ends) > MAX_SCANS:
            raise DamagedImage(f"it has more than {MAX_SCANS} scans")
        kind, at = marker[0][1], marker.end()
        if kind == END:
            return ends, at
        at = _end(data, at)


def _without_fill(data: bytes, begin: int, end: int) -> int:
    """The end of a scan's data, of which the last bytes may be fill bytes of the marker behind it."""
    while end > begin and data[end - 1] == 0xFF:
        end -= 1
    return end


def _thumbnail(data: bytes) -> bytes:
    """Every block as a pixel: libjpeg-turbo reads all of them, and spares itself the rest of the work."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.draft(image.mode, (1, 1))
        return image.tobytes()
