"""What apps do to the output of a model: masks turned, labels moved, another axis, a threshold, another size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from ..contract.image import orient
from ..contract.mask import Mask, Scores
from .hypothesis import Fix, Hypothesis, Stage

Table = np.ndarray[tuple[int], np.dtype[np.uint8]]


@dataclass(frozen=True)
class Prediction:
    """What the reference makes of an image: the mask, the scores [h, w, classes] where known, the classes there are.

    `size` is the height and width that the target's mask has, `photo` those of the image. `others` are ways to
    post-process that are possible for this model alone.
    """

    mask: Mask
    classes: int
    size: tuple[int, int]
    photo: tuple[int, int] | None = None
    scores: Scores | None = None
    others: "tuple[Postprocessing, ...]" = ()


@dataclass(frozen=True)
class Postprocessing(Hypothesis):
    """How a prediction becomes a mask; None where that cannot be, or needs scores that are not known."""

    apply: Callable[[Prediction], Mask | None]
    stage: ClassVar[Stage] = "mask"


_TURN = Fix(
    kotlin="mask[y * width + x]: rows first",
    swift="mask[y * width + x]: rows first",
    python="numpy.argmax(scores[0], axis=-1) is [height, width]",
)
_LABEL = Fix(
    kotlin="the class is the index of the highest score, from 0; labels has one entry for each, background first",
    swift="the class is the index of the highest score, from 0; labels has one entry for each, background first",
    python="labels[class_index], with the background at index 0",
)
_AXIS = Fix(
    kotlin="scores[(y * width + x) * classes + c]: the class is innermost",
    swift="scores[(y * width + x) * classes + c]: the class is innermost",
    python="numpy.argmax(scores[0], axis=-1)",
)
_THRESHOLD = Fix(
    kotlin="take the class with the highest score, whatever its probability",
    swift="take the class with the highest score, whatever its probability",
    python="numpy.argmax(scores[0], axis=-1) without a threshold",
)
_SIZE = Fix(
    kotlin="Bitmap.createScaledBitmap(mask, width, height, false): class numbers are never blended",
    swift="context.interpolationQuality = .none for a mask: class numbers are never blended",
    python="image.resize((width, height), Image.Resampling.NEAREST) for a mask",
)


def _turned(orientation: int) -> Callable[[Prediction], Mask | None]:
    def turn(found: Prediction) -> Mask | None:
        mask: Mask = orient(found.mask[..., None], orientation)[..., 0]  # type: ignore[arg-type]  # numpy has no union
        return mask if mask.shape == found.size else None

    return turn


def _sides_exchanged(found: Prediction) -> Mask | None:
    """Written row by row into rows of another length."""
    height, width = found.mask.shape
    return None if height == width else found.mask.T.reshape(found.mask.shape)


def _sides_misread(found: Prediction) -> Mask | None:
    height, width = found.mask.shape
    return None if height == width or (width, height) != found.size else found.mask.reshape(width, height)


def _looked_up(table: Callable[[int], Table]) -> Callable[[Prediction], Mask | None]:
    def look_up(found: Prediction) -> Mask | None:
        return table(found.classes)[found.mask]

    return look_up


def _table(change: Callable[[np.ndarray[tuple[int], np.dtype[np.int64]], int], object]) -> Callable[[int], Table]:
    return lambda classes: np.asarray(change(np.arange(256), classes)).astype(np.uint8)


def _strongest(scores: Scores, axis: int = -1) -> Mask:
    winner: Mask = np.argmax(scores, axis=axis).astype(np.uint8)
    return winner


def _planes(found: Prediction) -> Mask | None:
    """Scores [h, w, classes] read as if they were [classes, h, w]."""
    if found.scores is None:
        return None
    height, width, classes = found.scores.shape
    return _strongest(found.scores.reshape(classes, height, width), axis=0)


def _lowest(found: Prediction) -> Mask | None:
    return None if found.scores is None else _strongest(-found.scores.astype(np.float32))


def _without_first(found: Prediction) -> Mask | None:
    if found.scores is None or found.scores.shape[-1] < 3:
        return None
    return _strongest(found.scores[..., 1:]) + np.uint8(1)


def _last_tie(found: Prediction) -> Mask | None:
    """The last of equal scores wins, as with >= in a loop."""
    if found.scores is None:
        return None
    return np.uint8(found.scores.shape[-1] - 1) - _strongest(found.scores[..., ::-1])


def _threshold(least: float) -> Callable[[Prediction], Mask | None]:
    """Softmax, and background where no class is as probable as that."""

    def cut(found: Prediction) -> Mask | None:
        if found.scores is None:
            return None
        scores = found.scores.astype(np.float32)
        highest = scores.max(axis=-1, keepdims=True)
        probable = 1 / np.exp(scores - highest).sum(axis=-1)
        if scores.min() >= 0 and np.allclose(scores.sum(axis=-1), 1, atol=1e-3):
            probable = highest[..., 0]  # they are probabilities already
        return np.where(probable >= least, found.mask, 0).astype(np.uint8)

    return cut


def _through(
    size: Callable[[Prediction], tuple[int, int] | None], there: int, back: int
) -> Callable[[Prediction], Mask | None]:
    """Scaled as an image to another size, and back to the target's."""

    def scale(found: Prediction) -> Mask | None:
        between = size(found)
        if between is None or (between == found.mask.shape and between == found.size):
            return None
        image = Image.fromarray(found.mask).resize(between[::-1], Image.Resampling(there))
        if image.size[::-1] != found.size:
            image = image.resize(found.size[::-1], Image.Resampling(back))
        return np.asarray(image)

    return scale


def _corner_through_photo(found: Prediction) -> Mask | None:
    if found.photo is None:
        return None
    return _corner(_corner(found.mask, found.photo), found.size)


def _corner(mask: Mask, size: tuple[int, int]) -> Mask:
    rows, columns = (np.arange(out) * was // out for was, out in zip(mask.shape, size, strict=True))
    return mask[rows][:, columns]


def _photo(found: Prediction) -> tuple[int, int] | None:
    return found.photo


def _divided(by: int) -> Callable[[Prediction], tuple[int, int]]:
    return lambda found: (-(-found.mask.shape[0] // by), -(-found.mask.shape[1] // by))


def _target(found: Prediction) -> tuple[int, int] | None:
    return None if found.size == found.mask.shape else found.size


def _coarse_scores(by: int) -> Callable[[Prediction], Mask | None]:
    """The class of every n-th pixel, for all n × n."""

    def coarsen(found: Prediction) -> Mask | None:
        height, width = found.mask.shape
        return np.repeat(np.repeat(found.mask[::by, ::by], by, axis=0), by, axis=1)[:height, :width]

    return coarsen


def _moved(down: int, along: int) -> Callable[[Prediction], Mask | None]:
    def move(found: Prediction) -> Mask | None:
        return np.roll(found.mask, (down, along), axis=(0, 1))

    return move


NEAREST, BILINEAR = Image.Resampling.NEAREST, Image.Resampling.BILINEAR
_P = Postprocessing
# Two of one name are one hypothesis, where its end is open.
POSTPROCESSINGS = (
    _P("mask-transposed", "rows and columns of the mask are exchanged", _TURN, apply=_turned(5)),
    _P("mask-written-by-columns", "the mask is written column by column", _TURN, apply=_sides_exchanged),
    _P("mask-sides-exchanged", "width and height of the mask are exchanged", _TURN, apply=_sides_misread),
    _P("mask-mirrored", "the mask is mirrored left to right", _TURN, apply=_turned(2)),
    _P("mask-upside-down", "the rows of the mask go from bottom to top", _TURN, apply=_turned(4)),
    _P("mask-rotated-180", "the mask is turned by 180°", _TURN, apply=_turned(3)),
    _P("mask-rotated-90", "the mask is turned by 90° clockwise", _TURN, apply=_turned(6)),
    _P("mask-rotated-270", "the mask is turned by 90° counter-clockwise", _TURN, apply=_turned(8)),
    _P("mask-transversed", "the mask is transposed and turned by 180°", _TURN, apply=_turned(7)),
    _P(
        "labels-shifted-up",
        "every class number is one too high",
        _LABEL,
        apply=_looked_up(_table(lambda index, n: np.where(index < n, (index + 1) % n, index))),
    ),
    _P(
        "labels-shifted-up",
        "every class number is one too high",
        _LABEL,
        apply=_looked_up(_table(lambda index, n: np.minimum(index + 1, 255))),
    ),
    _P(
        "labels-shifted-down",
        "every class number is one too low",
        _LABEL,
        apply=_looked_up(_table(lambda index, n: np.where(index < n, (index - 1) % n, index))),
    ),
    _P(
        "labels-shifted-down",
        "every class number is one too low",
        _LABEL,
        apply=_looked_up(_table(lambda index, n: np.maximum(index - 1, 0))),
    ),
    _P(
        "labels-from-255",
        "classes are counted from 255 downwards",
        _LABEL,
        apply=_looked_up(_table(lambda index, n: 255 - index)),
    ),
    _P(
        "labels-reversed",
        "classes are counted from the last one downwards",
        _LABEL,
        apply=_looked_up(_table(lambda index, n: np.where(index < n, n - 1 - index, index))),
    ),
    _P(
        "all-one-class",
        "every class but the background is class 1",
        _LABEL,
        apply=_looked_up(_table(lambda index, n: np.minimum(index, 1))),
    ),
    _P("wrong-axis", "the highest score is looked for along another axis than the classes", _AXIS, apply=_planes),
    _P("lowest-score", "the lowest score wins", _AXIS, apply=_lowest),
    _P("background-left-out", "the first class never wins", _AXIS, apply=_without_first),
    _P("last-of-equals", "the last of equal scores wins, as with >= in the loop", _AXIS, apply=_last_tie),
    *(
        _P(f"threshold-{least:g}", f"what is less than {least:.0%} probable is background", _THRESHOLD, apply=apply)
        for least, apply in ((each, _threshold(each)) for each in (0.5, 0.3, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95))
    ),
    _P(
        "mask-blended", "the mask is scaled with bilinear filtering", _SIZE, apply=_through(_target, BILINEAR, BILINEAR)
    ),
    _P("mask-scaled", "the mask is scaled, nearest pixel", _SIZE, apply=_through(_target, NEAREST, NEAREST)),
    _P(
        "mask-blended-through-photo",
        "the mask is scaled to the photo's size and back with bilinear filtering",
        _SIZE,
        apply=_through(_photo, BILINEAR, BILINEAR),
    ),
    _P(
        "mask-scaled-through-photo",
        "the mask is scaled to the photo's size and back, nearest pixel",
        _SIZE,
        apply=_through(_photo, NEAREST, NEAREST),
    ),
    _P(
        "mask-scaled-through-photo-corner",
        "the mask is scaled to the photo's size and back, nearest pixel to the left and above",
        _SIZE,
        apply=_corner_through_photo,
    ),
    *(
        _P(f"mask-at-1/{by}", f"the mask has one class for each {by} × {by} pixels", _SIZE, apply=_coarse_scores(by))
        for by in (2, 4, 8, 16)
    ),
    *(
        _P(f"mask-through-1/{by}", f"the mask is scaled down by {by} and up again", _SIZE, apply=apply)
        for by, apply in ((each, _through(_divided(each), NEAREST, NEAREST)) for each in (2, 4, 8))
    ),
    _P("mask-a-row-lower", "the mask is moved down by a row", _TURN, apply=_moved(1, 0)),
    _P("mask-a-row-higher", "the mask is moved up by a row", _TURN, apply=_moved(-1, 0)),
    _P("mask-a-column-right", "the mask is moved right by a column", _TURN, apply=_moved(0, 1)),
    _P("mask-a-column-left", "the mask is moved left by a column", _TURN, apply=_moved(0, -1)),
)


def permuted(expected: Mask, actual: Mask, classes: int) -> tuple[int, ...] | None:
    """Which class each class of `expected` became, where that is one and the same for nearly all of its pixels.

    None where classes keep their numbers, where two become one, or where the masks are of other sizes. As each class
    goes where most of its pixels go, and none twice, this is the assignment of least cost on the confusion matrix.
    """
    if expected.shape != actual.shape:
        return None
    counts = np.bincount(expected.ravel().astype(np.int64) * 256 + actual.ravel(), minlength=1 << 16).reshape(256, 256)
    present = np.flatnonzero(counts.sum(axis=1))
    becomes = counts[present].argmax(axis=1)
    if len(set(becomes.tolist())) < len(present) or (becomes == present).all():
        return None
    table = list(range(256))
    for was, now in zip(present.tolist(), becomes.tolist(), strict=True):
        table[was] = now
    return tuple(table[: max(classes, int(present.max()) + 1)])


def permutation(table: tuple[int, ...]) -> Postprocessing:
    """The hypothesis that classes became what `table` says of each."""
    moved = ", ".join(f"{was} → {now}" for was, now in enumerate(table) if was != now)
    whole = np.arange(256)
    whole[: len(table)] = table
    return Postprocessing(
        "labels-permuted",
        f"classes are exchanged: {moved}",
        _LABEL,
        apply=lambda found: whole.astype(np.uint8)[found.mask],
    )
