"""Pixels into a model's image tensor: the rule that Python, Kotlin and Swift repeat bit for bit (docs/models.md).

tests/vectors/preprocess.json holds the three together.
"""

import hashlib

import numpy as np

from .image import Pixels
from .tensors import InputSpec

# [1, height, width, channels], or [1, channels, height, width], of the model's input type.
Tensor = np.ndarray[
    tuple[int, int, int, int], np.dtype[np.float32 | np.float16 | np.uint8 | np.int8 | np.int16 | np.int32]
]
Elements = np.ndarray[tuple[int, ...], np.dtype[np.float32 | np.float16 | np.uint8 | np.int8 | np.int16 | np.int32]]
# ITU-R 601's weights of red, green and blue in 65536ths, as in Pillow: gray pixels stay what they are.
LUMA = (19595, 38470, 7471)
# The greatest float32 that is an int32.
INT32_MAX = 2147483520.0
STEPS = {"uint8": (0.0, 255.0), "int8": (-128.0, 127.0), "int16": (-32768.0, 32767.0), "int32": (-(2.0**31), INT32_MAX)}
OPAQUE = 255


def stage_hash(array: Pixels | Tensor) -> str:
    """The sha256 of what a stage hands on, as a bundle has it."""
    # Every platform goldmask runs on is little-endian, so the bytes in memory are the bytes of the contract.
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def to_tensor(pixels: Pixels, spec: InputSpec, scale: float = 0.0, zero_point: int = 0) -> Tensor:
    """The image tensor of uint8 RGB `pixels` [h, w, 3]; `scale` and `zero_point` are its quantisation, 0 for none.

    float32 is (pixel - mean) / std in float32, and float16 that value, rounded to even. Integers are the float32 value
    divided by `scale`, rounded half away from zero, plus `zero_point`, clamped; but uint8 of `steps` "pixels" is the
    pixels as they are. A fourth channel of "zero", or of a mask before the first, holds 0; one of "alpha" holds what
    becomes of 255, as images are opaque.
    """
    if spec.channels == "gray":
        weighed = pixels.astype(np.int32) @ np.array(LUMA, np.int32)
        colours = ((weighed + (1 << 15)) >> 16).astype(np.uint8)[..., None]
    else:
        colours = pixels if spec.channels == "rgb" else pixels[..., ::-1]
    depth = colours.shape[-1]
    mean, std = np.asarray(spec.mean, np.float32), np.asarray(spec.std, np.float32)
    values: Elements
    if spec.dtype == "float32":
        values = (colours.astype(np.float32) - mean[:depth]) / std[:depth]
    elif _takes_pixels(spec):
        values = colours
    else:
        # There are only 256 pixels: a table has all results.
        levels = np.arange(256, dtype=np.float32)[:, None]
        table = _elements((levels - mean[:depth]) / std[:depth], spec, scale, zero_point)
        values = np.broadcast_to(table, (256, depth))[colours, np.arange(depth)]
    if spec.fourth:
        last: Elements
        if spec.fourth != "alpha":
            last = _elements(np.zeros(1, np.float32), spec, scale, zero_point)
        elif _takes_pixels(spec):
            last = np.full(1, OPAQUE, np.uint8)
        else:
            last = _elements((np.full(1, OPAQUE, np.float32) - mean[-1]) / std[-1], spec, scale, zero_point)
        plane = np.broadcast_to(last.astype(values.dtype), (*values.shape[:2], 1))
        values = np.concatenate([values, plane], axis=-1)
    if spec.layout == "nchw":
        values = np.moveaxis(values, -1, 0)
    tensor: Tensor = np.ascontiguousarray(values)[None]
    return tensor


def _takes_pixels(spec: InputSpec) -> bool:
    return spec.dtype == "uint8" and spec.steps == "pixels"


def _elements(values: Elements, spec: InputSpec, scale: float, zero_point: int) -> Elements:
    """What the tensor holds of normalised values, of any shape."""
    if spec.dtype in ("float32", "float16"):
        with np.errstate(over="ignore"):  # a half float has an infinity for what is too large for it
            return values.astype(spec.dtype)
    levels = values / np.float32(scale) if scale else values
    rounded = np.trunc(levels + np.copysign(np.float32(0.5), levels)) + np.float32(zero_point)
    lowest, highest = STEPS[spec.dtype]
    elements: Elements = np.clip(rounded, np.float32(lowest), np.float32(highest)).astype(spec.dtype)
    return elements
