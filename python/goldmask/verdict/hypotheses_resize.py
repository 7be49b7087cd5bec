"""How apps bring a photo to the model's size: other kernels than the reference's, a crop, bars at the sides."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from ..contract import options as contract
from ..contract.image import Pixels
from .hypothesis import Fix, Framing, Kernel, Scaling
from .kernels import scale

Positions = np.ndarray[tuple[int], np.dtype[np.float64]]
_NEAREST = Fix(
    kotlin="Bitmap.createScaledBitmap(bitmap, width, height, true): filter = true",
    swift="context.interpolationQuality = .low, not .none; FixedResize of SegmentationCore is exact",
    python="goldmask's resize, or cv2.resize(…, interpolation=cv2.INTER_LINEAR)",
)
_CENTRES = Fix(
    kotlin="FixedResize of org.goldmask.interpreter: pixel centres at (i + 0.5) · in / out - 0.5",
    swift="FixedResize of SegmentationCore: pixel centres at (i + 0.5) · in / out - 0.5",
    python="tf.image.resize (v2), not tf.compat.v1.image.resize_bilinear; align_corners=False",
)
_SMOOTH = Fix(
    kotlin="FixedResize of org.goldmask.interpreter, which does not average over the pixels between",
    swift="FixedResize of SegmentationCore; vImageScale and Core Graphics average over the pixels between",
    python="cv2.resize(…, interpolation=cv2.INTER_LINEAR); Pillow's resize averages over the pixels between",
)
_FRAME = Fix(
    kotlin="scale the whole image to width × height, without ResizeWithCropOrPadOp",
    swift="draw into CGRect(x: 0, y: 0, width: width, height: height), without scaleAspectFill or scaleAspectFit",
    python="image.resize((width, height)), without ImageOps.fit, contain or pad",
)


def _nearest(position: Callable[[Positions, int, int], Positions]) -> Scaling:
    def nearest(pixels: Pixels, height: int, width: int) -> Pixels:
        rows, columns = (
            np.clip(position(np.arange(out, dtype=np.float64), size, out), 0, size - 1).astype(np.int64)
            for size, out in zip(pixels.shape, (height, width), strict=False)
        )
        return np.ascontiguousarray(pixels[rows][:, columns])

    return nearest


def _bilinear(position: Callable[[Positions, int, int], Positions], rounding: Literal["half-up", "down"]) -> Scaling:
    def bilinear(pixels: Pixels, height: int, width: int) -> Pixels:
        (top, bottom, down), (left, right, along) = (
            _taps(position, size, out) for size, out in zip(pixels.shape, (height, width), strict=False)
        )
        rows = pixels[top].astype(np.float32) * (1 - down)[:, None, None]
        rows += pixels[bottom] * down[:, None, None]
        blend = rows[:, left] * (1 - along)[None, :, None] + rows[:, right] * along[None, :, None]
        return (blend + np.float32(0.5) if rounding == "half-up" else blend).astype(np.uint8)

    return bilinear


def _taps(
    position: Callable[[Positions, int, int], Positions], size: int, out: int
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.int64]],
    np.ndarray[tuple[int], np.dtype[np.int64]],
    np.ndarray[tuple[int], np.dtype[np.float32]],
]:
    at = np.clip(position(np.arange(out, dtype=np.float64), size, out), 0, size - 1)
    first = at.astype(np.int64)
    return first, np.minimum(first + 1, size - 1), (at - first).astype(np.float32)


def _corner(index: Positions, size: int, out: int) -> Positions:
    return index * size / out


def _centre(index: Positions, size: int, out: int) -> Positions:
    return (index + 0.5) * size / out - 0.5


def _inside(index: Positions, size: int, out: int) -> Positions:
    return (index + 0.5) * size / out


def _inside_ties_down(index: Positions, size: int, out: int) -> Positions:
    """As Skia has it: what lies just between two pixels is the first one."""
    return _inside(index, size, out) - 1e-6


def _aligned(index: Positions, size: int, out: int) -> Positions:
    return index * (size - 1) / max(out - 1, 1)


def _rounded(index: Positions, size: int, out: int) -> Positions:
    return np.floor(_aligned(index, size, out) + 0.5)


def _known(kernel: contract.Kernel) -> Scaling:
    return partial(scale, kernel=kernel)


_EDGE = "the resize takes the nearest pixel to the left and above"
_MIDDLE = "the resize takes the nearest pixel"
_LEGACY = "the bilinear resize starts at the corner, not half a pixel inside (TensorFlow 1)"
KERNELS = (
    Kernel("nearest", _MIDDLE, _NEAREST, apply=_nearest(_inside)),
    Kernel("nearest-corner", _EDGE, _NEAREST, apply=_nearest(_corner)),
    Kernel(
        "nearest-aligned", "the resize takes the nearest pixel, corners aligned", _NEAREST, apply=_nearest(_rounded)
    ),
    Kernel("bilinear-legacy", _LEGACY, _CENTRES, apply=_bilinear(_corner, "half-up")),
    Kernel("bilinear-aligned", "the bilinear resize aligns corners", _CENTRES, apply=_bilinear(_aligned, "half-up")),
    Kernel("antialiased", "the bilinear resize averages (Pillow)", _SMOOTH, apply=_known("pillow bilinear")),
    Kernel("area", "the resize averages over areas (Pillow's box)", _SMOOTH, apply=_known("pillow box")),
    Kernel("bicubic", "the resize is bicubic and averages (Pillow)", _SMOOTH, apply=_known("pillow bicubic")),
    Kernel("lanczos", "the resize is Lanczos and averages (Pillow)", _SMOOTH, apply=_known("pillow lanczos")),
    Kernel(
        "bilinear-float", "the bilinear resize is computed in floats", _CENTRES, apply=_bilinear(_centre, "half-up")
    ),
)
# The same by other arithmetic, for hashes only.
ROUNDING_OF_KERNELS = (
    Kernel("nearest", _MIDDLE, _NEAREST, apply=_nearest(_inside_ties_down)),
    Kernel(
        "bilinear-float", "the bilinear resize is cut off to whole numbers", _CENTRES, apply=_bilinear(_centre, "down")
    ),
    Kernel("bilinear-legacy", _LEGACY, _CENTRES, apply=_bilinear(_corner, "down")),
    Kernel("bilinear-aligned", "the bilinear resize aligns corners", _CENTRES, apply=_bilinear(_aligned, "down")),
)


def opencv_kernels() -> tuple[Kernel, ...]:
    """OpenCV's kernels; none where it is not installed, as goldmask needs it for nothing else."""
    try:
        import cv2
    except ImportError:
        return ()

    def nearest(pixels: Pixels, height: int, width: int) -> Pixels:
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_NEAREST))

    linear, area, cubic = (_known(each) for each in ("opencv linear", "opencv area", "opencv cubic"))
    return (
        Kernel("bilinear-opencv", "the bilinear resize is OpenCV's", _CENTRES, apply=linear),
        Kernel("area-opencv", "the resize averages over areas (OpenCV's INTER_AREA)", _SMOOTH, apply=area),
        Kernel("bicubic-opencv", "the resize is OpenCV's bicubic one", _SMOOTH, apply=cubic),
        Kernel("nearest-opencv", "the resize is OpenCV's nearest one", _NEAREST, apply=nearest),
    )


def _cropped(pixels: Pixels, height: int, width: int, scaling: Scaling) -> Pixels:
    """The largest part in the middle that has the model's aspect."""
    tall, wide = pixels.shape[:2]
    part_tall, part_wide = min(tall, max(1, wide * height // width)), min(wide, max(1, tall * width // height))
    top, left = (tall - part_tall) // 2, (wide - part_wide) // 2
    return scaling(np.ascontiguousarray(pixels[top : top + part_tall, left : left + part_wide]), height, width)


def _cut_out(pixels: Pixels, height: int, width: int, scaling: Scaling) -> Pixels:
    """The middle at its own scale, or black where the photo has no pixel."""
    framed = np.zeros((height, width, 3), np.uint8)
    tall, wide = min(height, pixels.shape[0]), min(width, pixels.shape[1])
    top, left = (pixels.shape[0] - tall) // 2, (pixels.shape[1] - wide) // 2
    down, along = (height - tall) // 2, (width - wide) // 2
    framed[down : down + tall, along : along + wide] = pixels[top : top + tall, left : left + wide]
    return framed


def _letterboxed(bars: int, centred: bool = True) -> Callable[[Pixels, int, int, Scaling], Pixels]:
    def frame(pixels: Pixels, height: int, width: int, scaling: Scaling) -> Pixels:
        factor = min(height / pixels.shape[0], width / pixels.shape[1])
        tall = min(height, max(1, int(pixels.shape[0] * factor + 0.5)))
        wide = min(width, max(1, int(pixels.shape[1] * factor + 0.5)))
        framed = np.full((height, width, 3), bars, np.uint8)
        top, left = ((height - tall) // 2, (width - wide) // 2) if centred else (0, 0)
        framed[top : top + tall, left : left + wide] = scaling(pixels, tall, wide)
        return framed

    return frame


FRAMINGS = (
    Framing("centre-crop", "only the middle of the image, in the model's aspect, is used", _FRAME, apply=_cropped),
    Framing("letterbox", "the image keeps its aspect, with black bars", _FRAME, apply=_letterboxed(0)),
    Framing("letterbox-corner", "the image keeps its aspect, padded at one side", _FRAME, apply=_letterboxed(0, False)),
    Framing("letterbox-gray", "the image keeps its aspect, with gray bars", _FRAME, apply=_letterboxed(127)),
    Framing("letterbox-114", "the image keeps its aspect, with bars of gray 114", _FRAME, apply=_letterboxed(114)),
    Framing("letterbox-white", "the image keeps its aspect, with white bars", _FRAME, apply=_letterboxed(255)),
    Framing("cut-out", "the middle of the image is cut out and not scaled", _FRAME, apply=_cut_out),
)
