"""The kernels by which apps scale images to a model's size, each computed here. Nothing is run or written.

docs/scaling.md says what each is, and how far an app's pixels may be from it.
"""

import numpy as np
from PIL import Image
from pydantic import Field

from ..contract.errors import EnvironmentMissing
from ..contract.image import Pixels, resize
from ..contract.options import Kernel
from ..contract.schema import Count, Strict

# No value of an app's pixels may be further from its kernel's than this, nor all of them on average. Builds of OpenCV
# round their last bit in more than one way; a picture that is moved by half a pixel is out of both.
MAX_LEVELS = 2
MAX_MEAN_LEVELS = 0.25
INSTALL_OPENCV = "uv pip install 'goldmask[opencv]'"
# Skia's bilinear filter keeps this many bits of where between two pixels it samples.
SKIA_WEIGHT_BITS = 4
SKIA_FULL_WEIGHT = 1 << SKIA_WEIGHT_BITS
PILLOW = {
    "pillow box": Image.Resampling.BOX,
    "pillow bilinear": Image.Resampling.BILINEAR,
    "pillow bicubic": Image.Resampling.BICUBIC,
    "pillow lanczos": Image.Resampling.LANCZOS,
}
# [n]: indices of source pixels, or weights in 1/SKIA_FULL_WEIGHT.
Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
# The distance of each value from what it should be, in levels of 8 bits.
Levels = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


class OwnScaling(Strict):
    """How a row's app scaled by a kernel of its own: how far from it its pixels are, and what that does to the mask.

    Levels are of 8 bits. Flips are pixels that differ from the golden, whose image was scaled in goldmask's own way.
    """

    kernel: Kernel
    levels_max: float = Field(ge=0)
    levels_mean: float = Field(ge=0)
    flips: Count
    confident_flips: Count | None = Field(default=None, description="null where the golden has no margin map")

    @property
    def is_within(self) -> bool:
        """Whether the pixels are those of the kernel."""
        return self.levels_max <= MAX_LEVELS and self.levels_mean <= MAX_MEAN_LEVELS


def scale(pixels: Pixels, height: int, width: int, kernel: Kernel) -> Pixels:
    """uint8 [h, w, 3] scaled to uint8 [height, width, 3] by a kernel.

    Raises EnvironmentMissing for one of OpenCV's where OpenCV is not installed.
    """
    if kernel == "fixed":
        return resize(pixels, height, width)
    if kernel == "platform bilinear":
        return _skia(pixels, height, width)
    if kernel in PILLOW:
        return np.asarray(Image.fromarray(pixels).resize((width, height), PILLOW[kernel]))
    return _opencv(pixels, height, width, kernel)


def _opencv(pixels: Pixels, height: int, width: int, kernel: Kernel) -> Pixels:
    try:
        import cv2
    except ImportError as error:
        raise EnvironmentMissing(f"{kernel!r} needs OpenCV, which is not installed", fix=INSTALL_OPENCV) from error
    ways = {"opencv linear": cv2.INTER_LINEAR, "opencv area": cv2.INTER_AREA, "opencv cubic": cv2.INTER_CUBIC}
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=ways[kernel]), np.uint8)


def _skia(pixels: Pixels, height: int, width: int) -> Pixels:
    """What Android's Bitmap.createScaledBitmap(…, filter = true) makes of opaque pixels, bit for bit.

    Skia's raster pipeline for 32-bit pixels (SkBitmapProcState): half-pixel centres, two by two neighbours without
    antialiasing, weights of four bits, rounded down. Each position is mapped in float32 and cut to 16.16 fixed point.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    top, bottom, down = _neighbours(pixels.shape[0], height, each=True)
    left, right, along = _neighbours(pixels.shape[1], width, each=False)
    wide, high = along[None, :, None].astype(np.int32), down[:, None, None].astype(np.int32)
    both = high * wide
    blend = pixels[np.ix_(top, left)] * (SKIA_FULL_WEIGHT * (SKIA_FULL_WEIGHT - high - wide) + both)
    blend += pixels[np.ix_(top, right)] * (SKIA_FULL_WEIGHT * wide - both)
    blend += pixels[np.ix_(bottom, left)] * (SKIA_FULL_WEIGHT * high - both)
    blend += pixels[np.ix_(bottom, right)] * both
    return (blend >> 2 * SKIA_WEIGHT_BITS).astype(np.uint8)


def _neighbours(source: int, target: int, *, each: bool) -> tuple[Indices, Indices, Indices]:
    """For each of `target` outputs: two source indices and the second one's weight.

    Skia maps the centre of `each` row; in a row it maps the first pixel, and adds a 32.32 fixed-point step from there.
    """
    step = np.float32(1) / (np.float32(target) / np.float32(source))
    index = np.arange(target if each else 1, dtype=np.float32)
    fixed = ((index + np.float32(0.5)) * step).astype(np.float64) * 2.0**32
    position = fixed.astype(np.int64) - (1 << 31)
    if not each:
        position = position + int(float(step) * 2.0**32) * np.arange(target, dtype=np.int64)
    place = position >> 16  # 16.16 now
    first = np.clip(place >> 16, 0, source - 1)
    second = np.clip((place >> 16) + 1, 0, source - 1)
    return first, second, (place >> 16 - SKIA_WEIGHT_BITS) & (SKIA_FULL_WEIGHT - 1)
