"""The whole run on one screen: fetch, hold goldens against today, run every target, compare, report."""

import contextlib
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import __version__
from ..android import avd
from ..contract.bundle import Bundle, Options, Pipeline, Request, RequestCase
from ..contract.errors import EnvironmentMissing, ExitCode, GoldenError, GoldmaskError, PipelineMissing, RunError
from ..machine.progress import Watch
from ..project.config import Config, suite, tolerances_for
from ..project.gather import gather
from ..project.golden import load_golden, problem
from ..project.model import Model, ModelSpec, golden_folder, load_spec
from ..project.setup import Setup
from ..report.report import Report, Skipped
from ..report.write import open_folder, write_report
from ..targets import android_device, android_jvm, ios_host, ios_simulator, python
from ..verdict.compare import NotJudged, NotRun, Pair, compare_case

TARGETS = {target.NAME: target for target in (python, android_jvm, android_device, ios_host, ios_simulator)}


@dataclass(frozen=True)
class Selection:
    """What to check. What was `named` by the user must run; the rest of a suite runs where it can."""

    models: tuple[str, ...]
    pipelines: tuple[Pipeline, ...]
    targets: tuple[str, ...]
    named: frozenset[str] = frozenset()
    runtime: str = ""
    abi: str = ""
    device: str = ""
    all_devices: bool = False
    destinations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What stays the same during one check."""

    root: Path
    config: Config
    selection: Selection
    out: Path
    watch: Watch
    notes: list[str] = field(default_factory=list)
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def setup(self) -> Setup:
        """How targets are to run."""
        chosen = self.selection
        return Setup(
            root=self.root,
            logs=self.out / "logs",
            runtime=chosen.runtime,
            abi=chosen.abi,
            android=self.config.android,
            device=chosen.device,
            all_devices=chosen.all_devices,
            suppress=self.config.device.suppress,
            on_step=self.watch.step,
            on_note=self.notes.append,
            ios=self.config.ios,
            destinations=chosen.destinations,
            closing=self.closing,
        )


def select(config: Config, suite_name: str, models: list[str], pipelines: list[str], targets: list[str]) -> Selection:
    """A suite, narrowed to what the user named. Raises ConfigError."""
    chosen = suite(config, suite_name)
    return Selection(
        models=tuple(models) or chosen.models,
        pipelines=tuple(pipelines) or chosen.pipelines,
        targets=tuple(targets) or chosen.targets,
        named=frozenset((*models, *pipelines, *targets)),
    )


def check(
    root: Path, config: Config, selection: Selection, out: Path, watch: Watch = Watch(), also: Sequence[Pair] = ()
) -> Report:
    """Compare every selected case on every selected target with its golden; the report, with `also`, goes to `out`."""
    open_folder(out)
    run = Run(root, config, selection, out, watch)
    specs = {name: load_spec(root, name) for name in selection.models}  # all of them before the first download
    used = {pipeline for spec in specs.values() for pipeline in spec.pipelines if pipeline in selection.pipelines}
    with run.closing, _device(run) as no_device:
        cannot = {
            (target, pipeline): (target == android_device.NAME and no_device) or _set_up(run, pipeline, target)
            for target in selection.targets
            for pipeline in used
        }
        pairs, skipped = _compare_all(run, specs, cannot)
    environment = {"goldmask": __version__, "python": platform.python_version(), "os": platform.platform()}
    notes = tuple(dict.fromkeys(run.notes))
    return write_report([*also, *pairs], skipped, environment | {"ci": os.environ.get("CI", "")}, out, notes)


def _compare_all(
    run: Run, specs: dict[str, ModelSpec], cannot: dict[tuple[str, str], GoldmaskError | None]
) -> tuple[list[Pair], list[Skipped]]:
    """Every model's cases on every target that can run them, and what was skipped."""
    selection, config = run.selection, run.config
    pairs: list[Pair] = []
    skipped: list[Skipped] = []
    for name, spec in specs.items():
        assets = gather(run.root, name, spec, run.watch)
        for pipeline in (pipeline for pipeline in selection.pipelines if pipeline in spec.pipelines):
            for target in selection.targets:
                missing = assets.missing
                if error := cannot[target, pipeline]:
                    missing = dict.fromkeys((case.id for case in spec.cases), error) | missing
                pairs += _not_run(name, pipeline, target, missing, selection.named)
                skipped += _told_once(name, pipeline, target, missing)
                cases = tuple(case for case in assets.cases if case.id not in missing)
                if cases:
                    request = request_for(assets.model, cases, pipeline, config)
                    pairs += _run_and_compare(run, request, target, assets.truths)
    return pairs, skipped


@contextlib.contextmanager
def _device(run: Run) -> Iterator[GoldmaskError | None]:
    """For as long as the block runs, an emulator where the check needs a device and is to boot one; or why none is."""
    with contextlib.ExitStack() as stack:
        try:
            named = run.selection.device or os.environ.get("ANDROID_SERIAL")
            if android_device.NAME in run.selection.targets and not named:
                emulator = stack.enter_context(avd.ensure(run.config.android.emulator, run.setup.logs, run.watch.step))
                if emulator:
                    again = f", at its second boot: {emulator.retried}" if emulator.retried else ""
                    run.notes.append(f"booted {emulator.serial} for this check{again}")
        except (EnvironmentMissing, RunError) as error:
            yield error
            return
        yield None


def request_for(
    model: Model, cases: tuple[RequestCase, ...], pipeline: Pipeline, config: Config, taps: tuple[str, ...] = ()
) -> Request:
    """The request that runs `cases` with the project's options."""
    options = Options(**config.options.model_dump(), pipeline=pipeline, taps=taps)
    return Request(schema=1, model=model.request(), options=options, cases=cases)


def _set_up(run: Run, pipeline: str, target: str) -> GoldmaskError | None:
    """Make a target ready for a pipeline, if it was not before; why it cannot be, where it cannot."""
    what = f"{target} · {pipeline} · set up"
    run.watch.step(what, 0, 1)
    try:
        TARGETS[target].prepare(pipeline, run.setup)
    except (EnvironmentMissing, RunError) as error:
        return error
    run.watch.step(what, 1, 1)
    return None


def _run_and_compare(run: Run, request: Request, target: str, truths: dict[str, Path]) -> list[Pair]:
    """Run those cases that have a good golden, and compare them; the others are errors that say why."""
    name, pipeline = request.model.name, request.options.pipeline
    folder = golden_folder(run.root, name, pipeline)
    try:
        golden = load_golden(folder)
        problems = {case.id: problem(golden, request, case) for case in request.cases}
    except GoldenError as error:
        golden, problems = None, {case.id: str(error) for case in request.cases}
    pairs = [
        _error(name, case, target, pipeline, reason, ExitCode.GOLDEN) for case, reason in problems.items() if reason
    ]
    cases = tuple(case for case in request.cases if not problems[case.id])
    if not cases:
        return pairs
    request = request.model_copy(update={"cases": cases})
    run_folder = run.out / "bundles" / target / pipeline / name
    try:
        bundles = _run_target(run, request, target, run_folder)
    except RunError as error:
        return pairs + [_error(name, case.id, target, pipeline, str(error), ExitCode.RUN) for case in cases]
    for where, bundle_folder, bundle in bundles:
        if isinstance(bundle, RunError):
            pairs += [_error(name, case.id, where, pipeline, str(bundle), ExitCode.RUN) for case in cases]
            continue
        for case in cases:
            place = {"model": name, "case": case.id, "pipeline": pipeline, "target": target}
            tolerances, override = tolerances_for(run.config, **place)
            pairs.append(
                compare_case(
                    model=name,
                    case=case.id,
                    golden_folder=folder,
                    golden=golden.bundle,
                    folder=bundle_folder,
                    bundle=bundle,
                    labels=request.model.labels,
                    tolerances=tolerances,
                    override=override,
                    truth=truths.get(case.id),
                )
            )
    return pairs


def _run_target(run: Run, request: Request, target: str, out: Path) -> list[tuple[str, Path, Bundle | RunError]]:
    """(target, folder, bundle) of a run; one for each destination where the user named several."""
    several = ios_simulator.destinations(run.setup) if target == ios_simulator.NAME else ()
    what = f"{target} · {request.options.pipeline} · {request.model.name}"
    on_case = run.watch.count(what, len(request.cases) * max(1, len(several)))
    if len(several) > 1:
        bundles = ios_simulator.run_on_each(request, out, run.setup, on_case)
        return [(f"{target}.{name}", out / name, bundle) for name, bundle in bundles.items()]
    return [(target, out, TARGETS[target].run(request, out, run.setup, on_case))]


def _not_run(
    model: str, pipeline: str, target: str, missing: dict[str, GoldmaskError], named: frozenset[str]
) -> list[Pair]:
    """A row for each case that cannot run here: SKIP, or an error when it broke or the user asked for it by name."""
    pairs = []
    for case, error in missing.items():
        # Who names a target asks for the pipelines that it has.
        asked = named & ({pipeline} if isinstance(error, PipelineMissing) else {model, pipeline, target})
        if isinstance(error, EnvironmentMissing) and not asked:
            place = {"model": model, "case": case, "target": target, "pipeline": pipeline}
            pairs.append(NotRun(**place, reason=error.what))
        else:
            reason = error.what if isinstance(error, EnvironmentMissing) else str(error)
            pairs.append(_error(model, case, target, pipeline, reason, error.exit_code))
    return pairs


def _told_once(model: str, pipeline: str, target: str, missing: dict[str, GoldmaskError]) -> list[Skipped]:
    """Each reason why something is not here once, however many cases it stops."""
    reasons = {error.what: error.fix for error in missing.values() if isinstance(error, EnvironmentMissing)}
    return [
        Skipped(target=target, pipeline=pipeline, model=model, reason=reason, fix=fix)
        for reason, fix in reasons.items()
    ]


def _error(model: str, case: str, target: str, pipeline: str, reason: str, code: ExitCode) -> NotJudged:
    place = {"model": model, "case": case, "target": target, "pipeline": pipeline}
    return NotJudged(**place, reason=reason, exit_code=code)
