"""A model's output into a category mask: scores and class maps, wherever their classes lie (docs/models.md)."""

import numpy as np

from .mask import MAX_CLASSES, MAX_LABELS, Margins, Mask, Scores, top_two_margin
from .tensors import OutputSpec

# Of any rank, of every type that reading.py knows.
Output = np.ndarray[
    tuple[int, ...], np.dtype[np.float32 | np.float16 | np.uint8 | np.int8 | np.int16 | np.int32 | np.int64]
]


def scores_of(output: Output, spec: OutputSpec) -> Scores:
    """The scores [h, w, classes] of an output: a view of its memory. Raises ValueError where it is not what is asked.

    Any rank will do: row by row, the scores of a pixel lie side by side (nhwc), or those of a class do (nchw).
    """
    shape = output.shape
    if spec.height and spec.width:
        pixels = spec.height * spec.width
        classes = spec.classes or output.size // pixels
        wanted = (spec.height, spec.width, classes)
    elif len(shape) == 4 and shape[0] == 1:
        wanted = (shape[2], shape[3], shape[1]) if spec.layout == "nchw" else (shape[1], shape[2], shape[3])
    else:
        raise ValueError(f"the output is {list(shape)}, and nothing says which of that are rows and columns")
    height, width, classes = wanted
    if output.size != height * width * classes or (spec.classes or classes) != classes:
        asked = "×".join(map(str, (height, width, spec.classes or classes)))
        raise ValueError(f"the output is {list(shape)}, not {asked} scores")
    scores: Scores
    if spec.layout == "nchw":
        scores = np.moveaxis(output.reshape(classes, height, width), 0, -1)  # type: ignore[arg-type]  # numpy has no union
    else:
        scores = output.reshape(wanted)  # type: ignore[assignment]  # numpy has no union
    return scores


def class_map_of(output: Output, spec: OutputSpec) -> Output:
    """The numbers [h, w] of a class map of any rank: a view of its memory. Raises ValueError."""
    wanted = (spec.height, spec.width) if spec.height and spec.width else _plane(output.shape)
    if output.size != wanted[0] * wanted[1]:
        raise ValueError(f"the output is {list(output.shape)}, not {wanted[0]}×{wanted[1]} class numbers")
    return output.reshape(wanted)


def mask_from_output(output: Output, spec: OutputSpec) -> tuple[Mask, Margins | None]:
    """The mask and its margins of an output tensor; a class map has none. Raises ValueError with what is wrong."""
    if spec.kind == "classes":
        return _classes(class_map_of(output, spec), spec), None
    return top_two_margin(scores_of(output, spec))


def _plane(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a class map whose tensor has them: [h, w], [1, h, w], [1, h, w, 1] or [1, 1, h, w]."""
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) == 3 and shape[0] == 1:
        return shape[1], shape[2]
    if len(shape) == 4 and shape[0] == 1 and 1 in (shape[3], shape[1]):
        return (shape[1], shape[2]) if shape[3] == 1 else (shape[2], shape[3])
    raise ValueError(f"the output is {list(shape)}, and nothing says which of that are rows and columns")


def _classes(numbers: Output, spec: OutputSpec) -> Mask:
    wide = max((spec.classes or 1) - 1, spec.ignore or 0) >= MAX_CLASSES
    most = MAX_LABELS if wide else MAX_CLASSES
    highest, lowest = numbers.max(), numbers.min()
    if not (lowest >= 0 and highest < most):  # as well where they are NaN
        raise ValueError(f"the class map has values {lowest:g} to {highest:g}; masks hold 0 to {most - 1}")
    mask: Mask = np.empty(numbers.shape[:2], np.uint16 if wide else np.uint8)
    mask[...] = numbers
    if numbers.dtype.kind == "f" and not np.array_equal(mask, numbers):
        odd = numbers[np.not_equal(mask, numbers)].flat[0]
        raise ValueError(f"the class map has a value {odd:g}; class numbers are whole")
    return mask
