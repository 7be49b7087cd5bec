"""What an image file says besides its pixels: EXIF's orientation is read, and nothing else reaches a decoder.

Decoders disagree about XMP, colour profiles, gamma and transparency (docs/images.md). What they are not given, they
cannot disagree about.
"""

import struct
from dataclasses import dataclass

EXIF_PREFIX = b"Exif\0\0"
ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
ORIENTATION = 0x0112
SHORT, LONG = 3, 4
UPRIGHT = 1


class DamagedImage(ValueError):
    """An image file that is not whole; the message says what is wrong, as a clause."""


class UnsupportedImage(ValueError):
    """An image of a kind that docs/images.md refuses; the message says which, as a noun with its article."""


@dataclass(frozen=True)
class Stripped:
    """An image file of which only what makes its pixels is left, as `data`.

    `width` and `height` are the file's own, before it is turned; `orientation` is EXIF's, 1 to 8.
    """

    data: bytes
    width: int
    height: int
    orientation: int


def exif_orientation(block: bytes | None) -> int:
    """The orientation, 1 to 8, that an EXIF block says in its first directory (EXIF 2.3, tag 0x0112).

    Some writers repeat JPEG's prefix inside PNG and WebP. A block that is not there, is broken or says nothing of
    the kind is 1, upright.
    """
    tiff = (block or b"").removeprefix(EXIF_PREFIX)
    order = ORDERS.get(tiff[:4])
    if not order:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for at in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(order + "HHI", tiff, at)
            if tag == ORIENTATION and kind in (SHORT, LONG) and count == 1:
                (value,) = struct.unpack_from(order + ("H" if kind == SHORT else "I"), tiff, at + 8)
                return int(value) if 1 <= value <= 8 else UPRIGHT
    except struct.error:  # it points beyond its end
        pass
    return UPRIGHT
