"""A frame of a clip, judged with the frame before it: does its mask flicker more than the golden's?"""

from dataclasses import dataclass, replace
from pathlib import Path

from ..contract.bundle import Bundle, Predicted, mask_of
from ..contract.errors import ExitCode, GoldmaskError
from ..contract.mask import Mask
from ..project.config import Gates, Tolerances
from .compare import Outcome, Pair, Verdict
from .flicker import judge_flicker, measure_flicker


@dataclass(frozen=True)
class Sides:
    """Where the masks of both sides are."""

    golden_folder: Path
    golden: Bundle
    folder: Path
    bundle: Bundle


def with_flicker(
    outcome: Outcome, before: str, sides: Sides, tolerances: Tolerances, warnings: Gates = Gates()
) -> Outcome:
    """An outcome with its flicker, and the verdict that follows from it; `before` is the case before it in its clip.

    Without a mask of that case on both sides there is no flicker to measure: its own row says why.
    """
    if not isinstance(outcome, Pair):
        return outcome
    expected = _mask(sides.golden_folder, sides.golden, before)
    actual = _mask(sides.folder, sides.bundle, before)
    if expected is None or actual is None or not expected.shape == actual.shape == outcome.expected.shape:
        return outcome
    flicker = measure_flicker((expected, outcome.expected), (actual, outcome.actual), outcome.ignored)
    row = outcome.comparison.model_copy(update={"flicker": flicker})
    failed = judge_flicker(flicker, tolerances.flicker_max)
    warned = judge_flicker(flicker, warnings.flicker_max)
    if failed:
        reason = f"{failed}; {row.reason}"
        code = row.exit_code if row.verdict is Verdict.FAIL else ExitCode.MASKS_DIFFER
        row = row.model_copy(update={"verdict": Verdict.FAIL, "exit_code": code, "reason": reason})
    elif warned and row.verdict is not Verdict.FAIL:
        row = row.model_copy(update={"verdict": Verdict.WARN, "reason": f"{warned}; {row.reason}"})
    return replace(outcome, comparison=row)


def _mask(folder: Path, bundle: Bundle, case: str) -> Mask | None:
    result = bundle.result(case)
    if not isinstance(result, Predicted):
        return None
    try:
        return mask_of(folder, result)
    except GoldmaskError:
        return None
