"""Recording and verifying goldens: the reference runs, then its masks are blessed or held against what was blessed."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..contract.bundle import Request, RequestCase
from ..contract.errors import ConfigError, ExitCode, GoldenError, GoldmaskError, UsageError
from ..machine.progress import Progress
from ..machine.scratch import scratch_folder
from ..project.config import Config
from ..project.gather import gather
from ..project.golden import Golden, bless, folders_of, load_golden, problem, prune, repair, unused
from ..project.model import ASSUMING, Model, dropped_goldens, golden_folder, goldens_folder, load_spec, toml_of
from ..project.model_toml import declare_normalisation
from ..project.options import TargetOptions
from ..report.report import Report
from ..targets.target import REFERENCE, Context, find_target
from ..verdict.compare import NotJudged
from .check import check, request_for
from .selection import Selection, options_for

Action = Literal["recorded", "unchanged", "kept"]
Mode = Literal["all", "missing", "never"]
MODES: tuple[Mode, ...] = ("all", "missing", "never")


@dataclass(frozen=True)
class Recorded:
    """What was done about one case's golden."""

    model: str
    pipeline: str
    case: str
    action: Action


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
) -> Iterator[Recorded]:
    """Record the goldens of the selected models through those of the selected pipelines that they have.

    `all` records every case again, `missing` only those without a golden, `never` none. Raises GoldenError
    when a golden is stale and the mode does not allow recording it, RunError when the reference fails,
    EnvironmentMissing when it or a file cannot be had, ConfigError for a model that would be recorded on an assumption
    which nobody has confirmed, unless `assume` declares it; the goldens of that model and pipeline stay as they were.
    What came before it is recorded. Raises UsageError for a named model without any of the pipelines, and where no
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
            action = _record_cases(root, request, wanted, existing, options, mode, progress) if wanted else "kept"
            ids = {case.id for case in wanted}
            for case in request.cases:
                yield Recorded(name, pipeline, case.id, action if case.id in ids else "kept")
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


def _record_cases(
    root: Path,
    request: Request,
    wanted: tuple[RequestCase, ...],
    existing: Golden | None,
    options: TargetOptions,
    mode: Mode,
    progress: Progress,
) -> Action:
    """Run the reference on the wanted cases, and bless what it made."""
    name, pipeline = request.model.name, request.options.pipeline
    request = request.model_copy(update={"cases": wanted})
    with scratch_folder() as scratch, _keeping(scratch, root / "build/record" / pipeline / name):
        on_case = progress.count(f"record · {pipeline} · {name}", len(wanted))
        with find_target(REFERENCE).session(Context(root, scratch / "logs", options)) as session:
            session.prepare(pipeline)
            session.run(request, scratch, on_case)
        blessed = bless(request, scratch, golden_folder(root, name, pipeline), existing, merge=mode == "missing")
    return "recorded" if blessed else "unchanged"


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
        if mode == "all":
            return None
        raise


def _wanted(existing: Golden | None, request: Request, mode: Mode, folder: Path) -> tuple[RequestCase, ...]:
    """The cases to record. Raises GoldenError for what `mode` leaves unresolved."""
    if mode == "all":
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
    return _strangers(root, models, prune)


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
