"""The clauses of a comparison's one sentence: how equal masks are, where they begin to differ, what ran."""

from ..contract.bundle import MarginUnit, RuntimeInfo, StageHashes
from ..contract.mask import Margins
from ..project.config import Tolerances
from ..project.ignored import Flags
from .metrics import Metrics, TruthScores, confident_pixels
from .soft import SoftMetrics


def unknown_class(whose: str, highest: int, classes: int) -> str:
    """That a mask has a class of which the model knows nothing."""
    unsaid = highest in (255, 65535)
    ignored = f"; where such pixels are to be left out: ignore = {highest} in model.toml" if unsaid else ""
    return f"{whose} has class {highest}, the model's highest is {classes - 1}{ignored}"


def worth(truth: TruthScores | None) -> str:
    """What a mask and its golden are worth beside a ground truth; nothing where there is none."""
    return f"; mIoU with the ground truth {truth.miou:.4f}, the golden's {truth.golden_miou:.4f}" if truth else ""


def delegation(golden: RuntimeInfo, actual: RuntimeInfo) -> str:
    """What the reader of a row should know of the delegate; nothing where it had the whole graph, as for the golden."""
    notes = []
    if actual.is_partial:
        notes.append(f"; {actual.delegate} took {actual.nodes}")
    if actual.delegate != golden.delegate:
        notes.append(f"; the golden was recorded with {golden.delegate}")
    return "".join(notes)


def worst_flip(differing: Flags, margin: tuple[Margins, MarginUnit] | None, tolerances: Tolerances) -> str:
    """The margin of the confident flip that was decided most clearly; nothing where there is none, or no margin map."""
    flips = confident_pixels(differing, margin, tolerances)
    if margin is None or not flips.any():
        return ""
    levels, unit = margin
    limit = tolerances.tie_margin_step if unit == "step" else tolerances.tie_margin_score
    return f"; the worst flip has a margin of {float(levels[flips].max()):.3g} (a tie's is at most {limit:g})"


def difference_at(stage: str) -> str:
    """The end of a reason that names the first stage that differs."""
    return f"; first difference: {stage} pixels" if stage != "tensor" else "; first difference: input tensor"


def attribution(stage: str | None, expected: StageHashes, actual: StageHashes) -> str:
    """Where a difference begins, as far as the hashes of the stages tell."""
    if stage:
        return difference_at(stage)
    if expected.tensor and actual.tensor:
        return "; the input tensors are equal, so the difference is made by inference or after it"
    return ""


def praise(metrics: Metrics, soft: SoftMetrics | None) -> str:
    """How equal two masks are that are taken for the same."""
    errors = f"; soft masks within {soft.largest:.2g}" if soft else ""
    ignored = f"; {metrics.ignored:,} more are ignored" if metrics.ignored else ""
    return _counted(metrics) + ignored + errors


def _counted(metrics: Metrics) -> str:
    if not metrics.differing:
        return f"all {metrics.pixels:,} pixels equal"
    if metrics.confident_flips is None:
        return f"{metrics.differing:,} of {metrics.pixels:,} pixels differ (no margin map: ties cannot be told apart)"
    return f"{metrics.tie_flips:,} tie flips, {metrics.confident_flips:,} confident flips of {metrics.pixels:,} pixels"
