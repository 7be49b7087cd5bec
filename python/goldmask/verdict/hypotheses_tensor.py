"""How pixels become an input tensor in apps: the order of channels, the range of values, quantising, the layout."""

from collections.abc import Callable

import numpy as np

from ..contract.image import Pixels
from ..contract.input_tensor import Tensor
from .hypothesis import (
    ChannelOrder,
    Fix,
    ImageInput,
    Layout,
    Levels,
    Quantising,
    Steps,
    ValueRange,
    as_steps,
    declared_levels,
    quantised,
)

_ORDER = Fix(
    kotlin="buffer.put(Color.red(pixel)); put(Color.green(pixel)); put(Color.blue(pixel)), in this order",
    swift="pixel[0] is red only with CGBitmapInfo.byteOrder32Big; kCVPixelFormatType_32BGRA has blue first",
    python="cv2.cvtColor(image, cv2.COLOR_BGR2RGB)",
)
_RANGE = Fix(
    kotlin="buffer.putFloat((value - MEAN) / STD) with mean and std of model.toml",
    swift="(Float(value) - mean) / std with mean and std of model.toml",
    python="(image.astype(numpy.float32) - mean) / std",
)
_UNSIGNED = Fix(
    kotlin="byte.toInt() and 0xFF: a Kotlin Byte is signed",
    swift="UInt8, not Int8",
    python="array.view(numpy.uint8)",
)
_QUANTISE = Fix(
    kotlin="round(value / scale) + zeroPoint of interpreter.getInputTensor(0).quantizationParams()",
    swift="Int8((value / scale).rounded()) + zeroPoint of TfLiteTensorQuantizationParams",
    python='numpy.round(value / scale) + zero_point of interpreter.get_input_details()[0]["quantization"]',
)
_LAYOUT = Fix(
    kotlin="for y, for x, for channel: the channel is the innermost loop",
    swift="for y, for x, for channel: the channel is the innermost loop",
    python="leave numpy.transpose(image, (2, 0, 1)) out",
)


def _picked(*channels: int) -> Callable[[Pixels], Pixels]:
    return lambda pixels: pixels[..., list(channels)]


def _gray(pixels: Pixels) -> Pixels:
    # ITU-R 601-2, as Pillow and OpenCV have it.
    luma = (pixels.astype(np.uint32) * (19595, 38470, 7471)).sum(axis=-1, dtype=np.uint32) + 0x8000 >> 16
    return np.repeat(luma.astype(np.uint8)[..., None], 3, axis=-1)


def _alpha_first(pixels: Pixels) -> Pixels:
    return np.concatenate([np.full_like(pixels[..., :1], 255), pixels[..., :2]], axis=-1)


def _four_as_three(pixels: Pixels) -> Pixels:
    """RGBA bytes read three at a time: colours run away from their pixels, and the last quarter is not read."""
    whole = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)
    return whole.ravel()[: pixels.size].reshape(pixels.shape)


ORDERS = (
    ChannelOrder("bgr", "the channels are in the order blue, green, red", _ORDER, apply=_picked(2, 1, 0)),
    ChannelOrder("argb", "alpha is read as red, red as green, green as blue", _ORDER, apply=_alpha_first),
    ChannelOrder("rgba-as-rgb", "pixels of four bytes are read three bytes at a time", _ORDER, apply=_four_as_three),
    ChannelOrder("gray", "all three channels are the brightness", _ORDER, apply=_gray),
    ChannelOrder("grb", "red and green are exchanged", _ORDER, apply=_picked(1, 0, 2)),
    ChannelOrder("rbg", "green and blue are exchanged", _ORDER, apply=_picked(0, 2, 1)),
    ChannelOrder("gbr", "the channels are in the order green, blue, red", _ORDER, apply=_picked(1, 2, 0)),
    ChannelOrder("brg", "the channels are in the order blue, red, green", _ORDER, apply=_picked(2, 0, 1)),
)

_VALUES = np.arange(256, dtype=np.float32)[:, None]
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CAFFE = (103.939, 116.779, 123.68)


def _float32(*values: float) -> Levels:
    return np.array([values], np.float32)


def _same(levels: Levels) -> Levels:
    return np.broadcast_to(levels, (256, 3))


def _affine(mean: float, std: float) -> Callable[[ImageInput], Levels]:
    return lambda image: _same((_VALUES - np.float32(mean)) / np.float32(std))


def _imagenet(image: ImageInput) -> Levels:
    return _same((_VALUES / np.float32(255) - _float32(*_IMAGENET[0])) / _float32(*_IMAGENET[1]))


def _imagenet_of_pixels(image: ImageInput) -> Levels:
    mean, std = ([value * 255 for value in values] for values in _IMAGENET)
    return _same((_VALUES - _float32(*mean)) / _float32(*std))


def _caffe(image: ImageInput) -> Levels:
    return _same(_VALUES - _float32(*_CAFFE[::-1]))


def _twice(image: ImageInput) -> Levels:
    return (declared_levels(image) - _float32(*image.mean)) / _float32(*image.std)


def _after_unit(image: ImageInput) -> Levels:
    return _same((_VALUES / np.float32(255) - _float32(*image.mean)) / _float32(*image.std))


def _signed(image: ImageInput) -> Levels:
    levels = declared_levels(image)
    signed = np.where(_VALUES < 128, _VALUES, _VALUES - 256).astype(np.float32)
    if image.dtype == "uint8":
        return levels
    return _same((signed - _float32(*image.mean)) / _float32(*image.std))


def _inverted(image: ImageInput) -> Levels:
    return declared_levels(image)[::-1]


# The same range in other arithmetic: the last bit of a float may differ, and no mask does for that alone.
def _divided_first(image: ImageInput) -> Levels:
    mean, std = _float32(*image.mean), _float32(*image.std)
    return _same(_VALUES / std - mean / std)


def _multiplied(image: ImageInput) -> Levels:
    mean, std = _float32(*image.mean), _float32(*image.std)
    return _same((_VALUES - mean) * (np.float32(1) / std))


def _multiplied_first(image: ImageInput) -> Levels:
    mean, std = _float32(*image.mean), _float32(*image.std)
    return _same(_VALUES * (np.float32(1) / std) - mean / std)


def _in_double(image: ImageInput) -> Levels:
    mean, std = np.array([image.mean], np.float64), np.array([image.std], np.float64)
    return _same(((_VALUES.astype(np.float64) - mean) / std).astype(np.float32))


def _from_unit(image: ImageInput) -> Levels:
    """(p / 255 - m) / s, as torchvision and Core ML write it."""
    mean, std = _float32(*(each / 255 for each in image.mean)), _float32(*(each / 255 for each in image.std))
    return _same((_VALUES / np.float32(255) - mean) / std)


def _unit_times_two(image: ImageInput) -> Levels:
    return _same(_VALUES / np.float32(255) * np.float32(2) - np.float32(1))


def _unit_multiplied(image: ImageInput) -> Levels:
    return _same(_VALUES * (np.float32(1) / np.float32(255)))


# Of each range the usual arithmetic, and then rounding twins of it.
RANGES = (
    ValueRange("zero-to-one", "pixels are scaled to 0…1", _RANGE, apply=_affine(0, 255)),
    ValueRange("minus-one-to-one", "pixels are scaled to -1…1", _RANGE, apply=_affine(127.5, 127.5)),
    ValueRange("raw", "pixels stay 0…255", _RANGE, apply=_affine(0, 1)),
    ValueRange("imagenet", "pixels are normalised with ImageNet's mean and std", _RANGE, apply=_imagenet),
    ValueRange("mean-only", "ImageNet's mean is subtracted and nothing divided", _RANGE, apply=_caffe),
    ValueRange("minus-half-to-half", "pixels are scaled to -0.5…0.5", _RANGE, apply=_affine(127.5, 255)),
    ValueRange("minus-128", "pixels become (p - 128) / 128", _RANGE, apply=_affine(128, 128)),
    ValueRange("by-256", "pixels are divided by 256", _RANGE, apply=_affine(0, 256)),
    ValueRange("normalised-twice", "the normalisation is applied twice", _RANGE, apply=_twice),
    ValueRange("unit-then-declared", "mean and std of pixels are applied to 0…1", _RANGE, apply=_after_unit),
    ValueRange("signed-bytes", "bytes above 127 are read as negative numbers", _UNSIGNED, apply=_signed),
    ValueRange("inverted", "black and white are exchanged", _RANGE, apply=_inverted),
)
# The same range by other arithmetic, for a hash that must match in every bit; a mask needs no second try of them.
ROUNDING_OF_RANGES = (
    ValueRange("zero-to-one", "pixels are scaled to 0…1", _RANGE, apply=_unit_multiplied),
    ValueRange("minus-one-to-one", "pixels are scaled to -1…1", _RANGE, apply=_unit_times_two),
    ValueRange("imagenet", "pixels are normalised with ImageNet's mean and std", _RANGE, apply=_imagenet_of_pixels),
)
_LAST_BIT = "the declared normalisation is computed in another order, which changes the last bit of a float"
HARMLESS = tuple(
    ValueRange(f"rounding-{name}", _LAST_BIT, _RANGE, harmless=True, apply=apply)
    for name, apply in (
        ("p/s-m/s", _divided_first),
        ("(p-m)*(1/s)", _multiplied),
        ("p*(1/s)-m/s", _multiplied_first),
        ("float64", _in_double),
        ("p/255", _from_unit),
        ("p/255*2-1", _unit_times_two),
    )
)


def _truncated(levels: Levels, image: ImageInput) -> Steps:
    steps = np.trunc(levels / np.float32(image.scale or 1)) + image.zero_point
    return as_steps(steps, image)


def _half_even(levels: Levels, image: ImageInput) -> Steps:
    steps = np.round(levels / np.float32(image.scale or 1)) + image.zero_point
    return as_steps(steps, image)


def _without_zero_point(levels: Levels, image: ImageInput) -> Steps:
    return quantised(levels, ImageInput(1, 1, image.dtype, image.mean, image.std, image.scale, 0))


def _without_scale(levels: Levels, image: ImageInput) -> Steps:
    return as_steps(np.trunc(levels), image)


def _wrapped(levels: Levels, image: ImageInput) -> Steps:
    """The pixel's own byte, read as what the tensor holds."""
    return _bytes(np.arange(256, dtype=np.uint8), image)


def _shifted_bytes(levels: Levels, image: ImageInput) -> Steps:
    """The pixel minus 128 as a byte: right for one tensor type, and wrong for the other."""
    return _bytes(np.arange(256, dtype=np.uint8) ^ np.uint8(0x80), image)


def _bytes(values: np.ndarray[tuple[int], np.dtype[np.uint8]], image: ImageInput) -> Steps:
    steps: Steps = np.broadcast_to((values.view(np.int8) if image.dtype == "int8" else values)[:, None], (256, 3))
    return steps


QUANTISINGS = (
    Quantising("bytes-as-they-are", "bytes of pixels are written into a quantised tensor", _QUANTISE, apply=_wrapped),
    Quantising("bytes-minus-128", "128 is subtracted from bytes of pixels", _QUANTISE, apply=_shifted_bytes),
    Quantising("zero-point-left-out", "the zero point is left out", _QUANTISE, apply=_without_zero_point),
    Quantising("scale-left-out", "floats are cast to bytes without the scale", _QUANTISE, apply=_without_scale),
    Quantising("truncated-steps", "steps are cut off instead of rounded", _QUANTISE, apply=_truncated),
    Quantising("half-even-steps", "halves of steps are rounded to even", _QUANTISE, harmless=True, apply=_half_even),
)


def _planes(tensor: Tensor) -> Tensor:
    return tensor.transpose(0, 3, 1, 2).reshape(tensor.shape)


def _columns_first(tensor: Tensor) -> Tensor:
    return tensor.transpose(0, 2, 1, 3).reshape(tensor.shape)


LAYOUTS = (
    Layout("nchw", "the tensor is written channel by channel (NCHW), the model reads NHWC", _LAYOUT, apply=_planes),
    Layout("columns-first", "the tensor is written column by column", _LAYOUT, apply=_columns_first),
)
