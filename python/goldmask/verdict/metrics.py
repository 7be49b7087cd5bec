"""How two masks of one size differ, in numbers."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import as_strided
from pydantic import Field, model_validator

from ..contract.bundle import MarginUnit
from ..contract.mask import MAX_CLASSES, Margins, Mask
from ..contract.schema import Count, Many, Strict, Text
from ..project.config import Tolerances
from ..project.ignored import Flags, sampled

Counts = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Tally = np.ndarray[tuple[int], np.dtype[np.int64]]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]
Outlines = np.ndarray[tuple[int, int], np.dtype[np.uint16 | np.uint32]]  # [2, pixels]
Classes = np.ndarray[tuple[int], np.dtype[np.uint8]]
Codes = np.ndarray[tuple[int], np.dtype[np.uint16 | np.uint32]]
Sums = np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16 | np.uint32]]
Scores = np.ndarray[tuple[int], np.dtype[np.float64]]
# Bound the memory that indices of pixels take, eight bytes each, however large a mask is.
BAND_PX = 1 << 20
STEPS_AT_ONCE = 12
# Of float64, in fractions.
ROUNDING = 1e-9


class Window(Strict):
    """The size_px × size_px window in which most pixels differ; x and y are its left and top."""

    x: Count
    y: Count
    size_px: Count
    differing: Count
    density: float


class Metrics(Strict):
    """How two masks of one size differ. Fractions are 0 to 1; flips are None where there is no margin map.

    `pixels` are those that count; `ignored` ones are left out of every figure.

    Classes that neither mask has take no part in means, and a class has the name that `distinct` gives it.
    `area_change` is (actual - expected) / expected pixels, None for a class that the golden does not have.
    """

    pixels: Count
    differing: Count
    agreement: float
    confident_flips: Count | None
    tie_flips: Count | None
    miou: float
    fwiou: float
    class_iou: dict[str, float]
    boundary_f: float
    class_boundary_f: dict[str, float]
    densest_window: Window | None
    labels_added: Many[Text]
    labels_missing: Many[Text]
    area_change: dict[str, float | None]
    ignored: Count = Field(default=0, description="pixels that nothing is said of")

    @model_validator(mode="after")
    def _figures_agree(self) -> Self:
        """A report that somebody edited is no report."""
        flips = (self.confident_flips, self.tie_flips)
        counted = sum(flip or 0 for flip in flips)
        whole = self.pixels > 0 and self.differing <= self.pixels
        if not whole or abs(self.agreement - (1 - self.differing / self.pixels)) > ROUNDING:
            raise ValueError(
                f"an agreement of {self.agreement} with {self.differing} of {self.pixels} pixels differing"
            )
        if (None in flips and flips != (None, None)) or (None not in flips and counted != self.differing):
            raise ValueError(f"flips of {flips} with {self.differing} pixels differing")
        if not (0 <= self.miou <= 1 + ROUNDING and 0 <= self.boundary_f <= 1 + ROUNDING):
            raise ValueError(f"a mIoU of {self.miou}, a boundary F of {self.boundary_f}")
        return self


class TruthScores(Strict):
    """mIoU with the case's ground truth, of the mask and of its golden: whether a change is for the better."""

    miou: float
    golden_miou: float


def confident_pixels(differing: Flags, margin: tuple[Margins, MarginUnit] | None, tolerances: Tolerances) -> Flags:
    """The differing pixels that no near-tie excuses; all of them where there is no margin map."""
    if margin is None:
        return differing
    levels, unit = margin
    limit = tolerances.tie_margin_score if unit == "score" else tolerances.tie_margin_step
    return differing & (levels > limit)


def measure(
    expected: Mask,
    actual: Mask,
    margin: tuple[Margins, MarginUnit] | None,
    labels: tuple[str, ...],
    tolerances: Tolerances = Tolerances(),
    ignored: Flags | None = None,
) -> Metrics:
    """All metrics of two masks of one shape whose classes all have a label; `ignored` pixels are left out of them.

    At least one pixel must be left.
    """
    differing = expected != actual
    if ignored is not None:
        differing &= ~ignored
    count = int(np.count_nonzero(differing))
    if not count:
        return measure_equal(expected, labels, has_margins=margin is not None, ignored=ignored)
    confident = confident_pixels(differing, margin, tolerances)
    confident_count = int(np.count_nonzero(confident))
    pixels = expected.size if ignored is None else expected.size - int(np.count_nonzero(ignored))
    both, was, now = _class_counts(expected, actual, ignored)
    present = np.flatnonzero(was + now)
    both, was, now = both[present], was[present], now[present]
    iou = _iou(both, was, now)
    f_scores = boundary_f(boundary_counts(expected, actual, present.tolist(), tolerances.boundary_px, ignored))
    named = distinct(labels)
    names = [named[index] for index in present.tolist()]
    areas = list(zip(names, was.tolist(), now.tolist(), strict=True))
    return Metrics(
        pixels=pixels,
        differing=count,
        agreement=1 - count / pixels,
        confident_flips=None if margin is None else confident_count,
        tie_flips=None if margin is None else count - confident_count,
        miou=float(iou.mean()),
        fwiou=float((iou * was).sum() / pixels),
        class_iou=dict(zip(names, iou.tolist(), strict=True)),
        boundary_f=float(f_scores.mean()),
        class_boundary_f=dict(zip(names, f_scores.tolist(), strict=True)),
        densest_window=densest_window(confident, tolerances.window_px),
        labels_added=tuple(name for name, before, _ in areas if not before),
        labels_missing=tuple(name for name, _, after in areas if not after),
        area_change={name: (after - before) / before if before else None for name, before, after in areas},
        ignored=expected.size - pixels,
    )


def measure_equal(mask: Mask, labels: tuple[str, ...], *, has_margins: bool, ignored: Flags | None = None) -> Metrics:
    """What `measure` gives for a mask and its equal; only the classes that it has are looked for."""
    named = distinct(labels)
    values = mask.ravel() if ignored is None else mask[~ignored]
    bins = MAX_CLASSES if mask.dtype == np.uint8 else int(values.max()) + 1
    names = [named[index] for index in np.flatnonzero(_tally(values, bins)).tolist()]
    return Metrics(
        pixels=len(values),
        differing=0,
        agreement=1.0,
        confident_flips=0 if has_margins else None,
        tie_flips=0 if has_margins else None,
        miou=1.0,
        fwiou=1.0,
        class_iou=dict.fromkeys(names, 1.0),
        boundary_f=1.0,
        class_boundary_f=dict.fromkeys(names, 1.0),
        densest_window=None,
        labels_added=(),
        labels_missing=(),
        area_change=dict.fromkeys(names, 0.0),
        ignored=mask.size - len(values),
    )


@lru_cache(maxsize=8)
def distinct(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels, and behind those that several classes have the number of the class: each has figures of its own."""
    shared = {label for label, count in Counter(labels).items() if count > 1}
    names = list(labels)
    for index, label in enumerate(labels):
        if label in shared:
            name = f"{label} (class {index})"
            while name in labels:  # a label may look like that itself
                name += "'"
            names[index] = name
    return tuple(names)


def confusion_matrix(expected: Mask, actual: Mask, classes: int) -> Counts:
    """[classes, classes]: pixels by expected (row) and actual (column) class."""
    joint = expected.astype(np.uint16).ravel()  # 256 × 256 classes just fit
    joint *= classes
    joint += actual.ravel()
    return _tally(joint, classes * classes).reshape(classes, classes)


def _class_counts(expected: Mask, actual: Mask, ignored: Flags | None) -> tuple[Tally, Tally, Tally]:
    """[classes] each: pixels of a class in both masks, in the first, and in the second."""
    if ignored is not None:
        keep = ~ignored
        expected, actual = expected[keep], actual[keep]
    classes = int(max(expected.max(), actual.max())) + 1
    if classes > MAX_CLASSES:  # a matrix of so many classes would be gigabytes
        one, other = expected.ravel(), actual.ravel()
        counts = (np.bincount(values, minlength=classes) for values in (one[one == other], one, other))
        both, was, now = counts
        return both, was, now
    confusion = confusion_matrix(expected, actual, classes)
    return confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)


def _tally(values: Codes | Classes | Mask, bins: int) -> Tally:
    """[bins]: how often each value occurs. A mask is mostly runs of one value, and each run is counted at once."""
    total = np.zeros(bins, np.int64)
    for begin in range(0, len(values), BAND_PX):
        band = values[begin : begin + BAND_PX]
        starts = np.concatenate(([0], np.flatnonzero(band[1:] != band[:-1]) + 1))
        lengths = np.diff(starts, append=len(band))
        # Weights are added up as float64, which is exact here.
        total += np.bincount(band[starts], weights=lengths, minlength=bins).astype(np.int64)
    return total


def boundary_f(counts: Counts) -> Scores:
    """[classes]: each class's boundary F-score (Csurka et al., BMVC 2013) from `boundary_counts`.

    A class without a boundary in either mask scores 1, in one of them 0. Counts of several images may be summed.
    """
    was, was_near, now, now_near = counts.T.astype(float)
    precision, recall = now_near / np.maximum(now, 1), was_near / np.maximum(was, 1)
    total = precision + recall
    scores: Scores = np.divide(2 * precision * recall, total, out=np.zeros(len(counts)), where=total > 0)
    scores[(was == 0) & (now == 0)] = 1
    return scores


def boundary_counts(
    expected: Mask, actual: Mask, classes: Sequence[int], distance_px: float, ignored: Flags | None = None
) -> Counts:
    """[len(classes), 4]: boundary pixels of `expected`, those near one of `actual`'s, and the same the other way.

    A boundary pixel of a class belongs to it and touches another class above, below, left or right. Near is within
    a Euclidean distance of `distance_px`. `ignored` pixels are no class, and nothing ends at them.
    """
    frame_px = max(1, int(distance_px))
    edges, (was, now) = _outlines(expected, actual, frame_px, ignored)
    steps = _disc(distance_px) @ (expected.shape[1] + 2 * frame_px, 1)
    bins = max(MAX_CLASSES, max(classes, default=0) + 1) + 1
    counts = np.zeros((bins, 4), np.int64)
    for begin in range(0, len(was), BAND_PX):
        band = slice(begin, begin + BAND_PX)
        at = begin + np.flatnonzero(edges[0, band] | edges[1, band])
        before, after = was[at], now[at]
        # Most boundary pixels are the other mask's too; only the others are worth a search.
        moved = np.flatnonzero(before != after)
        for column, codes, other in ((0, before, now), (2, after, was)):
            total = np.bincount(codes, minlength=bins)
            counts[:, column] += total
            counts[:, column + 1] += total - _far(at[moved], codes[moved], other, steps, bins)
    return counts[1:][np.asarray(classes, np.intp)]


def _far(at: Indices, codes: Codes, outline: Codes, steps: Indices, bins: int) -> Tally:
    """[bins]: the pixels at indices `at`, by code, from which no step leads to the same code in `outline`."""
    left = np.flatnonzero(codes)
    for first in range(0, len(steps), STEPS_AT_ONCE):
        at, codes = at[left], codes[left]
        found = (outline[at + steps[first : first + STEPS_AT_ONCE, None]] == codes).any(axis=0)
        left = np.flatnonzero(~found)
        if not len(left):
            break
    return np.bincount(codes[left], minlength=bins)


def _outlines(expected: Mask, actual: Mask, frame_px: int, ignored: Flags | None) -> tuple[Flags, Outlines]:
    """Two arrays [2, pixels] of both masks: where boundaries are; class + 1 of boundary pixels, 0 of all others.

    A mask is row by row here, in a frame that no step can leave.
    """
    height, width = expected.shape[0] + 2 * frame_px, expected.shape[1] + 2 * frame_px
    framed = np.empty((2, height, width), np.result_type(expected, actual))
    inner = slice(frame_px, -frame_px)
    framed[0, inner, inner], framed[1, inner, inner] = expected, actual
    # Copies of the rim make no boundary where a mask ends.
    for beyond, rim in ((frame_px - 1, frame_px), (-frame_px, -frame_px - 1)):
        framed[:, inner, beyond] = framed[:, inner, rim]
        framed[:, beyond] = framed[:, rim]
    # Both as one row of pixels; what boundary there is in the frames, where that goes from side to side, is wiped out.
    flat = framed.ravel()
    beside, below = flat[1:] != flat[:-1], flat[width:] != flat[:-width]
    if ignored is not None:
        counts = np.zeros(framed.shape, bool)
        counts[:, inner, inner] = ~ignored
        known = counts.ravel()
        beside &= known[1:] & known[:-1]
        below &= known[width:] & known[:-width]
    edges = np.empty(framed.shape, bool)
    rows = edges.ravel()[width:-width]
    np.logical_or(below[:-width], below[width:], out=rows)
    rows |= beside[width - 1 : -width]
    rows |= beside[width : -width + 1]
    edges[:, :frame_px] = edges[:, -frame_px:] = edges[:, :, :frame_px] = edges[:, :, -frame_px:] = False
    codes: Codes = flat.astype(np.uint16 if framed.dtype == np.uint8 else np.uint32)
    codes += 1
    codes *= edges.ravel()
    return edges.reshape(2, -1), codes.reshape(2, -1)


@lru_cache(maxsize=8)
def _disc(distance_px: float) -> Counts:
    """[pixels, 2]: rows and columns to the pixels within a distance, the nearest first, the middle left out."""
    reach = int(distance_px)
    steps = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    squares = (steps**2).sum(axis=1)
    near = np.flatnonzero((squares > 0) & (squares <= distance_px * distance_px))
    return steps[near[np.argsort(squares[near], kind="stable")]]


def densest_window(differing: Flags, size_px: int) -> Window | None:
    """The window in which most of `differing` is; None where nothing differs.

    A block of 20 × 20 wrong pixels is 0.04 % of a megapixel: no percentage of the whole shows it.
    """
    flags = differing.tobytes()
    first, last = flags.find(1), flags.rfind(1)
    if first < 0:
        return None
    height, width = (min(size_px, side) for side in differing.shape)
    # A window that has none of the rows between the first and the last differing pixel has no differing pixel.
    columns = differing.shape[1]
    top, bottom = max(0, first // columns - height + 1), last // columns + height
    # Small integers add up fastest; these are large enough for a column and for a whole window.
    rows = differing[top:bottom].astype(np.min_scalar_type(height))
    bands = _sliding_sum(rows, height).astype(np.min_scalar_type(height * width))
    flat_sums = _sliding_sum(bands.ravel(), width)
    # Of all rows as one: windows that would leave a row on the right are left out.
    sums = as_strided(flat_sums, (len(bands), columns - width + 1), bands.strides, writeable=False)
    y, x = np.unravel_index(int(sums.argmax()), sums.shape)
    most = int(sums[y, x])
    return Window(x=int(x), y=top + int(y), size_px=size_px, differing=most, density=most / (height * width))


def _sliding_sum(values: Sums, length: int) -> Sums:
    """[len(values) - length + 1, …]: sums of `length` neighbours along the first axis, in steps that double."""
    positions = len(values) - length + 1
    spans, span, done = values, 1, 0
    total: Sums | None = None
    while True:
        if length & span:
            piece = spans[done : done + positions]
            total = piece if total is None else total + piece
            done += span
        if total is not None and done == length:
            return total
        spans = spans[:-span] + spans[span:]
        span *= 2


def truth_scores(
    truth: Mask, expected: Mask, actual: Mask, ignore: int | None = None, ignored: Flags | None = None
) -> TruthScores | None:
    """Both masks against a ground truth of any size, which is sampled at their pixels' centres.

    `ignore` is the truth's value of pixels of which it says nothing. None where that leaves no pixel.
    """
    right = sampled(truth, actual.shape)
    left_out = ignored
    if ignore is not None:
        unsaid = right == ignore
        left_out = unsaid if ignored is None else unsaid | ignored
    if left_out is not None and left_out.all():
        return None
    return TruthScores(miou=_mean_iou(right, actual, left_out), golden_miou=_mean_iou(right, expected, left_out))


def _mean_iou(expected: Mask, actual: Mask, ignored: Flags | None) -> float:
    """Mean intersection over union of the classes that either mask has."""
    return float(np.nanmean(_iou(*_class_counts(expected, actual, ignored))))


def class_iou(confusion: Counts) -> Scores:
    """[classes]: intersection over union from a confusion matrix; NaN for a class that neither side has."""
    return _iou(confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0))


def _iou(both: Tally, was: Tally, now: Tally) -> Scores:
    """[classes]: pixels in both of those in either; NaN for a class that neither has."""
    union = was + now - both
    iou: Scores = np.divide(both, union, out=np.full(len(both), np.nan), where=union > 0)
    return iou
