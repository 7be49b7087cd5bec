"""How two masks of one size differ, in numbers."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..contract.bundle import MarginUnit
from ..contract.mask import Margins, Mask
from ..contract.schema import Strict
from ..project.config import Tolerances

Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]  # [h, w]
Counts = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Scores = np.ndarray[tuple[int], np.dtype[np.float64]]


class Window(Strict):
    """The size_px × size_px window in which most pixels differ; x and y are its left and top."""

    x: int
    y: int
    size_px: int
    differing: int
    density: float


class Metrics(Strict):
    """How two masks of one size differ. Fractions are 0 to 1; flips are None where there is no margin map.

    Classes that neither mask has take no part in means. `area_change` is (actual - expected) / expected
    pixels, None for a class that the golden does not have.
    """

    pixels: int
    differing: int
    agreement: float
    confident_flips: int | None
    tie_flips: int | None
    miou: float
    fwiou: float
    class_iou: dict[str, float]
    boundary_f: float
    class_boundary_f: dict[str, float]
    densest_window: Window | None
    labels_added: tuple[str, ...]
    labels_missing: tuple[str, ...]
    area_change: dict[str, float | None]


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
) -> Metrics:
    """All metrics of two masks of one shape whose classes all have a label."""
    differing = expected != actual
    confident = confident_pixels(differing, margin, tolerances)
    count = int(np.count_nonzero(differing))
    confident_count = int(np.count_nonzero(confident))
    confusion = confusion_matrix(expected, actual, len(labels))
    was, now = confusion.sum(axis=1), confusion.sum(axis=0)
    present = np.flatnonzero(was + now)
    iou = class_iou(confusion)[present]
    f_scores = boundary_f(boundary_counts(expected, actual, present.tolist(), tolerances.boundary_px))
    return Metrics(
        pixels=expected.size,
        differing=count,
        agreement=1 - count / expected.size,
        confident_flips=None if margin is None else confident_count,
        tie_flips=None if margin is None else count - confident_count,
        miou=float(iou.mean()),
        fwiou=float((iou * was[present]).sum() / expected.size),
        class_iou={labels[index]: float(value) for index, value in zip(present, iou, strict=True)},
        boundary_f=float(f_scores.mean()),
        class_boundary_f={labels[index]: float(value) for index, value in zip(present, f_scores, strict=True)},
        densest_window=densest_window(confident, tolerances.window_px),
        labels_added=tuple(labels[index] for index in present if not was[index]),
        labels_missing=tuple(labels[index] for index in present if not now[index]),
        area_change={
            labels[index]: float((now[index] - was[index]) / was[index]) if was[index] else None for index in present
        },
    )


def confusion_matrix(expected: Mask, actual: Mask, classes: int) -> Counts:
    """[classes, classes]: pixels by expected (row) and actual (column) class."""
    joint = expected.astype(np.int32).ravel() * classes + actual.ravel()
    return np.bincount(joint, minlength=classes * classes).reshape(classes, classes)


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


def boundary_counts(expected: Mask, actual: Mask, classes: Sequence[int], distance_px: float) -> Counts:
    """[len(classes), 4]: boundary pixels of `expected`, those near one of `actual`'s, and the same the other way.

    A boundary pixel of a class belongs to it and touches another class above, below, left or right. Near is within
    a Euclidean distance of `distance_px`.
    """
    reach = int(distance_px)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disc = (x * x + y * y <= distance_px * distance_px).astype(np.uint8)
    edges = _edges(expected), _edges(actual)
    counts = np.zeros((len(classes), 4), np.int64)
    for place, index in enumerate(classes):
        was = cv2.bitwise_and((expected == index).view(np.uint8), edges[0])
        now = cv2.bitwise_and((actual == index).view(np.uint8), edges[1])
        counts[place] = (
            cv2.countNonZero(was),
            cv2.countNonZero(cv2.bitwise_and(was, cv2.dilate(now, disc))),
            cv2.countNonZero(now),
            cv2.countNonZero(cv2.bitwise_and(now, cv2.dilate(was, disc))),
        )
    return counts


def _edges(mask: Mask) -> Mask:
    """255 where a pixel touches another class above, below, left or right."""
    edge = np.zeros(mask.shape, bool)
    rows, columns = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    edge[1:] |= rows
    edge[:-1] |= rows
    edge[:, 1:] |= columns
    edge[:, :-1] |= columns
    return edge.view(np.uint8) * np.uint8(255)


def densest_window(differing: Flags, size_px: int) -> Window | None:
    """The window in which most of `differing` is; None where nothing differs.

    A block of 20 × 20 wrong pixels is 0.04 % of a megapixel: no percentage of the whole shows it.
    """
    if not differing.any():
        return None
    height, width = (min(size_px, side) for side in differing.shape)
    total = cv2.integral(differing.view(np.uint8))
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    y, x = np.unravel_index(int(sums.argmax()), sums.shape)
    most = int(sums[y, x])
    return Window(x=int(x), y=int(y), size_px=size_px, differing=most, density=most / (height * width))


def truth_scores(truth: Mask, expected: Mask, actual: Mask, classes: int) -> TruthScores:
    """Both masks against a ground truth of any size, which is sampled at their pixels' centres."""
    rows, columns = (
        (2 * np.arange(side) + 1) * whole // (2 * side) for side, whole in zip(actual.shape, truth.shape, strict=True)
    )
    sampled = truth[rows[:, None], columns]
    return TruthScores(miou=mean_iou(sampled, actual, classes), golden_miou=mean_iou(sampled, expected, classes))


def mean_iou(expected: Mask, actual: Mask, classes: int) -> float:
    """Mean intersection over union of the classes that either mask has."""
    return float(np.nanmean(class_iou(confusion_matrix(expected, actual, classes))))


def class_iou(confusion: Counts) -> Scores:
    """[classes]: intersection over union from a confusion matrix; NaN for a class that neither side has."""
    both = confusion.diagonal()
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    iou: Scores = np.divide(both, union, out=np.full(len(both), np.nan), where=union > 0)
    return iou
