"""Category masks and margin maps: what they mean, and the PNG files they live in."""

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from .errors import RunError
from .image import Pixels

# [h, w]: a class index per pixel; the margin of each pixel.
Mask = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Margins = np.ndarray[tuple[int, int], np.dtype[np.float32]]
# [h, w, classes]: floats, or the integers of a quantised output.
Scores = np.ndarray[tuple[int, int, int], np.dtype[np.float32 | np.uint8 | np.int8]]
MAX_CLASSES = 256
MAX_MASK_PIXELS = 1 << 26
# A margin's code is the exponent and the two highest mantissa bits of its float32, counted from 2^-24: four codes an
# octave, whole numbers up to 8 exactly. Code 0 is an exact tie.
MARGIN_SHIFT = 21
MARGIN_BASE = ((127 - 24) << 2) - 1


def palette() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """uint8 [256, 3]: the PASCAL VOC colour map, in which each class takes its colour from the bits of its index."""
    index = np.arange(MAX_CLASSES)
    colours = np.zeros((MAX_CLASSES, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((index >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return colours


PALETTE = palette()


def encode_mask(mask: Mask) -> bytes:
    """A class-index mask, uint8 [h, w], as an 8-bit palette PNG: people see colours, programs see classes."""
    image = Image.fromarray(mask)
    image.putpalette(PALETTE.tobytes())
    return _png(image)


def encode_margin(margin: Margins) -> bytes:
    """A margin map, float [h, w] ≥ 0, as an 8-bit grayscale PNG of logarithmic codes: dark is fragile."""
    bits = np.ascontiguousarray(margin, np.float32).view(np.int32)
    codes = np.clip((bits >> MARGIN_SHIFT) - MARGIN_BASE, 1, 255).astype(np.uint8)
    codes[margin == 0] = 0
    return _png(Image.fromarray(codes))


def read_mask(path: Path) -> Mask:
    """The class indices, uint8 [h, w], of a mask PNG from any target. Raises RunError for anything else."""
    image = _open(path)
    if image.mode not in ("P", "L"):
        raise RunError(f"mask {path} is a {image.mode} picture, not class indices", fix="write an 8-bit palette PNG")
    return np.array(image)


def read_margin(path: Path) -> Margins:
    """The lower bound of each pixel's margin, float32 [h, w], from a margin PNG. Raises RunError."""
    image = _open(path)
    if image.mode != "L":
        raise RunError(f"margin map {path} is a {image.mode} picture, not 8-bit grayscale", fix="record it again")
    levels = ((np.arange(256, dtype=np.int32) + MARGIN_BASE) << MARGIN_SHIFT).view(np.float32)
    levels[0] = 0
    codes: Mask = np.asarray(image)
    return levels[codes]


def top_two_margin(scores: Scores) -> tuple[Mask, Margins]:
    """The winning class and top-1 minus top-2 score.

    The lowest index wins a tie, as in TFLite's ARG_MAX and Android's usual loop. Raises ValueError when a
    score is NaN, because then no class wins.
    """
    # int8 and uint8 steps are exact in float32.
    planes = np.ascontiguousarray(np.moveaxis(scores, -1, 0)).astype(np.float32, copy=False)
    # A running top two over class planes: several times faster than sorting short rows.
    best, second = planes[0].copy(), np.full(planes.shape[1:], -np.inf, np.float32)
    winner = np.zeros(best.shape, np.uint8)
    for index, plane in enumerate(planes[1:], start=1):
        wins = plane > best
        np.maximum(second, np.minimum(best, plane), out=second)
        np.maximum(best, plane, out=best)
        winner[wins] = index
    if np.isnan(best).any():  # np.maximum hands NaN on, so one look at the end sees them all
        raise ValueError("the output has NaN scores")
    return winner, best - second


def colourise(mask: Mask) -> Pixels:
    """uint8 [h, w, 3]: each class in its palette colour."""
    return PALETTE.take(mask, axis=0)


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    # Run lengths suit flat classes and quarter-octave margins: as small as zlib's default here, in a third of the time.
    image.save(stream, "PNG", compress_type=zlib.Z_RLE)
    return stream.getvalue()


def _open(path: Path) -> Image.Image:
    """A PNG from outside, its size checked before a pixel is decoded."""
    fix = "run the target again"
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.width * image.height > MAX_MASK_PIXELS:
                raise RunError(f"mask {path} claims {image.width}×{image.height} pixels", fix=fix)
            image.load()
            return image
    except UnidentifiedImageError as error:
        raise RunError(f"mask {path} is not a PNG", fix=fix) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RunError(
            f"mask {path} cannot be decoded: {getattr(error, 'strerror', None) or error}", fix=fix
        ) from error
