"""How a model's tensors are filled and read. request.json says all of it, so that no platform has to guess."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .mask import MAX_LABELS
from .schema import Many, Strict, Text

FLOAT32_MAX, FLOAT32_LEAST = 3.4028234e38, 1.1754944e-38

InputType = Literal["float32", "uint8", "int8", "float16", "int16", "int32"]
# Scores and class numbers make a category mask; a probability, or a logit, of one class makes a soft one.
OutputKind = Literal["logits", "classes", "probability", "logit"]
# Channels, or classes, last or first.
Layout = Literal["nhwc", "nchw"]
Colours = Literal["rgb", "bgr", "gray"]
Fourth = Literal["zero", "alpha", "previous mask"]
Steps = Literal["pixels", "normalised"]


def _divisor(std: float) -> float:
    if abs(std) < FLOAT32_LEAST:
        raise ValueError(f"a std of {std:g} divides by zero")
    return std


Side = Annotated[int, Field(ge=1, le=1 << 26, description="pixels")]
# What the pixels are normalised with, in float32 on every platform.
Mean = Annotated[float, Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX)]
Std = Annotated[float, Field(ge=-FLOAT32_MAX, le=FLOAT32_MAX), AfterValidator(_divisor)]
# The value of pixels of which nothing is said.
IgnoredValue = Annotated[int, Field(ge=0, lt=1 << 16)]
TensorIndex = Annotated[int, Field(ge=0, le=1 << 16)]


class InputSpec(Strict):
    """The image tensor and its normalisation, (pixel - mean) / std: [1, height, width, c], or [1, c, height, width].

    `mean` and `std` have one value, or one for each channel in the tensor's order.
    """

    height: Side
    width: Side
    dtype: InputType
    mean: Many[Mean]
    std: Many[Std]
    index: TensorIndex = 0
    layout: Layout = "nhwc"
    channels: Colours = Field(default="rgb", description="gray is one channel, by ITU-R 601's weights")
    fourth: Fourth | None = Field(default=None, description="what follows the colours, where anything does")
    steps: Steps = Field(
        default="pixels", description="of uint8: pixels as they are, or as normalised; other types have the latter"
    )
    name: Text | None = Field(default=None, description="in the signature")

    @property
    def depth(self) -> int:
        """How many channels the tensor has."""
        return (1 if self.channels == "gray" else 3) + (self.fourth is not None)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The tensor's shape, a batch of one."""
        if self.layout == "nchw":
            return 1, self.depth, self.height, self.width
        return 1, self.height, self.width, self.depth


class OutputSpec(Strict):
    """Which output makes the mask, and how: `height` × `width` scores of `classes`, or a number for each pixel.

    The values lie row by row, whatever the tensor's rank: those of a pixel side by side (nhwc), or those of a class
    (nchw). A size that is not there is the tensor's own, of [1, h, w, c], [1, c, h, w] or [1, h, w].
    """

    index: TensorIndex
    kind: OutputKind
    layout: Layout = "nhwc"
    height: Side | None = None
    width: Side | None = None
    classes: Annotated[int, Field(ge=1, le=MAX_LABELS)] | None = Field(
        default=None, description="scores of a pixel; of a class map, how many numbers it may hold"
    )
    scale: float = Field(default=0, ge=0, description="scores in one quantisation step; 0 where scores are floats")
    zero_point: int = Field(default=0, description="the step of a score of 0")
    threshold: float | None = Field(default=None, gt=0, lt=1, description="of a soft mask: class 1 from here on")
    foreground: TensorIndex | None = Field(default=None, description="of a soft mask: the score that it is made of")
    ignore: IgnoredValue | None = Field(
        default=None, description="the value of pixels of which a class map says nothing"
    )
    name: Text | None = Field(default=None, description="in the signature")


class Constant(Strict):
    """A second input: what it always holds, row by row; one value stands for all."""

    index: TensorIndex
    name: Text
    values: Many[float] = Field(min_length=1)
