"""A mask against its golden: the metrics, the verdict, and one sentence that says why. Nothing is run or written."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from ..contract.bundle import (
    STAGES,
    Bundle,
    DelegatedNodes,
    Failed,
    Predicted,
    RelativePath,
    StageHashes,
    margin_bytes,
    margin_of,
    mask_bytes,
    mask_of,
    soft_of,
)
from ..contract.errors import ExitCode, GoldmaskError
from ..contract.mask import Mask, decode_mask, read_mask
from ..contract.schema import WHOLE, Count, Strict, Text
from ..project.config import Gates, Tolerances
from ..project.ignored import NOTHING, Flags, Ignored, highest_class, with_ignored
from .diagnosis import Diagnosis
from .flicker import Flicker
from .kernels import OwnScaling
from .latency import Measured, measured
from .metrics import Metrics, TruthScores, confident_pixels, measure, measure_equal, truth_scores
from .reason import attribution, delegation, praise, unknown_class, worst_flip, worth
from .soft import SoftMetrics, SoftPair, judge_soft, measure_soft, soft_pair, unlike_soft

NO_GATES = Gates()
# What the reason of a row says that passed under an override, before the override's own reason.
CHANGED = "tolerances changed: "


class Verdict(StrEnum):
    """PASS, WARN and FAIL are about masks, WARN being a pass that breaks a gate of [warnings].

    ERROR means that there was nothing to judge, SKIP that nothing was asked of it.
    """

    PASS = "PASS"
    WARN = "WARN"
    FAIL = "FAIL"
    ERROR = "ERROR"
    SKIP = "SKIP"


FAILING = (Verdict.FAIL, Verdict.ERROR)


class Stages(Strict):
    """The first of decoded, resized and tensor whose hash differs from the golden's; None where none does."""

    first_difference: Text | None = None


class Delegation(Strict):
    """The delegate that was asked for and the one that ran; `asked` is null where the target was left to choose.

    `nodes` has how much of the graph it took; null where the runtime does not tell.
    """

    asked: Text | None = None
    ran: Text | None = None
    nodes: DelegatedNodes | None = None


class Threads(Strict):
    """Threads asked for, and threads that the runtime says it used."""

    asked: Count | None = None
    ran: Count | None = None


class Across(Strict):
    """The sha256 of the model that a golden is of, and of the other one that ran."""

    golden: Text
    model: Text


class _Row(Strict):
    """The keys of every comparison in report.json; null where the kind of comparison has nothing to say."""

    model: Text
    case: Text
    target: Text
    pipeline: Text
    verdict: Verdict
    reason: Text
    exit_code: Annotated[ExitCode, WHOLE]
    metrics: Metrics | None = Field(default=None, description="where the masks can be laid over each other")
    soft: SoftMetrics | None = Field(default=None, description="where both have a soft mask as well")
    flicker: Flicker | None = Field(default=None, description="of a frame of a clip that another comes before")
    latency: Measured | None = None
    stages: Stages = Stages()
    scaling: OwnScaling | None = Field(default=None, description="where the mask is judged from the app's scaling on")
    decoded_by: Literal["target", "host"] | None = Field(
        default=None, description="host: goldmask decoded the image, and nothing is known of the target's decoder"
    )
    truth: TruthScores | None = Field(default=None, description="where the case has a ground truth")
    runtime: Text = ""
    golden_runtime: Text = Field(default="", description="what the golden was recorded with")
    delegate: Delegation = Delegation()
    threads: Threads = Threads()
    picture: RelativePath | None = Field(default=None, description="expected, actual and difference side by side")
    across: Across | None = Field(default=None, description="where the golden is of another model")
    diagnosis: Diagnosis | None = Field(default=None, description="why a mask differs, of a FAIL that was diagnosed")


class Judged(_Row):
    """One case on one target through one pipeline: a mask that was held against its golden."""

    verdict: Literal[Verdict.PASS, Verdict.WARN, Verdict.FAIL]

    @model_validator(mode="after")
    def _pass_was_measured(self) -> Self:
        if self.verdict is Verdict.FAIL:
            if self.exit_code is ExitCode.OK:
                raise ValueError("a FAIL has an exit code of its own")
        elif self.metrics is None or self.exit_code is not ExitCode.OK:
            raise ValueError(f"a {self.verdict} has metrics and exit code 0")
        return self


class NotJudged(_Row):
    """A case that should have been compared and could not be: no golden, no mask, or one that cannot be read."""

    verdict: Literal[Verdict.ERROR] = Verdict.ERROR
    metrics: None = None
    soft: None = None
    flicker: None = None
    latency: None = None
    decoded_by: None = None
    truth: None = None
    picture: None = None
    diagnosis: None = None

    @model_validator(mode="after")
    def _has_failed(self) -> Self:
        if self.exit_code is ExitCode.OK:
            raise ValueError("an ERROR has an exit code of its own")
        return self


class NotRun(_Row):
    """A case that cannot run on this machine, and that nobody asked for by name."""

    verdict: Literal[Verdict.SKIP] = Verdict.SKIP
    exit_code: Annotated[Literal[ExitCode.OK], WHOLE] = ExitCode.OK
    metrics: None = None
    soft: None = None
    flicker: None = None
    latency: None = None
    decoded_by: None = None
    truth: None = None
    picture: None = None
    diagnosis: None = None


# A row of the report; `verdict` says which kind.
Comparison = Annotated[Judged | NotJudged | NotRun, Field(discriminator="verdict")]


@dataclass(frozen=True)
class Pair:
    """A comparison with the masks it was made of, of one size, for pictures.

    `confident` has the differing pixels that no near-tie excuses; None where a class is unknown. `soft` are the soft
    masks that they are the category masks of; `ignored` pixels count for nothing.
    """

    comparison: Judged
    expected: Mask
    actual: Mask
    confident: Flags | None = None
    soft: SoftPair | None = None
    ignored: Flags | None = None


@dataclass(frozen=True)
class Asked:
    """What was asked of a run; None where the target was left to choose."""

    delegate: str | None = None
    threads: int | None = None


# What becomes of a case in a run; write_report makes comparisons, and pictures of failures, of them.
Outcome = Pair | Judged | NotJudged | NotRun


def first_difference(expected: StageHashes, actual: StageHashes) -> str | None:
    """The first stage whose hash differs, among those both sides have; None where all agree."""
    for stage in STAGES:
        was, now = getattr(expected, stage), getattr(actual, stage)
        if was and now and was != now:
            return stage
    return None


def judge(metrics: Metrics, gates: Gates) -> list[str]:
    """Every gate that is not met, as a clause with the number measured and the number required."""
    broken = []
    allowed = gates.confident_flips_max
    # Where no margin map excuses anything, every pixel that differs is one too many.
    flips = metrics.differing if metrics.confident_flips is None else metrics.confident_flips
    if allowed is not None and flips > allowed:
        one = flips == 1
        if metrics.confident_flips is None:
            what = f"{'pixel differs' if one else 'pixels differ'} and no margin map excuses {'it' if one else 'them'}"
        else:
            what = f"confident {'flip' if one else 'flips'}"
        broken.append(f"{flips:,} {what} (at most {allowed:,})")
    for name, value, least in (
        ("agreement", metrics.agreement, gates.agreement_min),
        ("mIoU", metrics.miou, gates.miou_min),
        ("frequency-weighted IoU", metrics.fwiou, gates.fwiou_min),
        ("boundary F", metrics.boundary_f, gates.boundary_f_min),
        *((f"IoU of {label}", value, gates.class_iou_min) for label, value in metrics.class_iou.items()),
    ):
        if least is not None and value < least:
            broken.append(f"{name} {value:.4%} (at least {least:.2%})")
    window = metrics.densest_window
    if window and gates.window_density_max is not None and window.density > gates.window_density_max:
        broken.append(
            f"{window.density:.0%} of the {window.size_px}×{window.size_px} window "
            f"at x {window.x}, y {window.y} differs (at most {gates.window_density_max:.0%})"
        )
    if gates.area_change_max is not None:
        for label, change in metrics.area_change.items():
            if change is None or abs(change) > gates.area_change_max:
                grew = "appeared" if change is None else f"changed its area by {change:+.1%}"
                broken.append(f"{label} {grew} (at most ±{gates.area_change_max:.1%})")
    unexcused = metrics.confident_flips is None and isinstance(gates, Tolerances) and gates.class_change == "fail"
    if (gates.same_labels or unexcused) and (metrics.labels_added or metrics.labels_missing):
        added, missing = ", ".join(metrics.labels_added) or "none", ", ".join(metrics.labels_missing) or "none"
        broken.append(f"other classes than the golden (added: {added}; missing: {missing})")
    return broken


def judge_run(delegate: Delegation, threads: Threads, gates: Gates) -> list[str]:
    """Every gate about how the model was run that is not met, as a clause."""
    broken = []
    if isinstance(gates, Tolerances) and gates.same_delegate and delegate.asked not in (None, delegate.ran):
        broken.append(f"the delegate {delegate.asked} was asked for and {delegate.ran} ran")
    if gates.same_threads and threads.asked not in (None, threads.ran):
        broken.append(f"{threads.asked} threads were asked for and {threads.ran} ran")
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
    warnings: Gates = NO_GATES,
    asked: Asked = Asked(),
    override: str = "",
    truth: Path | None = None,
    across: bool = False,
    ignore: Ignored = NOTHING,
) -> Outcome:
    """One case of `bundle` against `golden`. Never raises for what a bundle holds: that becomes the verdict.

    A golden of another model is stale, which is a failure that says what changed; with `across` it is judged as any.
    """
    delegate = Delegation(asked=asked.delegate, ran=bundle.runtime.delegate, nodes=bundle.runtime.nodes)
    threads = Threads(asked=asked.threads, ran=bundle.runtime.threads)

    def unjudged(reason: str, code: ExitCode) -> NotJudged:
        return NotJudged(
            model=model,
            case=case,
            target=bundle.target.name,
            pipeline=bundle.pipeline,
            reason=reason,
            exit_code=code,
            runtime=str(bundle.runtime),
            golden_runtime=str(golden.runtime),
            delegate=delegate,
            threads=threads,
        )

    wanted, result = golden.result(case), bundle.result(case)
    if not isinstance(wanted, Predicted):
        return unjudged("the golden has no mask of this case", ExitCode.GOLDEN)
    if result is None:
        return unjudged("the bundle has no result of this case", ExitCode.RUN)
    if isinstance(result, Failed):
        return unjudged(f"{result.error.stage}: {result.error.message}", ExitCode.RUN)
    models = None
    if bundle.model.sha256 != golden.model.sha256:
        models = Across(golden=golden.model.sha256, model=bundle.model.sha256)
    differ = ExitCode.GOLDEN if models and not across else ExitCode.MASKS_DIFFER
    if result.image_sha256 != wanted.image_sha256:
        reason = f"the golden is of image {wanted.image_sha256}, the bundle of {result.image_sha256}"
        return unjudged(reason, ExitCode.GOLDEN)
    try:
        expected = mask_of(golden_folder, wanted)
        expected_soft = soft_of(golden_folder, wanted, expected)
        # Equal bytes are an equal mask: there is nothing to decode twice, and nothing to excuse.
        same = result.mask_sha256 == wanted.mask_sha256
        has_margins = same and margin_bytes(golden_folder, wanted) is not None
        margin = None if same else margin_of(golden_folder, wanted)
        truth_mask = read_mask(truth) if truth else None
        highest = highest_class(truth_mask, ignore.truth)
        if highest >= len(labels):
            return unjudged(unknown_class("the ground truth", highest, len(labels)), ExitCode.GOLDEN)
        ignored = ignore.pixels(expected)
        if ignored is not None and ignored.all():
            return unjudged("every pixel is ignored, so nothing was compared", ExitCode.ENVIRONMENT)
    except GoldmaskError as error:
        return unjudged(error.what, ExitCode.GOLDEN)
    if unlike := unlike_soft(wanted, result):
        return unjudged(unlike, ExitCode.GOLDEN)
    try:
        stored = mask_bytes(folder, result)
        actual: Mask | None = None
        if same:
            actual = expected
        elif result.mask_size == wanted.mask_size:
            # What claims a million rows is not decoded to learn that it is another size.
            actual = decode_mask(*stored)
        soft = None
        if expected_soft is not None and actual is not None:
            soft = soft_pair(expected_soft, wanted, folder, result, actual)
    except GoldmaskError as error:
        return unjudged(error.what, ExitCode.RUN)

    first = first_difference(wanted.stages, result.stages)
    latency = measured(bundle, result)
    if soft and ignored is not None:
        soft = SoftPair(soft.expected, np.where(ignored, soft.expected, soft.actual))
    kept = None if ignored is None else ~ignored
    soft_metrics = measure_soft(soft.expected, soft.actual, kept) if soft else None

    def judged(
        verdict: Literal[Verdict.PASS, Verdict.WARN, Verdict.FAIL],
        reason: str,
        metrics: Metrics | None = None,
        scores: TruthScores | None = None,
        code: ExitCode = ExitCode.OK,
    ) -> Judged:
        if models:
            stale = "" if across else "stale: "
            reason = f"{stale}model {models.golden[:12]}… → {models.model[:12]}…; {reason}"
        return Judged(
            model=model,
            case=case,
            target=bundle.target.name,
            pipeline=bundle.pipeline,
            verdict=verdict,
            reason=reason + (" (decoded by the host)" if result.decoded_by else ""),
            across=models,
            exit_code=code,
            metrics=metrics,
            soft=soft_metrics,
            latency=latency,
            stages=Stages(first_difference=first),
            decoded_by=result.decoded_by or "target",
            truth=scores,
            runtime=str(bundle.runtime),
            golden_runtime=str(golden.runtime),
            delegate=delegate,
            threads=threads,
        )

    if actual is None:
        (width, height), (wide, high) = result.mask_size, wanted.mask_size
        reason = f"the mask is {width}×{height}, the golden {wide}×{high}"
        return judged(Verdict.FAIL, reason, code=differ)
    highest = max(highest_class(each, ignore.value) for each in (actual, expected))
    if highest >= len(labels):
        reason = unknown_class("the mask", highest, len(labels))
        return Pair(judged(Verdict.FAIL, reason, code=differ), expected, actual, soft=soft)
    if same:
        metrics = measure_equal(expected, labels, has_margins=has_margins, ignored=ignored)
    else:
        named = with_ignored(labels, ignore.value)
        metrics = measure(expected, actual, margin, named, tolerances, ignored)
    scores = None if truth_mask is None else truth_scores(truth_mask, expected, actual, ignore.truth, ignored)
    differing = (expected != actual) if ignored is None else (expected != actual) & ~ignored
    broken, otherwise = judge(metrics, tolerances), judge_run(delegate, threads, tolerances)
    broken += judge_soft(soft_metrics, tolerances)
    ran = delegation(golden.runtime, bundle.runtime) + worth(scores)
    if broken:
        worst = worst_flip(differing, margin, tolerances)
        reason = "; ".join([*broken, *otherwise]) + worst + attribution(first, wanted.stages, result.stages) + ran
        comparison = judged(Verdict.FAIL, reason, metrics, scores, differ)
    elif otherwise:
        reason = f"{'; '.join(otherwise)}; {praise(metrics, soft_metrics)}{ran}"
        comparison = judged(Verdict.FAIL, reason, metrics, scores, ExitCode.RUN)
    elif models and not across:
        comparison = judged(Verdict.FAIL, f"{praise(metrics, soft_metrics)}{ran}", metrics, scores, differ)
    else:
        warned = [
            *judge(metrics, warnings),
            *judge_soft(soft_metrics, warnings),
            *judge_run(delegate, threads, warnings),
        ]
        reason = "; ".join([*warned, praise(metrics, soft_metrics)]) + delegation(golden.runtime, bundle.runtime)
        reason += f" ({CHANGED}{override})" if override else ""
        comparison = judged(Verdict.WARN if warned else Verdict.PASS, reason, metrics, scores)
    return Pair(comparison, expected, actual, confident_pixels(differing, margin, tolerances), soft, ignored)
