"""Recording and verifying goldens: the reference runs, then its masks pend or are held against what is golden."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..contract.bundle import Request, RequestCase
from ..contract.errors import ConfigError, ExitCode, GoldenError, GoldmaskError, UsageError
from ..machine.progress import Progress
from ..machine.scratch import scratch_folder
from ..project.config import Config
from ..project.custom_operators import lacking
from ..project.gather import gather
from ..project.golden import (
    Golden,
    alone,
    folders_of,
    load_golden,
    problem,
    propose,
    prune,
    repair,
    same_runtime,
    unused,
)
from ..project.ignored import Ignored
from ..project.model import ASSUMING, Model, dropped_goldens, golden_folder, goldens_folder, load_spec, toml_of
from ..project.model_toml import declare_normalisation
from ..project.options import TargetOptions
from ..project.pending import STORE, kind_of, picture_of, settle
from ..report.report import Report
from ..targets.target import REFERENCE, Context, find_target
from ..verdict.compare import NotJudged, Pair, Verdict, compare_case
from .check import check, request_for
from .pending import pend, tolerances_of
from .selection import Selection, options_for

Action = Literal["pends", "unchanged", "kept"]
Mode = Literal["all", "failed", "missing", "never"]
MODES: tuple[Mode, ...] = ("all", "failed", "missing", "never")


@dataclass(frozen=True)
class Recorded:
    """What was done about one case's golden; a mask that pends has a picture."""

    model: str
    pipeline: str
    case: str
    action: Action
    picture: Path | None = None


@dataclass(frozen=True)
class Asked:
    """How to record, and what is `ignored` of each case."""

    mode: Mode
    ties: bool
    progress: Progress
    ignored: Mapping[str, Ignored]


def default_mode() -> Mode:
    """`missing` at a desk; `never` in CI, where a golden that appears by itself would pass unseen."""
    return "never" if os.environ.get("CI") else "missing"


def record(
    root: Path,
    config: Config,
    selection: Selection,
    mode: Mode,
    progress: Progress = Progress(),
    assume: bool = False,
    ties: bool = False,
) -> Iterator[Recorded]:
    """Run the reference on the selected models through those of the selected pipelines that they have.

    What is not golden pends. `all` runs every case, `failed` as well and keeps what passes a check, `missing` runs
    those without a golden, `never` none. Where only near-ties or ignored pixels differ the golden is kept, unless
    `ties`. Raises GoldenError when a golden is stale and the mode does not allow recording it, RunError when the
    reference fails,
    EnvironmentMissing when it or a file cannot be had, ConfigError for a model that would be recorded on an assumption
    which nobody has confirmed, unless `assume` declares it; nothing of that model and pipeline pends then.
    What came before it does. Raises UsageError for a named model without any of the pipelines, and where no
    model has one.
    """
    nothing = True
    options = options_for(config, selection, REFERENCE)
    for name in selection.models:
        spec = load_spec(root, name)
        pipelines = [pipeline for pipeline in spec.pipelines if pipeline in selection.pipelines]
        if not pipelines and name in selection.named:
            raise UsageError(
                f"the model.toml of {name} does not list {' or '.join(selection.pipelines)}",
                fix=f"--pipeline {'|'.join(spec.pipelines)}",
            )
        if not pipelines:
            continue
        nothing = False
        assets = gather(root, name, spec, progress)
        if assets.missing or not assets.model:
            raise next(iter(assets.missing.values()))
        for pipeline in pipelines:
            request = request_for(assets.model, assets.cases, pipeline, options, taps=("margin",))
            existing = _existing(golden_folder(root, name, pipeline), mode)
            wanted = _wanted(existing, request, mode, golden_folder(root, name, pipeline))
            if (wanted or assume) and pipeline in ASSUMING and assets.model.assumption:
                _confirm(root, assets.model, assume)
            operators = assets.model.description.custom_operators
            if wanted and (error := lacking(operators, REFERENCE, pipeline, options)):
                raise error
            asked = Asked(mode, ties, progress, assets.ignored)
            done = _pend(root, config, request, wanted, existing, options, asked) if wanted else {}
            for case in request.cases:
                action = done.get(case.id, "kept")
                picture = picture_of(root / STORE, name, pipeline, case.id) if action == "pends" else None
                yield Recorded(name, pipeline, case.id, action, picture)
    if nothing:
        raise UsageError(
            f"none of the models has the pipeline {' or '.join(selection.pipelines)}; there is nothing to record",
            fix="./goldmask models.list",
        )


def _confirm(root: Path, model: Model, assume: bool) -> None:
    """Nothing is blessed on an assumption: with `assume` it becomes a declaration, else it is an error."""
    if not assume:
        raise ConfigError(
            f"{model.assumption}, and nothing is recorded on an assumption",
            fix=f"./goldmask golden.record --model {model.name} --assume, which declares it in model.toml, if it is "
            "right; else mean and std under [input] there",
        )
    declare_normalisation(*toml_of(root, model.name), (model.mean, model.std))


def _pend(
    root: Path,
    config: Config,
    request: Request,
    wanted: tuple[RequestCase, ...],
    golden: Golden | None,
    options: TargetOptions,
    asked: Asked,
) -> dict[str, Action]:
    """Run the reference on the wanted cases, and have pend what is not golden."""
    name, pipeline = request.model.name, request.options.pipeline
    request = request.model_copy(update={"cases": wanted})
    with scratch_folder() as scratch, _keeping(scratch, root / "build/record" / pipeline / name):
        on_case = asked.progress.count(f"record · {pipeline} · {name}", len(wanted))
        with find_target(REFERENCE).session(Context(root, scratch / "logs", options)) as session:
            session.prepare(pipeline)
            session.run(request, scratch, on_case)
        proposed = propose(request, scratch, scratch / "proposed")
        done = {case.id: _action(config, request, case, proposed, golden, asked) for case in wanted}
        cases = tuple(case for case in wanted if done[case.id] == "pends")
        if cases:
            pend(root, [root / STORE], request.model_copy(update={"cases": cases}), scratch, asked.ignored)
        settle(root / STORE, name, pipeline, [case for case, action in done.items() if action != "pends"])
    return done


def _action(
    config: Config, request: Request, case: RequestCase, proposed: Golden, golden: Golden | None, asked: Asked
) -> Action:
    """Whether a mask is to pend: all that differs does, but for what differs between machines."""
    kind = kind_of(proposed, golden, case.id)
    if kind is None:
        return "unchanged"
    if golden is None or kind == "new" or problem(golden, request, case):
        return "pends"
    before, after = golden.bundle.result(case.id), proposed.bundle.result(case.id)
    if not same_runtime(golden.bundle.runtime, proposed.bundle.runtime) or (
        before and after and before.stages != after.stages
    ):
        return "pends"
    outcome = compare_case(
        model=request.model.name,
        case=case.id,
        golden_folder=golden.folder,
        golden=golden.as_of(case.id),
        folder=proposed.folder,
        bundle=proposed.bundle,
        labels=request.model.labels,
        tolerances=tolerances_of(config, request.model.name, case.id, proposed.bundle),
        ignore=asked.ignored[case.id],
    )
    if not isinstance(outcome, Pair):
        return "pends"
    if asked.mode == "failed":
        return "pends" if outcome.comparison.verdict is Verdict.FAIL else "kept"
    only_ties = outcome.confident is not None and not outcome.confident.any()
    return "kept" if only_ties and not asked.ties else "pends"


@contextmanager
def _keeping(scratch: Path, kept: Path) -> Iterator[None]:
    """What failed in a temporary folder is kept with its logs, and the error names the place where it is then."""
    try:
        yield
    except GoldmaskError as error:
        if str(scratch) in str(error):
            shutil.rmtree(kept, ignore_errors=True)
            with suppress(OSError):
                shutil.copytree(scratch, kept)
            error.what = error.what.replace(str(scratch), str(kept))
            error.fix = error.fix.replace(str(scratch), str(kept))
        raise


def _existing(folder: Path, mode: Mode) -> Golden | None:
    """The golden of today. A damaged one is an error, unless all of it is about to be recorded again."""
    repair(folder)  # or one that a killed run had moved aside would be missing
    if not folder.is_dir():
        return None
    try:
        return load_golden(folder)
    except GoldenError:
        if mode in ("all", "failed"):
            return None
        raise


def _wanted(existing: Golden | None, request: Request, mode: Mode, folder: Path) -> tuple[RequestCase, ...]:
    """The cases to record. Raises GoldenError for what `mode` leaves unresolved."""
    if mode in ("all", "failed"):
        return request.cases
    missing: list[RequestCase] = []
    for case in request.cases:
        if existing is None or existing.bundle.result(case.id) is None:
            missing.append(case)
        elif stale := problem(existing, request, case):
            raise GoldenError(f"the golden of case {case.id} in {folder} is {stale.what}", fix=stale.fix)
    if missing and mode == "never":
        names = ", ".join(case.id for case in missing)
        raise GoldenError(
            f"{folder} has no golden of {names}, and recording is off", fix="./goldmask golden.record --mode missing"
        )
    return tuple(missing)


def verify(root: Path, config: Config, selection: Selection, out: Path, progress: Progress = Progress()) -> Report:
    """Run the reference again and compare it with the goldens; unused goldens fail too. Writes no golden."""
    strangers = [
        NotJudged(
            model=model,
            case=stranger,
            target=REFERENCE,
            pipeline=pipeline,
            reason="unused: no case of the model has this golden (./goldmask golden.prune removes it)",
            exit_code=ExitCode.GOLDEN,
        )
        for model, pipeline, stranger in find_unused(root, selection.models)
    ]
    return check(root, config, selection, out, progress, also=strangers)


def find_unused(root: Path, models: Sequence[str]) -> list[tuple[str, str, str]]:
    """(model, pipeline, name) of every recorded thing that no declared case or pipeline uses."""
    return _strangers(root, models, unused)


def prune_unused(root: Path, models: Sequence[str]) -> list[tuple[str, str, str]]:
    """Remove what `find_unused` finds; returns it."""

    def remove(golden: Golden, cases: Sequence[str]) -> tuple[str, ...]:
        with alone(golden.folder.parent.parent):  # or what somebody accepts meanwhile would be lost
            return prune(load_golden(golden.folder), cases)

    return _strangers(root, models, remove)


def _strangers(
    root: Path, models: Sequence[str], look: Callable[[Golden, Sequence[str]], tuple[str, ...]]
) -> list[tuple[str, str, str]]:
    found = []
    for model in models:
        spec = load_spec(root, model)
        for folder in folders_of(goldens_folder(root, model)):
            cases = [case.id for case in spec.cases] if folder.name in spec.pipelines else []
            found += [(model, folder.name, name) for name in look(load_golden(folder), cases)]
        for variant, goldens in dropped_goldens(root, model).items():
            for folder in folders_of(goldens):
                found += [(variant, folder.name, name) for name in look(load_golden(folder), [])]
    return found
