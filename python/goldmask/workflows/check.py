"""The whole run on one screen: fetch, hold goldens against today, run every target, compare, report."""

import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..contract.bundle import Predicted, Request, RequestCase
from ..contract.errors import EnvironmentMissing, ExitCode, GoldenError, GoldmaskError, PipelineMissing, RunError
from ..contract.options import PIPELINES, Options, Pipeline, RunOptions, TapName
from ..machine.progress import Progress
from ..machine.resources import typed
from ..machine.scratch import scratch_folder
from ..project.across import comparable, golden_in, goldens_of
from ..project.app_pipelines import android_of, held_against, no_such_pipeline
from ..project.config import Config
from ..project.custom_operators import lacking
from ..project.gather import Assets, gather
from ..project.golden import load_golden, problem
from ..project.ignored import Ignored
from ..project.model import ASSUMING, Model, ModelSpec, load_spec
from ..project.options import set_in
from ..project.pending import STORE, rejection_of
from ..report.report import Report, Skipped
from ..report.write import open_folder, write_report
from ..targets.target import REFERENCE, Context, Session, find_target
from ..verdict.across import changed
from ..verdict.compare import FAILING, Asked, Comparison, NotJudged, NotRun, Verdict
from .baselines import load_baselines
from .compare import compare_bundle
from .diagnose import diagnose_rows, materials_of
from .failed_case import Sides
from .known_models import known_models
from .latency import judge_latency
from .measuring import in_random_order
from .pending import pend, settle_stale
from .scaling import Scaled, handed_on_taps, judge_own_scaling
from .selection import FAIL_FAST, Selection, check_overrides, options_for, recording_options
from .three_way import agreements_of
from .variants import compare_variants, pairs


@dataclass(frozen=True)
class Run:
    """What stays the same during one check; `sessions` are the targets in use, by `session_name`.

    `goldens` is a folder with the goldens of another commit, where they are to be compared with; `assets` are the
    models and cases so far.
    """

    root: Path
    config: Config
    selection: Selection
    out: Path
    progress: Progress
    notes: list[str] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    goldens: Path | None = None
    assets: dict[str, Assets] = field(default_factory=dict)

    def session(self, target: str, pipeline: str) -> Session:
        """The session in which a pipeline is run on a target."""
        return self.sessions[session_name(target, pipeline)]


def session_name(target: str, pipeline: str) -> str:
    """Pipelines of goldmask's share a target's session; one of an app runs another golden test, in its own."""
    return target if pipeline in PIPELINES else f"{target} {pipeline}"


def check(
    root: Path,
    config: Config,
    selection: Selection,
    out: Path,
    progress: Progress = Progress(),
    also: Sequence[Comparison] = (),
) -> Report:
    """Compare every selected case on every selected target with its golden; the report, with `also`, goes to `out`."""
    check_overrides(root, config)
    baselines = load_baselines(root)
    open_folder(out)
    shutil.rmtree(out / "pending", ignore_errors=True)
    # All of them before the first download.
    specs = {name: _narrowed(load_spec(root, name), name, selection) for name in selection.models}
    whole = selection.variants_named or (not selection.named and selection.rows is None)
    two = pairs(root, specs, selection.variants, whole=whole)
    with ExitStack() as closing:
        goldens, notes = None, list(selection.notes)
        if selection.against:
            goldens = closing.enter_context(scratch_folder())
            commit = goldens_of(root, selection.against, goldens, merge_base=bool(os.environ.get("CI")))
            notes.append(f"goldens are those of {selection.against}, commit {commit[:12]}")
        run = Run(root, config, selection, out, progress, notes, goldens=goldens)
        cannot = _make_ready(run, specs, closing)
        rows, skipped = _compare_all(run, specs, cannot)
    judged, latency_notes = judge_latency(root, config, rows, baselines)
    started_at = run.started_at.isoformat(timespec="seconds")
    environment = {
        "started_at": started_at,
        "goldmask": __version__,
        "python": platform.python_version(),
        "os": platform.platform(),
    }
    tables = compare_variants(two, config, out, run.assets)
    shown = tuple(dict.fromkeys([*run.notes, *latency_notes, *changed(rows), *tables]))
    environment |= {"ci": os.environ.get("CI", "")}
    agreements = [each for name in specs for each in agreements_of(root, out / "bundles", name, _failed(judged, name))]
    return write_report([*also, *judged], skipped, environment, out, shown, agreements)


def _failed(rows: Sequence[Comparison], model: str) -> dict[str, None]:
    """The cases of a model whose masks failed anywhere, in order."""
    return dict.fromkeys(row.case for row in rows if row.model == model and row.verdict is Verdict.FAIL)


def context_of(run: Run, target: str, pipeline: str = "") -> Context:
    """What a target is given, for a pipeline of the app its golden test in the place of goldmask's."""
    return Context(
        root=run.root,
        logs=run.out / "logs",
        options=options_for(run.config, run.selection, target),
        android=android_of(run.config, pipeline) if pipeline else run.config.android,
        ios=run.config.ios,
        suppress=run.config.device.suppress,
        progress=run.progress,
        on_note=run.notes.append,
    )


def request_for(
    model: Model,
    cases: tuple[RequestCase, ...],
    pipeline: Pipeline,
    options: RunOptions,
    taps: tuple[TapName, ...] = (),
) -> Request:
    """The request that runs `cases` with `options`, of which it carries those of every target."""
    carried = options.model_dump(include=set(RunOptions.model_fields))
    return Request(
        schema=1, model=model.request(), options=Options(**carried, pipeline=pipeline, taps=taps), cases=cases
    )


def _make_ready(
    run: Run, specs: dict[str, ModelSpec], closing: ExitStack
) -> dict[tuple[str, str], GoldmaskError | None]:
    """Begin a session of each target, and make it ready for each pipeline; why it cannot be, where it cannot."""
    declared = {pipeline for spec in specs.values() for pipeline in spec.pipelines}
    used = {each for each in run.selection.pipelines if held_against(run.config, each) in declared}
    cannot: dict[tuple[str, str], GoldmaskError | None] = {}
    for target in run.selection.targets:
        try:
            run.sessions[target] = closing.enter_context(find_target(target).session(context_of(run, target)))
        except GoldmaskError as error:
            cannot |= {(target, pipeline): error for pipeline in used}
            continue
        for pipeline in sorted(used):
            cannot[target, pipeline] = no_such_pipeline(target, pipeline)
            if not run.selection.uses(pipeline, target) or cannot[target, pipeline]:
                continue
            what = f"{target} · {pipeline} · getting ready"
            run.progress.step(what, 0, 1)
            try:
                if (name := session_name(target, pipeline)) not in run.sessions:
                    session = find_target(target).session(context_of(run, target, pipeline))
                    run.sessions[name] = closing.enter_context(session)
                run.sessions[name].prepare(held_against(run.config, pipeline))
            except GoldmaskError as error:
                cannot[target, pipeline] = error
            run.progress.step(what, 1, 1)
    return cannot


def _compare_all(
    run: Run, specs: dict[str, ModelSpec], cannot: dict[tuple[str, str], GoldmaskError | None]
) -> tuple[list[Comparison], list[Skipped]]:
    """Every model's cases on every target that can run them, and what was skipped."""
    selection = run.selection
    rows: list[Comparison] = []
    skipped: list[Skipped] = []
    stopped = False
    for name, spec in specs.items():
        assets = Assets(None, (), {}) if stopped else gather(run.root, name, spec, run.progress)
        run.assets[name] = assets
        run.notes.extend(assets.notes)
        held = {held_against(run.config, pipeline) for pipeline in selection.pipelines}
        if assets.model and assets.model.assumption and set(ASSUMING) & held & set(spec.pipelines):
            run.notes.append(assets.model.assumption)
        listed = set(spec.pipelines) & set(selection.pipelines)
        for pipeline in selection.pipelines:
            if listed and pipeline not in listed and not selection.pipelines_named:
                continue
            for target in selection.targets:
                taken = [case.id for case in spec.cases if selection.takes(name, pipeline, target, case.id)]
                missing = {case: error for case, error in assets.missing.items() if case in taken}
                if stopped:
                    missing = dict.fromkeys(taken, EnvironmentMissing(FAIL_FAST, fix="leave --fail-fast out"))
                elif error := (
                    _undeclared(run, name, spec, pipeline)
                    or cannot[target, pipeline]
                    or _lacking(run, assets.model, target, pipeline)
                ):
                    missing = dict.fromkeys(taken, error) | missing
                group = _not_run(name, pipeline, target, missing, frozenset() if stopped else selection.named)
                skipped += _told_once(name, pipeline, target, missing)
                cases = tuple(case for case in assets.cases if case.id in taken and case.id not in missing)
                if cases and assets.model:
                    taps = handed_on_taps(run.config, name, pipeline, target)
                    options = run.session(target, pipeline).context.options
                    request = request_for(assets.model, cases, held_against(run.config, pipeline), options, taps)
                    compared = _run_and_compare(run, request, target, pipeline, assets)
                    if target == REFERENCE and not (pipeline in ASSUMING and assets.model.assumption):
                        compared = _pend(run, request, compared, assets.ignored)
                    group += compared
                rows += group
                stopped = stopped or (selection.fail_fast and any(row.verdict in FAILING for row in group))
    return rows, skipped


def _narrowed(spec: ModelSpec, name: str, selection: Selection) -> ModelSpec:
    """A model with only those cases of which a row is run: the others are not even fetched."""
    if selection.rows is None:
        return spec
    taken = {row[3] for row in selection.rows if row[0] == name}
    return spec.model_copy(update={"cases": tuple(case for case in spec.cases if case.id in taken)})


def _undeclared(run: Run, name: str, spec: ModelSpec, pipeline: str) -> GoldmaskError | None:
    """That a model.toml does not list a pipeline; a model without any row would look like one that passed."""
    held = held_against(run.config, pipeline)
    if held in spec.pipelines:
        return None
    # Who names a model asks for the pipelines that it has, but for one of them at least.
    asked = {held_against(run.config, each) for each in run.selection.pipelines}
    kind = PipelineMissing if set(spec.pipelines) & asked else EnvironmentMissing
    return kind(
        f"the model.toml of {name} does not list {held}" + (f", which {pipeline} needs" if held != pipeline else ""),
        fix=f"--pipeline {'|'.join(spec.pipelines)}, or add it to pipelines there",
    )


def _lacking(run: Run, model: Model | None, target: str, pipeline: str) -> GoldmaskError | None:
    """That a target does not have an operator of a model; a model that is not here has a reason of its own."""
    options = options_for(run.config, run.selection, target)
    return lacking(model.description.custom_operators, target, pipeline, options) if model else None


def _run_and_compare(run: Run, request: Request, target: str, pipeline: str, assets: Assets) -> list[Comparison]:
    """Run those cases that have a good golden, and compare them; the others are errors that say why.

    The request names the pipeline whose goldens they are, rows the `pipeline` that ran.
    """
    name = request.model.name
    folder = golden_in(run.root, run.goldens or run.root, name, request.options.pipeline)
    try:
        golden = load_golden(folder)
        problems = {
            case.id: None if comparable(golden, request, case) else problem(golden, request, case)
            for case in request.cases
        }
    except GoldenError as error:
        return [_error(name, case.id, target, pipeline, str(error), ExitCode.GOLDEN) for case in request.cases]
    rows: list[Comparison] = [
        _error(name, case, target, pipeline, str(error), ExitCode.GOLDEN) for case, error in problems.items() if error
    ]
    cases = tuple(case for case in request.cases if not problems[case.id])
    if not cases:
        return rows
    session = run.session(target, pipeline)
    request = request.model_copy(update={"cases": cases})
    what = f"{target} · {pipeline} · {name}"
    on_case = run.progress.count(what, len(cases) * len(session.destinations))
    try:
        # Rows keep the order in which cases are declared.
        to_run = in_random_order(request, session.context.options.seed, run.notes.append)
        bundles = session.run_everywhere(to_run, run.out / "bundles" / target / pipeline / name, on_case)
    except GoldmaskError as error:
        return rows + [_error(name, case.id, target, pipeline, str(error), error.exit_code) for case in cases]
    finally:
        run.progress.over(what)
    set_options = set_in(session.context.options)
    asked = Asked(
        delegate=request.options.delegate if "delegate" in set_options else None,
        threads=request.options.threads if "threads" in set_options else None,
    )
    for destination, (bundle_folder, bundle) in bundles.items():
        if isinstance(bundle, RunError):
            rows += [_error(name, case.id, destination, pipeline, str(bundle), ExitCode.RUN) for case in cases]
            continue
        bundle = bundle.model_copy(update={"pipeline": pipeline})  # on disk it is the one that was requested
        compared = compare_bundle(
            [case.id for case in cases],
            config=run.config,
            model=name,
            target=target,
            golden_folder=folder,
            golden=golden,
            folder=bundle_folder,
            bundle=bundle,
            labels=request.model.labels,
            out=run.out,
            asked=asked,
            truths=assets.truths,
            ignored=assets.ignored,
            across=run.selection.across,
            before=assets.before,
        )
        context = context_of(run, REFERENCE)
        scaled = Scaled(run.config, target, request, golden, bundle, bundle_folder, run.out, context, asked)
        compared = judge_own_scaling(compared, scaled)
        # The reference's own code is ours, so that no candidate of an app's needs to be predicted for it.
        model = None if target == REFERENCE else assets.model
        materials = materials_of(request, model, run.out / "logs")
        if any(row.verdict is Verdict.FAIL for row in compared):
            materials = replace(materials, labels=request.model.labels, known=known_models(run.root))
        rows += diagnose_rows(compared, Sides(folder, golden, bundle_folder, bundle), materials)
    return rows


def _pend(run: Run, request: Request, rows: list[Comparison], ignored: Mapping[str, Ignored]) -> list[Comparison]:
    """Have pend what the reference predicts and is not golden; a mask that was rejected does not pend again.

    Returns the rows, those of rejected masks with the reason. Only what `golden.record` would run can become golden.
    """
    name, pipeline, session = request.model.name, request.options.pipeline, run.sessions[REFERENCE]
    if run.goldens or session.context.options != recording_options(run.config):
        return rows
    desk = run.root / STORE
    stores = [run.out / "pending", *([] if os.environ.get("CI") else [desk])]
    settle_stale(desk, request, [row.case for row in rows if row.verdict in (Verdict.PASS, Verdict.WARN)])
    codes = {row.case: row.exit_code for row in rows}
    wanted = tuple(case for case in request.cases if codes[case.id] in (ExitCode.GOLDEN, ExitCode.MASKS_DIFFER))
    if not wanted:
        return rows
    options = request.options.model_copy(update={"taps": ("margin",)})
    request = request.model_copy(update={"cases": wanted, "options": options})
    try:
        with scratch_folder() as scratch:
            bundle = session.run(request, scratch)
            rejected = {
                result.case: found.reason
                for result in bundle.results
                if isinstance(result, Predicted)
                and (found := rejection_of(desk, name, pipeline, result.case, result.mask_sha256))
            }
            made = {result.case for result in bundle.results if isinstance(result, Predicted)} - set(rejected)
            cases = tuple(case for case in wanted if case.id in made)
            if cases:
                pend(run.root, stores, request.model_copy(update={"cases": cases}), scratch, ignored)
                source = f" --from {run.out}" if os.environ.get("CI") else ""
                count = f"{len(cases)} masks pend" if len(cases) > 1 else "a mask pends"
                run.notes.append(typed(f"{name} · {pipeline}: {count} (./goldmask golden.review{source})"))
    except GoldmaskError as error:
        run.notes.append(f"{name} · {pipeline}: what the reference predicts does not pend: {error.what}")
        return rows
    return [
        row.model_copy(update={"reason": f"{row.reason}; this mask was rejected: {rejected[row.case]}"})
        if row.case in rejected
        else row
        for row in rows
    ]


def _not_run(
    model: str, pipeline: str, target: str, missing: dict[str, GoldmaskError], named: frozenset[str]
) -> list[Comparison]:
    """A row for each case that cannot run here: SKIP, or an error when it broke or the user asked for it by name."""
    rows: list[Comparison] = []
    for case, error in missing.items():
        # Who names a target asks for the pipelines that it has.
        asked = named & ({pipeline} if isinstance(error, PipelineMissing) else {model, pipeline, target})
        if isinstance(error, EnvironmentMissing) and not asked:
            rows.append(NotRun(model=model, case=case, target=target, pipeline=pipeline, reason=error.what))
        else:
            reason = error.what if isinstance(error, EnvironmentMissing) else str(error)
            rows.append(_error(model, case, target, pipeline, reason, error.exit_code))
    return rows


def _told_once(model: str, pipeline: str, target: str, missing: dict[str, GoldmaskError]) -> list[Skipped]:
    """Each reason why something is not here once, however many cases it stops."""
    reasons = {error.what: error.fix for error in missing.values() if isinstance(error, EnvironmentMissing)}
    return [
        Skipped(target=target, pipeline=pipeline, model=model, reason=reason, fix=fix)
        for reason, fix in reasons.items()
    ]


def _error(model: str, case: str, target: str, pipeline: str, reason: str, code: ExitCode) -> NotJudged:
    return NotJudged(model=model, case=case, target=target, pipeline=pipeline, reason=reason, exit_code=code)
