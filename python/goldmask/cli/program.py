"""What each task does: the user's words in, printed results and an exit code out."""

import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from ..android import avd, benchmark_model, sdk
from ..android.adb import Server
from ..android.devices import chosen
from ..android_build import apk, apk_verify, maven
from ..apple import devicectl, simctl, xcode
from ..contract.bundle import Bundle, Failed, Options, Request, RequestCase, Result, RunOptions, load_bundle, mask_of
from ..contract.errors import EnvironmentMissing, ExitCode, UsageError
from ..contract.files import write_atomically
from ..contract.mask import MAX_CLASSES
from ..contract.schema import first_problem
from ..machine import shell
from ..machine.diagnostics import Diagnostic
from ..machine.resources import ANDROID_PROJECT, TOOL_ROOT
from ..project.case import cases_from_files, fetch_case
from ..project.config import Config, find_root, load_config, tolerances_for
from ..project.gather import gather
from ..project.golden import SIDECAR, load_golden
from ..project.model import Model, fetch_model, find_model, load_spec, model_folder, model_names
from ..project.setup import Setup
from ..report.report import Report, load_report
from ..report.terminal import to_terminal
from ..report.write import JUNIT_FILE, REPORT_FILE, open_folder, write_report
from ..targets import android_device, ios_simulator, python, test_lab
from ..verdict.compare import Pair, compare_case
from ..workflows import record
from ..workflows.check import TARGETS, Selection, check, select
from ..workflows.doctor import examine
from ..workflows.matrix import compare_runtimes
from .console import Bars, out

PIPELINES = ("lib_interpreter", "lib_task_api")
TEST_DEADLINE_S = 5400


def root() -> Path:
    """The project in whose folder the user stands; goldmask's own where it is none."""
    return find_root(Path.cwd(), TOOL_ROOT)


def _among(value: str, allowed: Sequence[str], flag: str) -> str:
    if value not in allowed:
        raise UsageError(f"--{flag} {value!r} is not known", fix=f"--{flag} {'|'.join(allowed)}")
    return value


def _selection(suite: str, models: list[str], pipelines: list[str], targets: list[str]) -> tuple[Config, Selection]:
    for flag, values, allowed in (("pipeline", pipelines, PIPELINES), ("target", targets, tuple(TARGETS))):
        for value in values:
            _among(value, allowed, flag)
    config = load_config(root())
    return config, select(config, suite, models, pipelines, targets)


def _finish(report: Report, folder: Path) -> ExitCode:
    out.print(to_terminal(report))
    out.print(Text(f"report: {folder / REPORT_FILE}, {folder / JUNIT_FILE}"))
    for comparison in report.comparisons:
        if comparison.picture:
            out.print(Text(f"picture: {folder / comparison.picture}"))
    return report.exit_code


def run_check(
    suite: str,
    models: list[str],
    pipelines: list[str],
    targets: list[str],
    abi: str,
    device: str,
    all_devices: bool,
    destinations: list[str],
    folder: str,
) -> ExitCode:
    """`check`: the main job."""
    config, selection = _selection(suite, models, pipelines, targets)
    selection = replace(selection, abi=abi, device=device, all_devices=all_devices, destinations=tuple(destinations))
    path = _folder(folder, "build/check")
    with Bars() as bars:
        report = check(root(), config, selection, path, bars)
    return _finish(report, path)


def show_report(folder: str) -> ExitCode:
    """`report`: the table of an earlier run."""
    path = _folder(folder, "build/check")
    return _finish(load_report(path), path)


def run_adhoc(
    target: str,
    pipeline: str,
    model: str,
    images: list[str],
    folder: str,
    delegate: str,
    threads: int,
    runtime: str,
    abi: str,
    device: str,
    all_devices: bool,
    destination: str,
) -> ExitCode:
    """`run`: any model on any images, to a bundle."""
    _among(pipeline, PIPELINES, "pipeline")
    _among(target, tuple(TARGETS), "target")
    if not images:
        raise UsageError("run needs at least one image", fix="./goldmask run --model NAME --image FILE")
    config = load_config(root())
    with Bars() as bars, ExitStack() as closing:
        found = find_model(root(), model, bars.download)
        cases = cases_from_files([Path(image) for image in images])
        path = Path(folder or "build/run")
        open_folder(path)
        options = Options(**_options(config.options, delegate, threads).model_dump(), pipeline=pipeline)
        request = Request(schema=1, model=found.request(), options=options, cases=cases)
        notes: list[str] = []
        setup = Setup(
            root=root(),
            logs=path / "logs",
            runtime=runtime,
            abi=abi,
            android=config.android,
            device=device,
            all_devices=all_devices,
            suppress=config.device.suppress,
            on_step=bars.step,
            on_note=notes.append,
            ios=config.ios,
            destinations=(destination,) if destination else (),
            closing=closing,
        )
        TARGETS[target].prepare(pipeline, setup)
        bundle = TARGETS[target].run(request, path, setup, bars.count(f"{target} · {pipeline}", len(cases)))
    if found.normalization_from == "assumed" and found.signature.input.dtype != "uint8":
        out.print(
            Text("note: the model does not say how to normalise pixels; (pixel - 127.5) / 127.5 was assumed", "yellow")
        )
    for note in dict.fromkeys(notes):
        out.print(Text(f"note: {note}"))
    return _show_bundle(bundle, path, found)


def _options(defaults: RunOptions, delegate: str, threads: int) -> RunOptions:
    """The project's options with what the user said instead. Raises UsageError."""
    said = {"threads": threads or defaults.threads, "delegate": delegate or defaults.delegate}
    try:
        return RunOptions.model_validate(defaults.model_dump() | said)
    except ValidationError as error:
        raise UsageError(f"an option is wrong: {first_problem(error)}", fix="./goldmask --help run") from error


def _show_bundle(bundle: Bundle, folder: Path, model: Model) -> ExitCode:
    out.print(Text(str(bundle.runtime)))
    table = Table("case", "size", "ms", "classes", box=None, header_style="bold")
    for result in bundle.results:
        table.add_row(*map(Text, _result_row(folder, result, model)))
    out.print(table)
    out.print(Text(f"bundle: {folder}"))
    failed = any(isinstance(result, Failed) for result in bundle.results)
    return ExitCode.RUN if failed else ExitCode.OK


def _result_row(folder: Path, result: Result, model: Model) -> tuple[str, str, str, str]:
    if isinstance(result, Failed):
        return result.case, "–", "–", f"ERROR in {result.error.stage}: {result.error.message}"
    import numpy as np

    counts = np.bincount(mask_of(folder, result).ravel(), minlength=MAX_CLASSES)
    names = [*model.labels, *(f"class_{index}" for index in range(len(model.labels), MAX_CLASSES))]
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    classes = ", ".join(f"{names[index]} {counts[index] / counts.sum():.1%}" for index in order)
    width, height = result.mask_size
    return result.case, f"{width}×{height}", f"{result.latency.first_ms:.1f}" if result.latency else "–", classes


def run_compare(golden: str, bundle: str, folder: str) -> ExitCode:
    """`compare`: two bundles on disk, nothing fetched and nothing run."""
    for flag, value in (("golden", golden), ("bundle", bundle)):
        if not Path(value).is_dir():
            raise UsageError(f"--{flag} {value!r} is no folder", fix="./goldmask compare --golden DIR --bundle DIR")
    config = load_config(root())
    path = _folder(folder, "build/compare")
    open_folder(path)
    blessed = load_golden(Path(golden)) if (Path(golden) / SIDECAR).exists() else None
    expected = blessed.bundle if blessed else load_bundle(Path(golden))
    actual = load_bundle(Path(bundle))
    # A bare bundle names no labels: classes are numbered, and none is unknown.
    labels = blessed.provenance.labels if blessed else tuple(f"class_{index}" for index in range(MAX_CLASSES))
    pairs: list[Pair] = []
    cases = dict.fromkeys(result.case for result in (*expected.results, *actual.results))
    for case in cases:
        place = {"model": expected.model.name, "case": case}
        tolerances, override = tolerances_for(config, **place, pipeline=actual.pipeline, target=actual.target.name)
        pairs.append(
            compare_case(
                **place,
                golden_folder=Path(golden),
                golden=expected,
                folder=Path(bundle),
                bundle=actual,
                labels=labels,
                tolerances=tolerances,
                override=override,
            )
        )
    return _finish(write_report(pairs, (), {"golden": golden, "bundle": bundle}, path), path)


def list_models() -> ExitCode:
    """`models.list`."""
    table = Table("model", "cases", "pipelines", "licence", "summary", box=None, header_style="bold")
    for name in model_names(root()):
        spec = load_spec(root(), name)
        row = (name, str(len(spec.cases)), ", ".join(spec.pipelines), spec.model.licence, spec.summary)
        table.add_row(*map(Text, row))
    out.print(table)
    return ExitCode.OK


def fetch_models(models: list[str]) -> ExitCode:
    """`models.fetch`: models and their images, into the cache."""
    with Bars() as bars:
        for name in models or model_names(root()):
            spec = load_spec(root(), name)
            out.print(Text(f"{name}: {fetch_model(root(), name, spec, bars.download).path}"))
            for case in spec.cases:
                out.print(Text(f"  {case.id}: {fetch_case(case, model_folder(root(), name), bars.download).file}"))
    return ExitCode.OK


def show_model(model: str) -> ExitCode:
    """`models.info`: tensors, quantisation, metadata and labels."""
    with Bars() as bars:
        found = find_model(root(), model, bars.download)
    signature = found.signature
    table = Table(box=None, show_header=False)
    rows = [
        ("file", f"{found.path} ({found.path.stat().st_size:,} bytes)"),
        ("sha256", found.sha256),
        *(("input", str(tensor)) for tensor in signature.inputs),
        *(("output", str(tensor)) for tensor in signature.outputs),
        ("mask from", f"{signature.output.name}: {signature.output_kind}"),
        ("normalised", _normalisation(found)),
        ("metadata", "yes" if signature.has_metadata else "none"),
        ("labels", ", ".join(found.labels) if signature.labels or len(found.labels) < MAX_CLASSES else "none"),
    ]
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)
    return ExitCode.OK


def _normalisation(model: Model) -> str:
    if model.signature.input.dtype == "uint8":
        return "no: uint8 pixels go in as they are"
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (model.mean, model.std))
    return f"(pixel - {mean}) / {std}, {model.normalization_from}"


def record_goldens(models: list[str], pipelines: list[str], mode: str) -> ExitCode:
    """`golden.record`."""
    chosen = _among(mode or record.default_mode(), record.MODES, "mode")
    config, selection = _selection("default", models, pipelines, [])
    with Bars() as bars:
        done = record.record(root(), config, selection.models, selection.pipelines, chosen, bars)
    for row in done:
        out.print(Text(f"{row.action:9} {row.model} {row.pipeline} {row.case}"))
    return ExitCode.OK


def verify_goldens(suite: str, models: list[str], pipelines: list[str], runtime: str, folder: str) -> ExitCode:
    """`golden.verify`."""
    _among(runtime or python.RUNTIMES[0], python.RUNTIMES, "runtime")
    config, selection = _selection(suite, models, pipelines, [python.NAME])
    path = _folder(folder, "build/verify")
    with Bars() as bars:
        report = record.verify(root(), config, replace(selection, runtime=runtime), path, bars)
    return _finish(report, path)


def prune_goldens(models: list[str]) -> ExitCode:
    """`golden.prune`."""
    removed = record.prune_unused(root(), models or model_names(root()))
    for model, pipeline, name in removed:
        out.print(Text(f"removed {model} {pipeline} {name}"))
    out.print(Text(f"{len(removed)} unused goldens removed" if removed else "no golden is unused"))
    return ExitCode.OK


def lock_android() -> ExitCode:
    """`android.lock`."""
    config = load_config(root())
    folder = (root() / config.android.folder).resolve() if config.android.folder else ANDROID_PROJECT
    with Bars() as bars, tempfile.TemporaryDirectory(prefix="goldmask-") as logs:
        lock = maven.write_lock(folder, Path(logs), bars.step)
    out.print(Text(f"{folder / maven.LOCK}: {len(lock.sha256)} artefacts in {len(lock.bundles)} bundles"))
    return ExitCode.OK


def build_android(pipelines: list[str], abi: str) -> ExitCode:
    """`android.build`."""
    for pipeline in pipelines:
        _among(pipeline, PIPELINES, "pipeline")
    config = load_config(root())
    for pipeline in pipelines or PIPELINES:
        notes: list[str] = []
        with Bars() as bars:
            folder = root() / "build/apk/logs"
            setup = Setup(root(), folder, abi=abi, android=config.android, on_step=bars.step, on_note=notes.append)
            apks = apk.build(pipeline, setup)
        for note in notes:
            out.print(Text(f"note: {note}"))
        out.print(Text(f"{pipeline}: {'built' if apks.built else 'nothing has changed, nothing was built'}"))
        for path, name in ((apks.app, apks.application_id), (apks.test, apks.test_id)):
            out.print(Text(f"  {name} {path.stat().st_size / 1e6:.1f} MB {path}"))
    return ExitCode.OK


def verify_apk(file: str) -> ExitCode:
    """`android.apk.verify`."""
    with tempfile.TemporaryDirectory(prefix="goldmask-") as logs:
        findings = apk_verify.verify(Path(file), Path(logs))
    for finding in findings:
        _show_finding(finding, "wrong   ")
    return ExitCode.OK if all(finding.ok for finding in findings) else ExitCode.RUN


def run_matrix(
    versions: list[str], suite: str, models: list[str], delegate: str, threads: int, abi: str, folder: str
) -> ExitCode:
    """`android.matrix`: one table of masks and latencies for several versions of TensorFlow Lite."""
    # Only this pipeline's runtime is a library of its own; the Task Library has its inside.
    config, selection = _selection(suite, models, ["lib_interpreter"], [])
    config = config.model_copy(update={"options": _options(config.options, delegate, threads)})
    wanted = [version for words in versions for version in words.split(",") if version]
    if not wanted:
        raise UsageError(
            "android.matrix needs versions of TensorFlow Lite", fix="./goldmask android.matrix --runtime 2.14.0,2.16.1"
        )
    path = _folder(folder, "build/matrix")
    with Bars() as bars:
        rows, code = compare_runtimes(root(), config, replace(selection, abi=abi), wanted, path, bars)
    table = Table(
        "version",
        "model",
        "ran",
        "passed",
        "agreement",
        "confident",
        "ties",
        "ms",
        "reason",
        box=None,
        header_style="bold",
    )
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
    with Bars() as bars:
        installed = sdk.install(found, wanted, accept=accept, on_progress=bars.download)
    for package in wanted:
        out.print(Text(f"{'installed' if package in installed else 'there'}: {package}"))
    return ExitCode.OK


def start_emulator() -> ExitCode:
    """`android.emulator.up`."""
    with Bars() as bars, Server(avd.state_folder()) as server:
        emulator, new = avd.up(load_config(root()).android.emulator, server, bars.step)
    out.print(Text(f"{emulator.serial} is {'up' if new else 'up already'}; its log is {emulator.log}"))
    if emulator.retried:
        out.print(Text(f"note: it took a second boot: {emulator.retried}", "yellow"))
    out.print(Text("stop it: ./goldmask android.emulator.down"))
    return ExitCode.OK


def stop_emulators() -> ExitCode:
    """`android.emulator.down`."""
    with Server(avd.state_folder()) as server:
        stopped = avd.down(server)
    for emulator in stopped:
        out.print(Text(f"stopped {emulator.serial}"))
    if not stopped:
        out.print(Text("no emulator of ours is running"))
    return ExitCode.OK


def list_emulators() -> ExitCode:
    """`android.emulator.list`."""
    table = Table("emulator", "state", "started by", "log", box=None, header_style="bold")
    with Server(avd.state_folder()) as server:
        listed = avd.running(server)
    for each in listed:
        ours = each.emulator
        owner = "others" if not ours else "ours" if ours.kept else "ours, for a check"
        table.add_row(*map(Text, (each.serial, each.state, owner, str(ours.log) if ours else "")))
    out.print(table if listed else Text("no emulator is running"))
    return ExitCode.OK


def run_benchmark(
    binary: str, model: str, images: list[str], pipeline: str, delegate: str, threads: int, device: str, folder: str
) -> ExitCode:
    """`android.benchmark`: the app and TensorFlow Lite's own tool, one after the other on one device."""
    _among(pipeline, PIPELINES, "pipeline")
    config, path = load_config(root()), _folder(folder, "build/benchmark")
    open_folder(path)
    with Bars() as bars:
        found, cases = _model_and_cases(model, images, bars)
        timed = _options(config.options, delegate, threads).model_copy(
            update={
                "warmup": max(config.options.warmup, benchmark_model.WARMUP),
                "runs": max(config.options.runs, benchmark_model.RUNS),
            }
        )
        options = Options(**timed.model_dump(), pipeline=pipeline)
        request = Request(schema=1, model=found.request(), options=options, cases=cases[:1])
        notes: list[str] = []
        setup = Setup(
            root=root(),
            logs=path / "logs",
            android=config.android,
            device=device,
            suppress=config.device.suppress,
            on_step=bars.step,
            on_note=notes.append,
        )
        bundle = android_device.run(request, path, setup, bars.count("the app", 1))
        app = benchmark_model.timing_of([result.latency for result in bundle.results if result.latency])
        log = path / "benchmark_model.log"
        with chosen(setup.logs, device, all_devices=False) as (phone,):
            bars.step("benchmark_model", 0, 1)
            measured = benchmark_model.run(phone, Path(binary), found.path, bundle.runtime, options, log)
            bars.step("benchmark_model", 1, 1)
    for note in notes:
        out.print(Text(f"note: {note}", "yellow"))
    out.print(Text(f"{bundle.target.device or device} · {bundle.runtime} · {found.name}"))
    out.print(_timings({"app": app, "benchmark_model": measured.timing}))
    for words in measured.delegate_words:
        out.print(Text(f"benchmark_model: {words}"))
    data = {"schema": 1, "runtime": str(bundle.runtime), "app": vars(app), "benchmark_model": measured.to_data()}
    write_atomically(path / "benchmark.json", (json.dumps(data, indent=2) + "\n").encode())
    out.print(Text(f"figures: {path / 'benchmark.json'}, {log}"))
    return ExitCode.OK


def _timings(timings: dict[str, benchmark_model.Timing]) -> Table:
    table = Table("ms", "init", "first", "median", "mean", "std", "min", "max", "runs", box=None, header_style="bold")
    for name, timing in timings.items():
        figures = (timing.init_ms, timing.first_ms, timing.median_ms, timing.mean_ms, timing.std_ms)
        cells = ["–" if ms is None else f"{ms:.2f}" for ms in (*figures, timing.min_ms, timing.max_ms)]
        table.add_row(*map(Text, (name, *cells, str(timing.runs))))
    return table


def _model_and_cases(model: str, images: list[str], bars: Bars) -> tuple[Model, tuple[RequestCase, ...]]:
    """A model, and the images that the user names or else the declared model's cases that are here."""
    if images:
        return find_model(root(), model, bars.download), cases_from_files([Path(image) for image in images])
    if model not in model_names(root()):
        raise UsageError("a model of yours needs images", fix="--image FILE, or --model NAME of ./goldmask models.list")
    assets = gather(root(), model, load_spec(root(), model), bars)
    for error in dict.fromkeys(map(str, assets.missing.values())):
        out.print(Text(f"note: left out: {error}", "yellow"))
    if not assets.model or not assets.cases:
        raise EnvironmentMissing(f"none of {model}'s cases is here", fix=f"./goldmask models.fetch --model {model}")
    return assets.model, assets.cases


def plan_farm(
    flank: bool,
    firebase: bool,
    model: str,
    images: list[str],
    pipeline: str,
    devices: list[str],
    retries: int,
    shards: int,
    folder: str,
) -> ExitCode:
    """`android.farm`: what Flank or gcloud is to run."""
    _among(pipeline, PIPELINES, "pipeline")
    if not (flank or firebase):
        raise UsageError("android.farm writes a file for one of two programs", fix="--flank or --firebase")
    config, path = load_config(root()), _folder(folder, "build/farm")
    path.mkdir(parents=True, exist_ok=True)
    with Bars() as bars:
        found, cases = _model_and_cases(model, images, bars)
        test_lab.check_plan(len(cases), devices, retries, shards)  # before the APKs are built
        options = Options(**config.options.model_dump(), pipeline=pipeline)
        request = Request(schema=1, model=found.request(), options=options, cases=cases)
        setup = Setup(root(), path / "logs", android=config.android, on_step=bars.step)
        plan = test_lab.Plan(apk.build(pipeline, setup), tuple(devices), retries, shards)
        written = test_lab.write(request, plan, path, flank=flank, gcloud=firebase)
    for shard in written:
        if flank:
            out.print(Text(f"run: flank firebase test android run -c {shard.folder / test_lab.FLANK_FILE}"))
        if firebase:
            out.print(Text(f"run: {shard.folder / test_lab.GCLOUD_FILE}"))
    out.print(Text(f"then: ./goldmask android.farm.collect --results DIR --plan {path}"))
    return ExitCode.OK


def collect_farm(results: str, plan: str, folder: str) -> ExitCode:
    """`android.farm.collect`: bundles of what a farm left behind."""
    collected = test_lab.collect(Path(results), _folder(plan, "build/farm"), _folder(folder, "build/farm/bundles"))
    for each in collected:
        if each.folder:
            out.print(Text(f"bundle: {each.folder} ({each.bundle.target.device or each.bundle.target.os})"))
    failures = test_lab.failures(collected)
    for words in failures:
        out.print(Text(f"ERROR {words}", "bold red"))
    out.print(Text("compare: ./goldmask compare --golden models/NAME/goldens/PIPELINE --bundle DIR"))
    return ExitCode.RUN if failures else ExitCode.OK


def build_ios(destinations: list[str], folder: str) -> ExitCode:
    """`ios.build`."""
    path = _folder(folder, "build/ios")
    with Bars() as bars:
        config = load_config(root())
        setup = Setup(root(), path / "logs", ios=config.ios, destinations=tuple(destinations), on_step=bars.step)
        products = ios_simulator.build(setup)
    for product in products:
        out.print(Text(f"built: {product.xctestrun}"))
    return ExitCode.OK


def list_destinations() -> ExitCode:
    """`ios.simulator.list`."""
    table = Table("destination", "system", "state", "id", box=None, header_style="bold")
    with tempfile.TemporaryDirectory(prefix="goldmask-") as logs:
        xcode.find_xcode(Path(logs))
        for each in simctl.simulators(simctl.list_simulators(Path(logs))):
            table.add_row(*map(Text, (each.name, each.os, each.state.lower(), each.udid)))
        for phone in devicectl.list_phones(Path(logs)):
            mode = "paired, not in developer mode" if phone.developer_mode is False else "paired"
            table.add_row(*map(Text, (phone.name, phone.os, mode, phone.udid)))
    out.print(table)
    return ExitCode.OK


def show_doctor() -> ExitCode:
    """`doctor`: exit 3 when something that a check needs is missing."""
    findings = []
    for finding in examine(root()):
        findings.append(finding)
        _show_finding(finding, "missing ")
    return ExitCode.OK if all(finding.ok for finding in findings) else ExitCode.ENVIRONMENT


def _show_finding(finding: Diagnostic, wrong: str) -> None:
    mark = Text("ok      ", "green") if finding.ok else Text(wrong, "bold red")
    out.print(mark + Text(f"{finding.what}: {finding.detail}"))
    if finding.fix:
        out.print(Text(f"        try: {finding.fix}"))


def run_tests(select: str, fast: bool) -> ExitCode:
    """`test`: the whole test suite, as CI runs it; `fast` runs the pure ring only (tests/rings.py)."""
    # Slow tests come in files: a worker that has none left takes some of another's.
    argv = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "worksteal", "--durations=15", TOOL_ROOT / "tests"]
    argv += ["-k", select] if select else []
    argv += ["-m", "pure"] if fast else []
    done = shell.run(argv, log=TOOL_ROOT / "build/test.log", deadline_s=TEST_DEADLINE_S, cwd=TOOL_ROOT, on_line=print)
    sys.stderr.write(done.log_tail(20))
    return ExitCode.OK if done.code == 0 else ExitCode.USAGE


def _folder(given: str, default: str) -> Path:
    return Path(given) if given else root() / default
