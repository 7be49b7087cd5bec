"""A mask against its golden: the metrics, the verdict, and one sentence that says why. Nothing is run or written."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from pydantic import Field

from .bundle import STAGES, Bundle, Latency, StageHashes, Strict, margin_of, mask_of
from .config import Tolerances
from .errors import ExitCode, GoldmaskError
from .mask import read_mask


class Verdict(StrEnum):
    """PASS and FAIL are about masks; ERROR means that there was nothing to judge; SKIP that nothing was asked of it."""

    PASS = "PASS"
    FAIL = "FAIL"
    ERROR = "ERROR"
    SKIP = "SKIP"


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


class Stages(Strict):
    """The first of decoded, resized and tensor whose hash differs from the golden's; None where none does."""

    first_difference: str | None = None


class Comparison(Strict):
    """One case on one target through one pipeline, judged."""

    model: str
    case: str
    target: str
    pipeline: str
    verdict: Verdict
    reason: str
    exit_code: ExitCode = ExitCode.OK
    metrics: Metrics | None = None
    latency: Latency | None = None
    stages: Stages = Stages()
    truth: TruthScores | None = Field(default=None, description="where the case has a ground truth")
    runtime: str = ""
    picture: str | None = Field(default=None, description="expected, actual and difference side by side")


@dataclass(frozen=True)
class Pair:
    """A comparison with the masks it was made of, for pictures; None where there was nothing to compare."""

    comparison: Comparison
    expected: np.ndarray | None = None
    actual: np.ndarray | None = None
    confident: np.ndarray | None = None


def confident_pixels(
    differing: np.ndarray, margin: tuple[np.ndarray, str] | None, tolerances: Tolerances
) -> np.ndarray:
    """bool [h, w]: the differing pixels that no near-tie excuses; all of them where there is no margin map."""
    if margin is None:
        return differing
    levels, unit = margin
    limit = tolerances.tie_margin_score if unit == "score" else tolerances.tie_margin_step
    return differing & (levels > limit)


def measure(
    expected: np.ndarray,
    actual: np.ndarray,
    margin: tuple[np.ndarray, str] | None,
    labels: tuple[str, ...],
    tolerances: Tolerances = Tolerances(),
) -> Metrics:
    """All metrics of two masks, uint8 [h, w] of one shape, whose classes all have a label."""
    differing = expected != actual
    confident = confident_pixels(differing, margin, tolerances)
    count = int(np.count_nonzero(differing))
    confident_count = int(np.count_nonzero(confident))
    confusion = confusion_matrix(expected, actual, len(labels))
    was, now = confusion.sum(axis=1), confusion.sum(axis=0)
    present = np.flatnonzero(was + now)
    iou = class_iou(confusion)[present]
    f_scores = boundary_f(boundary_counts(expected, actual, present, tolerances.boundary_px))
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


def confusion_matrix(expected: np.ndarray, actual: np.ndarray, classes: int) -> np.ndarray:
    """int64 [classes, classes]: pixels by expected (row) and actual (column) class."""
    joint = expected.astype(np.int32).ravel() * classes + actual.ravel()
    return np.bincount(joint, minlength=classes * classes).reshape(classes, classes)


def boundary_f(counts: np.ndarray) -> np.ndarray:
    """float [classes]: each class's boundary F-score (Csurka et al., BMVC 2013) from `boundary_counts`.

    A class without a boundary in either mask scores 1, in one of them 0. Counts of several images may be summed.
    """
    was, was_near, now, now_near = counts.T.astype(float)
    precision, recall = now_near / np.maximum(now, 1), was_near / np.maximum(was, 1)
    total = precision + recall
    scores = np.divide(2 * precision * recall, total, out=np.zeros(len(counts)), where=total > 0)
    scores[(was == 0) & (now == 0)] = 1
    return scores


def boundary_counts(expected: np.ndarray, actual: np.ndarray, classes: Sequence[int], distance_px: float) -> np.ndarray:
    """int64 [len(classes), 4]: boundary pixels of `expected`, those near one of `actual`'s, and the same the other way.

    A boundary pixel of a class belongs to it and touches another class above, below, left or right. Near is within
    a Euclidean distance of `distance_px`.
    """
    reach = int(distance_px)
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disc = (x * x + y * y <= distance_px * distance_px).astype(np.uint8)
    edges = _edges(expected), _edges(actual)
    counts = np.zeros((len(classes), 4), np.int64)
    for place, index in enumerate(classes):
        was = cv2.bitwise_and(cv2.compare(expected, int(index), cv2.CMP_EQ), edges[0])
        now = cv2.bitwise_and(cv2.compare(actual, int(index), cv2.CMP_EQ), edges[1])
        counts[place] = (
            cv2.countNonZero(was),
            cv2.countNonZero(cv2.bitwise_and(was, cv2.dilate(now, disc))),
            cv2.countNonZero(now),
            cv2.countNonZero(cv2.bitwise_and(now, cv2.dilate(was, disc))),
        )
    return counts


def _edges(mask: np.ndarray) -> np.ndarray:
    """uint8 [h, w], 255 where a pixel touches another class above, below, left or right."""
    edge = np.zeros(mask.shape, bool)
    rows, columns = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    edge[1:] |= rows
    edge[:-1] |= rows
    edge[:, 1:] |= columns
    edge[:, :-1] |= columns
    return edge.view(np.uint8) * np.uint8(255)


def densest_window(differing: np.ndarray, size_px: int) -> Window | None:
    """The window in which most of `differing`, bool [h, w], is; None where nothing differs.

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


def truth_scores(truth: np.ndarray, expected: np.ndarray, actual: np.ndarray, classes: int) -> TruthScores:
    """Both masks, uint8 [h, w], against a ground truth of any size, which is sampled at their pixels' centres."""
    rows, columns = (
        (2 * np.arange(side) + 1) * whole // (2 * side) for side, whole in zip(actual.shape, truth.shape, strict=True)
    )
    sampled = truth[rows[:, None], columns]
    return TruthScores(miou=mean_iou(sampled, actual, classes), golden_miou=mean_iou(sampled, expected, classes))


def mean_iou(expected: np.ndarray, actual: np.ndarray, classes: int) -> float:
    """Mean intersection over union of the classes that either mask has."""
    return float(np.nanmean(class_iou(confusion_matrix(expected, actual, classes))))


def class_iou(confusion: np.ndarray) -> np.ndarray:
    """float [classes]: intersection over union from a confusion matrix; NaN for a class that neither side has."""
    both = confusion.diagonal()
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    return np.divide(both, union, out=np.full(len(both), np.nan), where=union > 0)


def first_difference(expected: StageHashes, actual: StageHashes) -> str | None:
    """The first stage whose hash differs, among those both sides have; None where all agree."""
    for stage in STAGES:
        was, now = getattr(expected, stage), getattr(actual, stage)
        if was and now and was != now:
            return stage
    return None


def judge(metrics: Metrics, tolerances: Tolerances) -> list[str]:
    """Every gate that is not met, as a clause with the number measured and the number required."""
    broken = []
    flips, allowed = metrics.confident_flips, tolerances.confident_flips_max
    if flips is not None and flips > allowed:
        broken.append(f"{flips:,} confident {'flip' if flips == 1 else 'flips'} (at most {allowed:,})")
    for name, value, least in (
        ("agreement", metrics.agreement, tolerances.agreement_min),
        ("mIoU", metrics.miou, tolerances.miou_min),
        ("frequency-weighted IoU", metrics.fwiou, tolerances.fwiou_min),
        ("boundary F", metrics.boundary_f, tolerances.boundary_f_min),
        *((f"IoU of {label}", value, tolerances.class_iou_min) for label, value in metrics.class_iou.items()),
    ):
        if least is not None and value < least:
            broken.append(f"{name} {value:.4%} (at least {least:.2%})")
    window = metrics.densest_window
    if window and window.density > tolerances.window_density_max:
        broken.append(
            f"{window.density:.0%} of the {window.size_px}×{window.size_px} window "
            f"at x {window.x}, y {window.y} differs (at most {tolerances.window_density_max:.0%})"
        )
    if tolerances.area_change_max is not None:
        for label, change in metrics.area_change.items():
            if change is None or abs(change) > tolerances.area_change_max:
                grew = "appeared" if change is None else f"changed its area by {change:+.1%}"
                broken.append(f"{label} {grew} (at most ±{tolerances.area_change_max:.1%})")
    if tolerances.same_labels and (metrics.labels_added or metrics.labels_missing):
        added, missing = ", ".join(metrics.labels_added) or "none", ", ".join(metrics.labels_missing) or "none"
        broken.append(f"other classes than the golden (added: {added}; missing: {missing})")
    return broken


def compare_case(
    *,
    model: str,
    case: str,
    golden_folder: Path,
    golden: Bundle,
    folder: Path,
    bundle: Bundle,
    labels: tuple[str, ...],
    tolerances: Tolerances,
    override: str = "",
    truth: Path | None = None,
) -> Pair:
    """One case of `bundle` against `golden`. Never raises for what a bundle holds: that becomes the verdict."""
    place = {
        "model": model,
        "case": case,
        "target": bundle.target.name,
        "pipeline": bundle.pipeline,
        "runtime": str(bundle.runtime),
    }

    def verdict(verdict: Verdict, reason: str, code: ExitCode, **rest: object) -> Comparison:
        return Comparison(**place, verdict=verdict, reason=reason, exit_code=code, **rest)

    wanted, result = golden.result(case), bundle.result(case)
    if wanted is None or wanted.status != "ok":
        return Pair(verdict(Verdict.ERROR, "the golden has no mask of this case", ExitCode.GOLDEN))
    if result is None:
        return Pair(verdict(Verdict.ERROR, "the bundle has no result of this case", ExitCode.RUN))
    if result.status == "error":
        return Pair(verdict(Verdict.ERROR, f"{result.error.stage}: {result.error.message}", ExitCode.RUN))
    if bundle.model.sha256 != golden.model.sha256:
        reason = f"the golden is of model {golden.model.sha256[:12]}…, the bundle of {bundle.model.sha256[:12]}…"
        return Pair(verdict(Verdict.ERROR, reason, ExitCode.GOLDEN))
    if result.image_sha256 != wanted.image_sha256:
        reason = f"the golden is of image {wanted.image_sha256[:12]}…, the bundle of {result.image_sha256[:12]}…"
        return Pair(verdict(Verdict.ERROR, reason, ExitCode.GOLDEN))
    try:
        expected, margin = mask_of(golden_folder, wanted), margin_of(golden_folder, wanted)
        if margin and margin[0].shape != expected.shape:
            return Pair(
                verdict(Verdict.ERROR, "the golden's margin map has another size than its mask", ExitCode.GOLDEN)
            )
        drawn = read_mask(truth) if truth else None
        if drawn is not None and drawn.max() >= len(labels):
            reason = f"the ground truth has class {drawn.max()}, the model's highest is {len(labels) - 1}"
            return Pair(verdict(Verdict.ERROR, reason, ExitCode.GOLDEN))
    except GoldmaskError as error:
        return Pair(verdict(Verdict.ERROR, error.what, ExitCode.GOLDEN))
    try:
        actual = mask_of(folder, result)
    except GoldmaskError as error:
        return Pair(verdict(Verdict.ERROR, error.what, ExitCode.RUN))

    first = first_difference(wanted.stages, result.stages)
    rest = {"latency": result.latency, "stages": Stages(first_difference=first)}
    if actual.shape != expected.shape:
        reason = f"the mask is {actual.shape[1]}×{actual.shape[0]}, the golden {expected.shape[1]}×{expected.shape[0]}"
        return Pair(verdict(Verdict.FAIL, reason, ExitCode.MASKS_DIFFER, **rest), expected, actual)
    highest = max(int(actual.max()), int(expected.max()))
    if highest >= len(labels):
        reason = f"the mask has class {highest}, the model's highest is {len(labels) - 1}"
        return Pair(verdict(Verdict.FAIL, reason, ExitCode.MASKS_DIFFER, **rest), expected, actual)
    metrics = measure(expected, actual, margin, labels, tolerances)
    if drawn is not None:
        rest["truth"] = truth_scores(drawn, expected, actual, len(labels))
    broken = judge(metrics, tolerances)
    confident = confident_pixels(expected != actual, margin, tolerances)
    if broken:
        reason = "; ".join(broken) + _attribution(first, wanted.stages, result.stages) + _worth(rest.get("truth"))
        comparison = verdict(Verdict.FAIL, reason, ExitCode.MASKS_DIFFER, metrics=metrics, **rest)
    else:
        reason = _praise(metrics) + (f" (tolerances changed: {override})" if override else "")
        comparison = verdict(Verdict.PASS, reason, ExitCode.OK, metrics=metrics, **rest)
    return Pair(comparison, expected, actual, confident)


def _worth(truth: TruthScores | None) -> str:
    return f"; mIoU with the ground truth {truth.miou:.4f}, the golden's {truth.golden_miou:.4f}" if truth else ""


def _attribution(stage: str | None, expected: StageHashes, actual: StageHashes) -> str:
    if stage:
        return f"; first difference: {stage} pixels" if stage != "tensor" else "; first difference: input tensor"
    if expected.tensor and actual.tensor:
        return "; the input tensors are equal, so the difference is made by inference or after it"
    return ""


def _praise(metrics: Metrics) -> str:
    if not metrics.differing:
        return f"all {metrics.pixels:,} pixels equal"
    if metrics.confident_flips is None:
        return f"{metrics.differing:,} of {metrics.pixels:,} pixels differ (no margin map: ties cannot be told apart)"
    return f"{metrics.tie_flips:,} tie flips, {metrics.confident_flips:,} confident flips of {metrics.pixels:,} pixels"
