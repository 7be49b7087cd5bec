"""What a model.toml says of a model's tensors: the lines that settle what a file leaves open."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..contract.mask import MAX_LABELS
from ..contract.schema import Strict
from ..contract.tensors import (
    FLOAT32_LEAST,
    FLOAT32_MAX,
    Colours,
    Fourth,
    InputType,
    Layout,
    Mean,
    Side,
    Std,
    TensorIndex,
)

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]
# What an output is: class numbers, scores of classes, or how probable one class is (as such, or before its sigmoid).
Meaning = Literal["classes", "scores", "probability", "logit"]
Range = tuple[float, float]
Values = Annotated[tuple[float, ...], Field(min_length=1)]


class DeclaredInput(Strict):
    """[input]: `dtype`, and `height` and `width` where the file has them, must agree with the file.

    Pixels become (pixel - mean) / std, of one value each or one for each channel in the tensor's order; `range`, or
    `ranges` for each channel, says the same by the values of pixels 0 and 255. `assumed` marks a normalisation that
    nobody has confirmed yet: nothing is recorded on it. `constants` are what inputs beside the image always hold.
    """

    name: str | None = Field(default=None, min_length=1)
    height: Side | None = None
    width: Side | None = None
    dtype: InputType | None = None
    layout: Layout | None = None
    channels: Colours | None = None
    fourth: Fourth | None = None
    mean: tuple[Mean, ...] | None = Field(default=None, min_length=1, max_length=4)
    std: tuple[Std, ...] | None = Field(default=None, min_length=1, max_length=4)
    range: Range | None = None
    ranges: tuple[Range, ...] = Field(default=(), max_length=4)
    assumed: bool = False
    constants: dict[str, float | Values] = Field(default={})

    @model_validator(mode="after")
    def _normalisation(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std go together")
        if 2 in (len(self.mean or ()), len(self.std or ()), len(self.ranges)):
            raise ValueError("give one mean and std, or three")
        if sum(map(bool, (self.range, self.ranges, self.mean))) > 1:
            raise ValueError("give range, or mean and std")
        if any(low >= high for low, high in self._ranges):
            raise ValueError("a range goes from the value of black to the greater one of white")
        if self.normalisation and not all(
            FLOAT32_LEAST <= std <= FLOAT32_MAX for std in map(abs, self.normalisation[1])
        ):
            raise ValueError("a range that float32 cannot hold")
        return self

    @property
    def _ranges(self) -> tuple[Range, ...]:
        return (self.range,) if self.range else self.ranges

    @property
    def normalisation(self) -> Normalisation | None:
        """(mean, std) as declared, whichever way; None where it is not."""
        if self._ranges:
            means = tuple(0.0 - low * 255 / (high - low) for low, high in self._ranges)
            return means, tuple(255 / (high - low) for low, high in self._ranges)
        return (self.mean, self.std) if self.mean and self.std else None


class DeclaredOutput(Strict):
    """[output]: which tensor makes the mask (`name`), and what it is where the file leaves that open.

    `height` and `width` are those of the mask, where all its pixels lie in one row; `classes` is how many numbers a
    class map may hold, where no labels say so. `threshold` and `foreground` are of soft masks: where class 1 begins,
    and which of several scores the mask is made of.
    """

    name: str | None = Field(default=None, min_length=1)
    layout: Layout | None = None
    kind: Meaning | None = None
    height: Side | None = None
    width: Side | None = None
    classes: int | None = Field(default=None, ge=2, le=MAX_LABELS)
    threshold: float | None = Field(default=None, gt=0, lt=1)
    foreground: TensorIndex | None = None
