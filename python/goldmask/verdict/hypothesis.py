"""A hypothesis: one thing that an app may do otherwise than the reference, by name, and where to look in its code.

Each slot of pre-processing has a kind of its own. What an app does is a `Recipe`: for each slot a hypothesis, or None
where it does what the reference does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import ClassVar, Literal

import numpy as np

from ..contract.image import Pixels, orient, resize
from ..contract.input_tensor import Tensor, to_tensor
from ..contract.tensors import InputSpec, InputType

# What each value of a pixel becomes, for red, green and blue: [256, 3].
Levels = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Steps = np.ndarray[tuple[int, int], np.dtype[np.uint8 | np.int8]]
Alpha = np.ndarray[tuple[int, int], np.dtype[np.uint8]]
Stage = Literal["decoded", "resized", "tensor", "mask", "model"]


@dataclass(frozen=True)
class Fix:
    """What the line to correct looks like when it is right, in each language that apps are written in."""

    kotlin: str
    swift: str
    python: str


@dataclass(frozen=True)
class Hypothesis:
    """`cause` is a clause that says what the app does. A harmless one changes the last bit of numbers, and no mask."""

    name: str
    cause: str
    fix: Fix
    harmless: bool = field(default=False, kw_only=True)
    stage: ClassVar[Stage]


@dataclass(frozen=True)
class Photo:
    """An image as it lies in its file: uint8 [h, w, 3], alpha [h, w] where it has one, and how it is turned upright."""

    raw: Pixels
    orientation: int
    alpha: Alpha | None = None

    def upright(self) -> Pixels:
        """What the reference decodes: turned as EXIF or the case says, alpha dropped."""
        return orient(self.raw, self.orientation)


@dataclass(frozen=True)
class ImageInput:
    """The image tensor [1, height, width, 3] of a model, with the scale and zero point of a quantised one."""

    height: int
    width: int
    dtype: InputType
    mean: tuple[float, ...]
    std: tuple[float, ...]
    scale: float = 0.0
    zero_point: int = 0

    @classmethod
    def of(cls, spec: InputSpec, scale: float = 0.0, zero_point: int = 0) -> "ImageInput | None":
        """What a request says of it; None of a tensor that no hypothesis is about."""
        usual = (spec.layout, spec.channels, spec.fourth, spec.steps) == ("nhwc", "rgb", None, "pixels")
        if not usual or spec.dtype not in ("float32", "uint8", "int8"):
            return None
        return cls(spec.height, spec.width, spec.dtype, spec.mean, spec.std, scale, zero_point)


Scaling = Callable[[Pixels, int, int], Pixels]


@dataclass(frozen=True)
class Decoding(Hypothesis):
    """How a file becomes pixels; None where that changes nothing of this photo."""

    apply: Callable[[Photo], Pixels | None]
    stage = "decoded"


@dataclass(frozen=True)
class Framing(Hypothesis):
    """Which part of the photo becomes which part of the model's image, height × width, with a given scaling."""

    apply: Callable[[Pixels, int, int, Scaling], Pixels]
    stage = "resized"


@dataclass(frozen=True)
class Kernel(Hypothesis):
    """How pixels are scaled to height × width."""

    apply: Scaling
    stage = "resized"


@dataclass(frozen=True)
class ChannelOrder(Hypothesis):
    """Which channel goes where."""

    apply: Callable[[Pixels], Pixels]
    stage = "tensor"


@dataclass(frozen=True)
class ValueRange(Hypothesis):
    """What a pixel's value becomes before it is quantised, if it is: float32 [256, 3]."""

    apply: Callable[[ImageInput], Levels]
    stage = "tensor"


@dataclass(frozen=True)
class Quantising(Hypothesis):
    """How floats become the steps of a quantised tensor."""

    apply: Callable[[Levels, ImageInput], Steps]
    stage = "tensor"


@dataclass(frozen=True)
class Layout(Hypothesis):
    """In which order the values of a tensor are written."""

    apply: Callable[[Tensor], Tensor]
    stage = "tensor"


@dataclass(frozen=True)
class Recipe:
    """How an app makes its input tensor; None is what the reference does."""

    decoding: Decoding | None = None
    framing: Framing | None = None
    kernel: Kernel | None = None
    order: ChannelOrder | None = None
    values: ValueRange | None = None
    quantising: Quantising | None = None
    layout: Layout | None = None

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """What differs from the reference, in the order of the slots."""
        found = (getattr(self, slot.name) for slot in fields(self))
        return tuple(each for each in found if isinstance(each, Hypothesis))

    @property
    def causes(self) -> tuple[Hypothesis, ...]:
        """What may change a mask."""
        return tuple(each for each in self.hypotheses if not each.harmless)

    def decoded(self, photo: Photo) -> Pixels | None:
        """The pixels of a photo; None where the decoding changes nothing of this one."""
        return self.decoding.apply(photo) if self.decoding else photo.upright()

    def resized(self, pixels: Pixels, image: ImageInput) -> Pixels:
        """uint8 [height, width, 3] of decoded pixels."""
        scaling = self.kernel.apply if self.kernel else resize
        if self.framing:
            return self.framing.apply(pixels, image.height, image.width, scaling)
        return scaling(pixels, image.height, image.width)

    def ordered(self, pixels: Pixels) -> Pixels:
        """Resized pixels with their channels where the app puts them."""
        return np.ascontiguousarray(self.order.apply(pixels)) if self.order else pixels

    def tensor(self, pixels: Pixels, image: ImageInput) -> Tensor:
        """The input tensor [1, height, width, 3] of resized pixels."""
        tensor = self._values(self.ordered(pixels), image)
        return np.ascontiguousarray(self.layout.apply(tensor)) if self.layout else tensor

    def _values(self, pixels: Pixels, image: ImageInput) -> Tensor:
        if not (self.values or self.quantising):
            spec = InputSpec(height=image.height, width=image.width, dtype=image.dtype, mean=image.mean, std=image.std)
            return to_tensor(pixels, spec, image.scale, image.zero_point)
        levels = self.values.apply(image) if self.values else declared_levels(image)
        channels = np.arange(3)
        if image.dtype == "float32":
            return levels[pixels, channels][None]
        steps = self.quantising.apply(levels, image) if self.quantising else quantised(levels, image)
        return steps[pixels, channels][None]


def declared_levels(image: ImageInput) -> Levels:
    """What the declared normalisation makes of each value of a pixel, as the reference computes it."""
    values = np.arange(256, dtype=np.float32)[:, None]
    levels = (values - np.asarray(image.mean, np.float32)) / np.asarray(image.std, np.float32)
    return np.broadcast_to(levels, (256, 3))


def quantised(levels: Levels, image: ImageInput) -> Steps:
    """Floats as steps, rounded half away from zero and clamped; without a scale they are cast."""
    scaled = levels / np.float32(image.scale) if image.scale else levels
    steps = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)) + image.zero_point
    return as_steps(steps, image)


def as_steps(values: Levels, image: ImageInput) -> Steps:
    """Whole numbers as steps of the tensor's type, clamped."""
    if image.dtype == "int8":
        return np.clip(values, -128, 127).astype(np.int8)
    return np.clip(values, 0, 255).astype(np.uint8)
