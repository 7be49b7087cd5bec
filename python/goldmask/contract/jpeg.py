"""Whether a JPEG has all the blocks that its header claims: decoders paint the missing ones gray, and say nothing.

libjpeg-turbo warns of a "premature end of data segment" when a file's end marker comes too early, as in a download
that was mended; Pillow 13 has no way to hear it.
"""

import io
import re

from PIL import Image

# A marker in a scan: neither a stuffed zero, nor a restart, nor padding.
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
END, SCAN, ALONE = 0xD9, 0xDA, 0x01
# A progressive JPEG has about ten. Each is gone through for all of the picture, however few bytes it has.
MAX_SCANS = 100
ARITHMETIC = range(0xC9, 0xCC)
# Bytes that no decoder takes for a marker, and that make blocks of many colours if it takes them for blocks.
NOISE = bytes(range(1, 0xFF)) * 2


def has_all_blocks(data: bytes) -> bool:
    """Whether the decoder has all blocks when it comes to the end marker.

    If it has, it ignores what is put before that marker; if it lacks some, it makes them of that. Scans of a
    progressive JPEG that only refine what is there may be missing: no row is. Raises ValueError for more scans than
    any encoder writes.
    """
    end = _end_marker(data)
    return end is None or _thumbnail(data) == _thumbnail(data[:end] + NOISE + b"\xff\xd9")


def _end_marker(data: bytes) -> int | None:
    """Where the end marker of the picture is, or None where it is not needed or not there.

    Thumbnails with end markers of their own are in segments before it.
    """
    at, scans = 2, 0
    while marker := MARKER.search(data, at):
        if marker[0][1] == END:
            return marker.start()
        scans += marker[0][1] == SCAN
        if scans > MAX_SCANS:
            raise ValueError(f"it has more than {MAX_SCANS} scans")
        if marker[0][1] in ARITHMETIC:
            return None  # its decoder reads ahead, so that what is put behind the last block might change that
        at = marker.end()
        if marker[0][1] != ALONE:
            at += int.from_bytes(data[at : at + 2], "big")
    return None


def _thumbnail(data: bytes) -> bytes:
    """Every block as a pixel: libjpeg-turbo reads all of them, and spares itself the rest of the work."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.draft(image.mode, (1, 1))
        return image.tobytes()
