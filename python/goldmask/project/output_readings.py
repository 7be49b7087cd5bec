"""Every way in which an output tensor can be read, by its shape and type: what reading.py chooses from."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..contract.mask import MAX_LABELS
from ..contract.tensors import Layout
from .declared import Meaning
from .tflite import Tensor

SCORE_DTYPES = ("float32", "float16", "uint8", "int8", "int16")
CLASS_DTYPES = ("uint8", "int8", "int16", "int32", "int64")
FLOATS = ("float32", "float16")
# No segmentation network hands on a coarser grid; DeepLab's coarsest output stride is 32.
STRIDE_MAX = 32
Size = tuple[int, int]


@dataclass(frozen=True)
class OutputReading:
    """One way to read an output, in words, and the line that declares it.

    `line` is empty for a reading that needs no declaration where it is the only one that fits. `height` and `width`
    are -1 where only a run tells them; `classes` is None of class numbers. `has_layout` is False where there is one
    value of a pixel, so that both layouts are the same.
    """

    meaning_text: str
    layout: Layout
    meaning: Meaning
    line: str
    height: int
    width: int
    classes: int | None = None
    has_layout: bool = True


def sizes_of(image: Size) -> tuple[Size, ...]:
    """The sizes of masks that lie over an image: at a whole stride, or enlarged by a whole factor."""
    down = [
        size
        for by in range(1, STRIDE_MAX + 1)
        for size in ((image[0] // by, image[1] // by), (-(-image[0] // by), -(-image[1] // by)))
        if min(size) >= 1
    ]
    return tuple(dict.fromkeys([*down, *((image[0] * by, image[1] * by) for by in (2, 3, 4))]))


def readings(tensor: Tensor, sizes: Collection[Size] | None) -> list[OutputReading]:
    """Every reading of an output that its shape and type allow and that has one of `sizes`; None allows all sizes.

    Where all pixels lie in one row, only `sizes` can tell how many rows they are.
    """
    found = [
        reading
        for layout, height, width, classes, plain in _axes(tensor.shape, sizes)
        for reading in _meanings(tensor, layout, height, width, classes, plain)
        if sizes is None or _is_among((height, width), sizes)
    ]
    return list(dict.fromkeys(found))


def soft_of(found: list[OutputReading], meaning: Literal["probability", "logit"]) -> list[OutputReading]:
    """Readings of several scores as how probable one class of them is, which only a declaration can say."""
    return [
        replace(each, meaning=meaning, meaning_text=f"{meaning} of one class of {each.classes}")
        for each in found
        if each.meaning == "scores"
    ]


def _is_among(size: Size, sizes: Collection[Size]) -> bool:
    return any(all(side in (-1, given) for side, given in zip(size, each, strict=True)) for each in sizes)


def _axes(
    shape: tuple[int, ...], sizes: Collection[Size] | None
) -> Iterator[tuple[Layout, int, int, int | None, bool]]:
    """(layout, height, width, classes, whether it is the usual one) for each way to name a shape's axes.

    `classes` is None where there is one value of a pixel.
    """
    if not shape or any(side == 0 or side < -1 for side in shape):
        return
    batched = [(shape[1:], True)] if shape[0] in (1, -1) and len(shape) > 1 else []
    for sides, usual in (*batched, (shape, False)):
        if len(sides) == 3:
            first, second, third = sides
            if third == 1:
                yield "nhwc", first, second, None, usual
            elif first == 1:
                yield "nchw", second, third, None, usual
            if third >= 2:
                yield "nhwc", first, second, third, usual
            if first >= 2:
                yield "nchw", second, third, first, False
        elif len(sides) == 2:
            yield "nhwc", *sides, None, True
            for height, width in _rows(sides[0], sizes):
                if sides[1] >= 2:
                    yield "nhwc", height, width, sides[1], False
            for height, width in _rows(sides[1], sizes):
                if sides[0] >= 2:
                    yield "nchw", height, width, sides[0], False
        elif len(sides) == 1:
            for height, width in _rows(sides[0], sizes):
                yield "nhwc", height, width, None, True


def _rows(pixels: int, sizes: Collection[Size] | None) -> list[Size]:
    """The sizes that so many pixels in one row can have."""
    return [size for size in sizes or () if size[0] * size[1] == pixels]


def _meanings(
    tensor: Tensor, layout: Layout, height: int, width: int, classes: int | None, plain: bool
) -> Iterator[OutputReading]:
    """What the values of a shape can mean by their type."""
    if classes is not None:
        if tensor.dtype in SCORE_DTYPES and classes <= MAX_LABELS:
            row = height * width in tensor.shape
            place = "all pixels in one row" if row else f"the class {'last' if layout == 'nhwc' else 'first'}"
            line = "" if plain and layout == "nhwc" else f'layout = "{layout}"'
            yield OutputReading(f"scores of {classes} classes, {place}", layout, "scores", line, height, width, classes)
        return

    def one(text: str, meaning: Meaning, line: str, classes: int | None = None) -> OutputReading:
        return OutputReading(text, "nhwc", meaning, line, height, width, classes, has_layout=False)

    if tensor.dtype in CLASS_DTYPES or tensor.dtype == "float32":
        # A number with a scale, or a fraction, is a measure of something; class numbers are neither.
        certain = not tensor.scale and tensor.dtype in CLASS_DTYPES
        yield one("class numbers", "classes", "" if certain else 'kind = "classes"')
    if tensor.dtype in FLOATS or tensor.scale:
        yield one("probabilities of one class", "probability", 'kind = "probability"', 1)
        yield one("logits of one class", "logit", 'kind = "logit"', 1)
