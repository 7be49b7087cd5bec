"""`android.*`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from rich.table import Table
from rich.text import Text

from ..android import benchmark_model, sdk
from ..android.devices import chosen
from ..android_build import apk, dependency_lock
from ..contract.bundle import Bundle, Failed, Predicted
from ..contract.errors import ExitCode, RunError, UsageError
from ..contract.files import write_atomically
from ..machine.scratch import scratch_folder
from ..project.config import load_config
from ..project.options import from_flags, resolve
from ..report.write import open_folder
from ..targets import android_device, android_jvm
from ..targets.target import Context, find_target
from ..verdict.latency import LIMIT, Figure, Measured, measured
from ..workflows.check import request_for
from ..workflows.matrix import compare_runtimes
from ..workflows.selection import PIPELINES, among, options_for, select
from .console import ProgressBars, new_table, out
from .farm import model_and_cases
from .folders import from_here, out_folder, root
from .run import one

# Types of operators in the table.
MAX_OPERATORS = 12


def lock_android() -> ExitCode:
    """`android.lock`."""
    config = load_config(root())
    # The applications themselves are built for devices only.
    devices = any(android_device.NAME in suite.targets for suite in config.suites.values())
    project, wanted = dependency_lock.wanted_of(config.android, root(), applications=devices)
    with ProgressBars() as bars, scratch_folder() as logs:
        lock = dependency_lock.write_lock(project.folder, wanted, project.files.repositories(), logs, bars.step)
    path = project.folder / dependency_lock.LOCK
    out.print(Text(f"{path}: {len(lock.sha256)} artefacts for {len(lock.dependencies)} libraries and tools"))
    return ExitCode.OK


def build_android(pipelines: list[str], abi: str) -> ExitCode:
    """`android.build`."""
    among(pipelines, PIPELINES, "pipeline")
    config = load_config(root())
    options = resolve(config.options.given(android_device.NAME), from_flags({"abi": abi}))
    for pipeline in [each for each in PIPELINES if each in (pipelines or PIPELINES)]:
        notes: list[str] = []
        with ProgressBars() as bars:
            logs = root() / apk.FOLDER / "logs"
            context = Context(root(), logs, options, config.android, progress=bars, on_note=notes.append)
            apks = android_device.build(pipeline, context)
        for note in notes:
            out.print(Text(f"note: {note}"))
        name = f"{pipeline}, flavour {apks.flavour}" if apks.flavour else pipeline
        out.print(Text(f"{name}: {'built' if apks.built else 'nothing has changed, nothing was built'}"))
        for path, name in ((apks.app, apks.application_id), (apks.test, apks.test_id)):
            copy = apk.folder_of(root(), pipeline) / path.name
            out.print(Text(f"  {name} {path.stat().st_size / 1e6:.1f} MB {from_here(copy if copy.exists() else path)}"))
    return ExitCode.OK


def run_matrix(
    versions: list[str], suite: str, models: list[str], folder: str, flags: Mapping[str, object]
) -> ExitCode:
    """`android.matrix`: one table of masks and latencies for several versions of TensorFlow Lite."""
    # Only this pipeline's runtime is a library of its own; the Task Library has its inside.
    config = load_config(root())
    selection = select(config, suite, models, ["lib_interpreter"], [android_jvm.NAME], from_flags(flags))
    wanted = [version for listed in versions for version in listed.split(",") if version]
    if not wanted:
        raise UsageError(
            "android.matrix needs versions of TensorFlow Lite", fix="./goldmask android.matrix --runtime 2.14.0,2.16.1"
        )
    path = out_folder(folder, "build/matrix")
    with ProgressBars() as bars:
        rows, code = compare_runtimes(root(), config, selection, wanted, path, bars)
    table = new_table("version", "model", "ran", "passed", "agreement", "confident", "ties", "ms", "reason")
    for row in rows:
        cells = (
            row.version,
            row.model,
            row.runtime or "–",
            f"{row.passed}/{row.cases}",
            "–" if row.agreement is None else f"{row.agreement:.3%}",
            "–" if row.confident_flips is None else str(row.confident_flips),
            "–" if row.tie_flips is None else str(row.tie_flips),
            "–" if row.inference_ms is None else f"{row.inference_ms:.1f}",
            row.reason,
        )
        table.add_row(*map(Text, cells))
    out.print(table)
    out.print(Text(f"reports: {path}; agreement and flips are the worst case's, ms is the median inference"))
    return code


def install_sdk(accept: bool) -> ExitCode:
    """`android.sdk`: what an emulator needs, into ANDROID_HOME or the cache."""
    found = sdk.find_sdk()
    wanted = sdk.packages(load_config(root()).android.emulator.api, sdk.emulator_abi())
    out.print(Text(f"SDK: {found.folder}\nlicence: {sdk.LICENCE}, {sdk.LICENCE_URL}"))
    with ProgressBars() as bars:
        installed = sdk.install_packages(found, wanted, accept=accept, on_progress=bars.download)
    for package in wanted:
        out.print(Text(f"{'installed' if package in installed else 'there'}: {package}"))
    return ExitCode.OK


def run_benchmark(
    binary: str,
    model: str,
    images: list[str],
    pipeline: str,
    profile: bool,
    folder: str,
    flags: Mapping[str, object],
) -> ExitCode:
    """`android.benchmark`: the app and TensorFlow Lite's own tool, one after the other on one device."""
    config, path = load_config(root()), out_folder(folder, "build/benchmark")
    selection = one(android_device.NAME, pipeline, from_flags(flags))
    options = options_for(config, selection, android_device.NAME)
    least = {"warmup": benchmark_model.WARMUP, "runs": benchmark_model.RUNS}
    options = options.model_copy(update={name: max(getattr(options, name), count) for name, count in least.items()})
    open_folder(path)
    notes: list[str] = []
    with ProgressBars() as bars:
        found, cases = model_and_cases(model, images, bars)
        request = request_for(found, cases[:1], selection.pipeline, options)
        context = Context(
            root=root(),
            logs=path / "logs",
            options=options,
            android=config.android,
            suppress=config.device.suppress,
            progress=bars,
            on_note=notes.append,
        )
        with find_target(android_device.NAME).session(context) as session:
            bundle = session.run(request, path, bars.count("the app", 1))
        app = _measured(bundle)
        log = path / "benchmark_model.log"
        with chosen(context.logs, options.device or "", all_devices=False) as (phone,):
            bars.step("benchmark_model", 0, 1)
            ran = benchmark_model.run(phone, Path(binary), found.path, bundle.runtime, request.options, log, profile)
            bars.step("benchmark_model", 1, 1)
    for note in notes:
        out.print(Text(f"note: {note}", "yellow"))
    out.print(Text(f"{bundle.target.device or options.device or ''} · {bundle.runtime} · {found.name}"))
    out.print(_timings(app, ran.timing))
    out.print(Text(_agreement(app.inference, ran.timing)))
    if ran.operators:
        out.print(_operators(ran.operators))
    elif profile:
        out.print(Text("note: benchmark_model printed no operators; its log has all that it said", "yellow"))
    for listed in ran.delegate_words:
        out.print(Text(f"benchmark_model: {listed}"))
    data = {
        "schema": 1,
        "runtime": str(bundle.runtime),
        "app": app.model_dump(mode="json"),
        "benchmark_model": ran.to_data(),
    }
    write_atomically(path / "benchmark.json", (json.dumps(data, indent=2) + "\n").encode())
    out.print(Text(f"figures: {path / 'benchmark.json'}, {log}"))
    return ExitCode.OK


def _measured(bundle: Bundle) -> Measured:
    """The figures of the one case that the app ran. Raises RunError where it measured nothing."""
    (result,) = bundle.results
    found = measured(bundle, result) if isinstance(result, Predicted) else None
    if found is None or found.inference is None:
        why = f": {result.error.message}" if isinstance(result, Failed) else ""
        raise RunError(f"the app measured no inference{why}", fix="./goldmask android.benchmark --help")
    return found


def _agreement(app: Figure | None, tool: benchmark_model.Timing) -> str:
    """Whether the app's inference takes as long as the tool's, in one sentence.

    They disagree where the tool's median, or its mean where it prints no more, is further than the limit of a change
    from the 95 % interval of the app's median.
    """
    name, ms = ("mean", tool.mean_ms) if tool.median_ms is None else ("median", tool.median_ms)
    if app is None or not ms:
        return "app and benchmark_model cannot be compared: one of them measured nothing"
    same = app.low_ms <= ms * (1 + LIMIT) and app.high_ms * (1 + LIMIT) >= ms
    listed = "agree" if same else "disagree"
    return f"app and benchmark_model {listed}: {app} and {ms:.3g} ms ({name}), {app.median_ms / ms:.2f} ×"


def _operators(operators: Sequence[benchmark_model.Operator]) -> Table:
    table = new_table("operator", "count", "ms", "share")
    whole = sum(operator.ms for operator in operators) or 1.0
    for operator in operators[:MAX_OPERATORS]:
        cells = (operator.type, str(operator.count), f"{operator.ms:.2f}", f"{operator.ms / whole:.1%}")
        table.add_row(*map(Text, cells))
    if rest := operators[MAX_OPERATORS:]:
        ms = sum(operator.ms for operator in rest)
        table.add_row(*map(Text, ("others", str(sum(each.count for each in rest)), f"{ms:.2f}", f"{ms / whole:.1%}")))
    return table


def _timings(app: Measured, tool: benchmark_model.Timing) -> Table:
    """The inference of both in the figures of a report; the tool does not print all of them, and adds its mean."""
    table = new_table("ms", "init", "first", "median", "p90", "p95", "p99", "MAD", "mean", "runs", "flags")
    found = app.inference
    if found:
        numbers = (found.p90_ms, found.p95_ms, found.p99_ms, found.mad_ms, fmean(app.inference_ms))
        cells = [f"{ms:.2f}" for ms in numbers]
        flags = " ".join(app.flags) or "none"
        table.add_row(
            *map(Text, ("app", f"{app.init_ms:.2f}", f"{app.first_ms:.2f}", app.ms, *cells, str(found.runs), flags))
        )
    numbers_of_tool = (tool.init_ms, tool.first_ms, tool.median_ms, None, tool.p95_ms, None, None, tool.mean_ms)
    cells = ["–" if ms is None else f"{ms:.2f}" for ms in numbers_of_tool]
    table.add_row(*map(Text, ("benchmark_model", *cells, str(tool.runs), "–")))
    return table
