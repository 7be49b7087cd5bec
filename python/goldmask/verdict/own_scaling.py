"""An app that scales by a kernel of its own: its pixels, its input tensor, and the mask from there on. Pure."""

from typing import Literal

import numpy as np

from ..contract.errors import ExitCode, GoldmaskError
from ..contract.handed_on import Values
from ..contract.image import Pixels
from ..contract.options import Kernel
from ..contract.tensors import InputSpec
from .compare import FAILING, Comparison, Judged, NotJudged, Outcome, Pair, Stages
from .kernels import MAX_LEVELS, MAX_MEAN_LEVELS, Levels, OwnScaling
from .reason import difference_at

# An app's tensor may be this far from its own pixels: (p / 127.5 - 1) and ((p - 127.5) / 127.5) differ in the last bit,
# which of float16 is a tenth of a level, and quantised tensors are rounded in more than one way.
MAX_FLOAT_LEVELS = {"float32": 0.05, "float16": 0.25}
MAX_STEPS = 1.0
Stage = Literal["resized", "tensor"]


def measured(row: Judged, kernel: Kernel, levels: Levels) -> OwnScaling:
    """How far, in `levels` of each value, an app's pixels are from its kernel's; flips are those of its row."""
    assert row.metrics  # a row that failed by its mask was measured
    return OwnScaling(
        kernel=kernel,
        levels_max=float(levels.max()),
        levels_mean=float(levels.mean()),
        flips=row.metrics.differing,
        confident_flips=row.metrics.confident_flips,
    )


def pixel_levels(actual: Pixels, expected: Pixels) -> Levels:
    """The distance of each value, in levels of 8 bits."""
    return np.abs(actual.astype(np.float32) - expected.astype(np.float32))


def tensor_levels(actual: Values, expected: Values, spec: InputSpec) -> Levels:
    """The distance of each value of two tensors of one shape, in levels of 8 bits; in steps where they are integers."""
    level = max(map(abs, spec.std)) if spec.dtype in MAX_FLOAT_LEVELS else 1.0
    return (np.abs(actual.astype(np.float64) - expected) * level).astype(np.float32)


def is_of_its_pixels(levels: Levels, spec: InputSpec) -> bool:
    """Whether a tensor is made of the app's own pixels, by its distance from the one that the reference makes."""
    return float(levels.max()) <= MAX_FLOAT_LEVELS.get(spec.dtype, MAX_STEPS)


def unexcused(row: Judged, why: str) -> Judged:
    """A row that stays as it was, because an app that scales in its own way has not done what that takes."""
    return row.model_copy(update={"reason": f'{row.reason}; scaling = "own" excuses nothing: {why}'})


def other_pixels(row: Judged, own: OwnScaling, stage: Stage) -> Judged:
    """A row whose app does not scale by the kernel that it names."""
    what = "the pixels are" if stage == "resized" else "the input tensor is"
    found = f"up to {own.levels_max:.3g} levels and {own.levels_mean:.3g} on average from it"
    why = f"{what} not of {own.kernel!r}: {found} (at most {MAX_LEVELS} and {MAX_MEAN_LEVELS})"
    return _failed_at(row, own, stage, why)


def other_tensor(row: Judged, own: OwnScaling, levels: float) -> Judged:
    """A row whose app scales by its kernel, and feeds the model something else."""
    why = f"the input tensor is up to {levels:.3g} levels from the app's own pixels (channels, mean, std?)"
    return _failed_at(row, own, "tensor", why)


def from_there(row: Judged, own: OwnScaling, outcome: Outcome, note: str = "") -> Comparison:
    """The row of a case whose scaling is in order: what the golden says of it, and `outcome`, which judges the rest.

    `note` ends the reason, for example where the reference has another runtime by now than the golden.
    """
    after = outcome.comparison if isinstance(outcome, Pair) else outcome
    rest = after.reason
    if isinstance(after, Judged) and after.metrics and after.verdict not in FAILING and not after.metrics.differing:
        rest = "all agree" + rest.removeprefix(f"all {after.metrics.pixels:,} pixels equal")
    flips = "1 flip" if own.flips == 1 else f"{own.flips:,} flips"
    update: dict[str, object] = {
        "reason": f"your scaling ({own.kernel}) differs from ours: {flips}; from there on {rest}{note}",
        "golden_runtime": row.golden_runtime,
    }
    if isinstance(after, Judged):
        picture = row.picture if after.verdict in FAILING else None
        update |= {"scaling": own, "stages": row.stages, "truth": row.truth, "picture": picture}
    return after.model_copy(update=update)


def unjudged(row: Judged, error: GoldmaskError) -> NotJudged:
    """The row of a case whose scaling cannot be judged, and why."""
    kept = ("model", "case", "target", "pipeline", "runtime", "golden_runtime", "delegate", "threads")
    return NotJudged(
        **{name: getattr(row, name) for name in kept},
        reason=f'scaling = "own": {error}',
        exit_code=ExitCode(error.exit_code),
        stages=row.stages,
    )


def _failed_at(row: Judged, own: OwnScaling, stage: Stage, why: str) -> Judged:
    """The row with the stage that is wrong; a decoder of its own comes first."""
    was = row.stages.first_difference
    first = "decoded" if was == "decoded" else stage
    reason = f"{row.reason.replace(difference_at(was), '') if was else row.reason}; {why}{difference_at(first)}"
    return row.model_copy(update={"reason": reason, "scaling": own, "stages": Stages(first_difference=first)})
