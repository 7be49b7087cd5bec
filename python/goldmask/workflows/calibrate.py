"""Calibrating the tie margin: the reference with each delegate, number of threads and runtime, against the goldens."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from ..contract.bundle import Predicted, Request, margin_of, mask_of
from ..contract.errors import GoldenError
from ..contract.mask import Mask
from ..contract.options import Pipeline
from ..machine.progress import Progress
from ..machine.scratch import scratch_folder
from ..project.config import FILE_NAME, Compared, Config, tolerances_for
from ..project.golden import load_golden, problem
from ..project.model import golden_folder, load_spec
from ..project.model_toml import add_override
from ..project.options import TargetOptions
from ..targets.python import RUNTIMES, at_hand
from ..targets.target import REFERENCE, Context, find_target
from ..verdict.calibration import Calibration, Flips, calibrate, flips
from .check import request_for
from .pending import assets_of
from .selection import recording_options

# Through the Task Library nothing can be chosen but threads; its kernels are the Interpreter's.
PIPELINE: Pipeline = "lib_interpreter"
THREADS = (1, 2, 4)


def calibrations(root: Path, config: Config, models: list[str], progress: Progress) -> Iterator[Calibration]:
    """A calibration of each model that has goldens with margin maps. Raises GoldenError where they are stale."""
    for name in models:
        if PIPELINE in load_spec(root, name).pipelines:
            yield _calibration(root, config, name, progress)


def propose(config: Config, root: Path, found: Calibration, today: str) -> bool:
    """Write a model's tie margin into goldmask.toml, as an override with its reason; False where it needs none."""
    compared = Compared(model=found.model, case="", pipeline=PIPELINE, target=REFERENCE)
    tolerances, _ = tolerances_for(config, compared)
    now = tolerances.tie_margin_step if found.unit == "step" else tolerances.tie_margin_score
    if found.proposed is None or found.proposed <= now:
        return False
    reason = f"golden.calibrate, {today}: {found.flipped:,} of {found.pixels:,} pixels flip in {found.runs} runs, with "
    reason += f"margins up to {found.largest:.3g}"
    add_override(root / FILE_NAME, found.model, reason, {f"tie_margin_{found.unit}": found.proposed})
    return True


def _calibration(root: Path, config: Config, name: str, progress: Progress) -> Calibration:
    assets = assets_of(root, name)
    assert assets.model
    options = recording_options(config)
    request = request_for(assets.model, assets.cases, PIPELINE, options)
    golden = load_golden(golden_folder(root, name, PIPELINE))
    for case in request.cases:
        if error := problem(golden, request, case):
            raise error
    margins = {}
    for result in golden.bundle.results:
        if isinstance(result, Predicted) and (found := margin_of(golden.folder, result)):
            margins[result.case] = found
    if not margins:
        raise GoldenError(f"the goldens of {name} have no margin maps: its output is a class map")
    masks: dict[str, list[Mask]] = {case: [] for case in margins}
    runs = 0
    for chosen in _choices(options):
        again = request_for(assets.model, assets.cases, PIPELINE, chosen)
        predicted = _predict(root, name, again, chosen, progress)
        runs += predicted is not None
        for ran, mask in predicted or ():
            before = golden.bundle.result(ran)
            if ran in masks and isinstance(before, Predicted) and mask.shape[::-1] == before.mask_size:
                masks[ran].append(mask)
    cases: list[Flips] = []
    for known, (levels, _) in margins.items():
        kept = golden.bundle.result(known)
        assert isinstance(kept, Predicted)
        cases.append(flips(known, mask_of(golden.folder, kept), masks[known], levels))
    unit = next(iter(margins.values()))[1]
    return calibrate(name, unit, runs, cases)


def _choices(options: TargetOptions) -> Iterator[TargetOptions]:
    """Every delegate with every number of threads, and each other runtime once, where it can be had."""
    for delegate, threads in product(find_target(REFERENCE).delegates, THREADS):
        yield options.model_copy(update={"delegate": delegate, "threads": threads, "runtime": RUNTIMES[0]})
    for runtime in RUNTIMES[1:]:
        yield options.model_copy(update={"runtime": runtime})


def _predict(
    root: Path, name: str, request: Request, options: TargetOptions, progress: Progress
) -> list[tuple[str, Mask]] | None:
    """The masks of a run, by case; None where this runtime is not at hand. Raises as a run does."""
    target = find_target(REFERENCE)
    what = f"calibrate · {name} · {options.delegate}, {options.threads} threads, {options.runtime}"
    with scratch_folder() as folder, target.session(Context(root, folder / "logs", options)) as session:
        if not at_hand(PIPELINE, options.runtime, folder / "logs"):
            return None
        session.prepare(PIPELINE)
        bundle = session.run(request, folder, progress.count(what, len(request.cases)))
        return [(each.case, mask_of(folder, each)) for each in bundle.results if isinstance(each, Predicted)]
