"""The `ios-host` target: the app's own Swift and TensorFlow Lite's C library, against goldens and faults."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import REPO, colours, run_program
from PIL import Image
from running import figures_without, run_target
from swift_package import FOREIGN, host_context, swift_test

from goldmask.apple.swift import Swift, find_swift, first_error
from goldmask.contract.bundle import DelegatedNodes, Request, RequestCase, load_bundle, mask_of, save
from goldmask.contract.errors import EnvironmentMissing, PipelineMissing, RunError, UsageError
from goldmask.contract.files import sha256_of
from goldmask.contract.image import decode
from goldmask.contract.options import Options
from goldmask.machine import shell
from goldmask.project.case import cases_from_files, fetch_case
from goldmask.project.golden import load_golden
from goldmask.project.model import fetch_model, find_model, golden_folder, load_spec, model_folder
from goldmask.targets import ios_host
from goldmask.targets.target import check_used

MODELS = ("shapes", "shapes-int8", "deeplabv3")


def request_for(model: str, case_ids: tuple[str, ...] = (), **options) -> Request:
    """A request of a declared model's cases."""
    spec = load_spec(REPO, model)
    found = fetch_model(REPO, model, spec)
    cases = [case for case in spec.cases if not case_ids or case.id in case_ids]
    fetched = tuple(fetch_case(case, model_folder(REPO, model)) for case in cases)
    return Request(
        schema=1, model=found.request(), options=Options(pipeline="lib_interpreter", **options), cases=fetched
    )


@pytest.fixture
def run(swift, tmp_path):
    """Runs a request on the real target; the bundle is in tmp_path/bundle."""
    out, context = tmp_path / "bundle", host_context(tmp_path)
    return lambda request, **listener: run_target("ios-host", request, out, context, **listener)


def test_tensorflows_own_golden_in_every_pixel(run, tmp_path, tensorflow_golden):
    bundle = run(request_for("deeplabv3", ("rotation0",)))
    (result,) = bundle.results
    mask = mask_of(tmp_path / "bundle", result)
    assert mask.size == 66_049 and np.count_nonzero(mask != tensorflow_golden) == 0
    golden = load_golden(golden_folder(REPO, "deeplabv3", "lib_interpreter")).bundle.result("rotation0")
    assert result.stages == golden.stages and result.stages.tensor
    assert (bundle.target.name, bundle.target.kind, bundle.target.platform) == ("ios-host", "host", "linux")
    ran = ("TensorFlow Lite C API", "2.16.1", "xnnpack", 2)
    assert (bundle.runtime.name, bundle.runtime.version, bundle.runtime.delegate, bundle.runtime.threads) == ran
    assert bundle.runtime.nodes == DelegatedNodes(delegated=70, of=70)
    assert result.latency.init_ms > 0 and result.memory_peak_mb > 10 and not figures_without(bundle)
    assert result.memory_init_mb > 1 and result.memory_steady_mb > 1 and bundle.conditions.debuggable is False
    assert result.decoded_by == "host" and not (tmp_path / "bundle/decoded").exists()


def test_every_case_of_every_model(swift, starter_model, tmp_path):
    """As a user types it; decoded, resized and tensor hashes are Python's too, or a stage would be named."""
    words = [word for model in MODELS for word in ("--model", model)]
    ran = run_program(REPO, "check", "--target", "ios-host", *words, "--out", tmp_path)
    assert ran.code == 0, ran.text
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    rows = [row for row in report["comparisons"] if row["pipeline"] == "lib_interpreter"]
    assert len(rows) == sum(len(load_spec(REPO, model).cases) for model in MODELS)
    for row in rows:
        assert row["verdict"] == "PASS" and row["metrics"]["confident_flips"] == 0
        assert row["metrics"]["agreement"] >= 0.999 and row["stages"]["first_difference"] is None
    others = {row["verdict"] for row in report["comparisons"] if row["pipeline"] == "lib_task_api"}
    assert others == {"SKIP"} and "TensorFlowLiteTaskVision is a framework for phones" in ran.text


def test_a_pipeline_that_the_target_never_has_is_an_error_where_it_was_named(swift, tmp_path):
    words = ("--target", "ios-host", "--pipeline", "lib_task_api", "--model", "shapes")
    ran = run_program(REPO, "check", *words, "--out", tmp_path)
    assert ran.code == 3 and "SKIP," not in ran.stdout and "--target ios-simulator" in ran.text
    with pytest.raises(PipelineMissing):
        ios_host.program("lib_task_api", host_context(tmp_path))


@pytest.mark.parametrize("delegate", ["cpu", "xnnpack"])
def test_what_really_ran_is_named(run, tmp_path, delegate):
    """TensorFlow Lite's own log is the witness."""
    bundle = run(request_for("shapes", ("square",), delegate=delegate, threads=1))
    assert (bundle.runtime.delegate, bundle.runtime.threads) == (delegate, 1)
    log = (tmp_path / "bundle/run.log").read_text("utf-8")
    assert ("Replacing 57 out of 57 node(s) with delegate (TfLiteXNNPackDelegate)" in log) == (delegate == "xnnpack")


def tiny_request(folder: Path, model: bytes) -> Request:
    """A request of one image, red above, green and blue below, for a model of a few hundred bytes."""
    path = folder / "tiny.tflite"
    path.write_bytes(model)
    Image.fromarray(colours()).save(folder / "flag.png")
    found = find_model(REPO, str(path))
    cases = cases_from_files([folder / "flag.png"])
    return Request(schema=1, model=found.request(), options=Options(pipeline="lib_interpreter"), cases=cases)


def test_a_delegate_that_takes_nothing_is_not_named(run, tmp_path):
    bundle = run(tiny_request(tmp_path, tiny.class_map()))
    assert (bundle.runtime.delegate, bundle.runtime.threads) == ("cpu", 2)
    assert bundle.runtime.nodes == DelegatedNodes(delegated=0, of=1)
    log = (tmp_path / "bundle/run.log").read_text("utf-8")
    assert "Created TensorFlow Lite XNNPACK delegate" in log and "Replacing 1 out of" not in log


def test_a_delegate_that_takes_some_of_the_graph_is_counted(run, tmp_path):
    bundle = run(tiny_request(tmp_path, tiny.scored_class_map()))
    assert (bundle.runtime.delegate, bundle.runtime.nodes) == ("xnnpack", DelegatedNodes(delegated=1, of=2))
    assert "Replacing 1 out of 2 node(s)" in (tmp_path / "bundle/run.log").read_text("utf-8")


@pytest.mark.parametrize(
    "model",
    [tiny.scores("int8"), tiny.scores("uint8"), tiny.class_map("int64"), tiny.class_map("uint8", image_dtype="int8")],
    ids=["int8", "uint8", "int64-classes", "uint8-classes-of-int8"],
)
def test_tensors_of_every_type_are_pythons(run, tmp_path, model):
    request = tiny_request(tmp_path, model)
    ours = run(request).results[0]
    theirs = run_target("python", request, tmp_path / "python", host_context(tmp_path)).results[0]
    assert ours.status == "ok" and ours.stages == theirs.stages
    mask = mask_of(tmp_path / "bundle", ours)
    assert np.array_equal(mask, mask_of(tmp_path / "python", theirs)) and set(np.unique(mask)) == {0, 1, 2}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (tiny.scores(weight=float("nan")), "the output has NaN scores"),
        (tiny.class_map(offset=300), "the class map has a value 30"),
    ],
    ids=["nan", "beyond"],
)
def test_an_output_that_is_no_mask(run, tmp_path, model, words):
    (result,) = run(tiny_request(tmp_path, model)).results
    assert result.error.stage == "postprocess" and words in result.error.message


@pytest.mark.parametrize(("delegate", "words"), [("coreml", "no Core ML delegate"), ("gpu", "iOS has no delegate gpu")])
def test_a_delegate_that_is_not_there_says_so(run, delegate, words):
    (result,) = run(request_for("shapes", ("square",), delegate=delegate)).results
    assert result.error.stage == "init" and words in result.error.message


def test_latency_of_every_run_is_kept(run):
    heard = []
    (result,) = run(request_for("shapes", ("square",), warmup=1, runs=3), on_case=heard.append).results
    assert len(result.latency.inference_ms) == len(result.latency.preprocess_ms) == 3
    assert all(ms > 0 for ms in result.latency.inference_ms) and heard == ["square"]


def test_another_model_than_asked_for(run):
    request = request_for("shapes", ("square", "wide"))
    bundle = run(request.model_copy(update={"model": request.model.model_copy(update={"sha256": "0" * 64})}))
    assert [result.error.stage for result in bundle.results] == ["init", "init"]
    assert "is not the model that was asked for (sha256 differs)" in bundle.results[0].error.message


def test_a_damaged_model(run, tmp_path):
    path = tmp_path / "damaged.tflite"
    path.write_bytes((REPO / "models/shapes/shapes.tflite").read_bytes()[:5000])
    request = request_for("shapes", ("square",))
    model = request.model.model_copy(update={"file": str(path), "sha256": sha256_of(path)})
    (result,) = run(request.model_copy(update={"model": model})).results
    assert result.error.stage == "init" and "damaged.tflite" in result.error.message


def test_images_that_are_missing_other_ones_or_none(run, tmp_path):
    text, flat = tmp_path / "text.png", tmp_path / "flat.bmp"
    text.write_text("no image", "utf-8")
    Image.new("RGB", (40, 30), (200, 10, 100)).save(flat)
    request = request_for("shapes", ("square",))
    (square,) = request.cases
    cases = (
        square.model_copy(update={"id": "gone", "file": str(tmp_path / "gone.png")}),
        square.model_copy(update={"id": "other", "sha256": "0" * 64}),
        RequestCase(id="text", file=str(text), sha256=sha256_of(text)),
        square,
        RequestCase(id="flat", file=str(flat), sha256=sha256_of(flat)),
    )
    bundle = run(request.model_copy(update={"cases": cases}))
    assert [result.status for result in bundle.results] == ["error", "error", "error", "ok", "ok"]
    assert [result.decoded_by for result in bundle.results[3:]] == ["host", None]  # BMP needs no decoder of a platform
    assert bundle.results[4].stages.decoded == hashlib.sha256(decode(flat).tobytes()).hexdigest()
    said = [result.error.message for result in bundle.results[:3]]
    assert {result.error.stage for result in bundle.results[:3]} == {"decode"}
    assert "cannot be read" in said[0] and "sha256 differs" in said[1] and "could not decode it" in said[2]


@pytest.fixture
def sabotaged(swift, tmp_path, monkeypatch):
    """Runs all shapes on a segmenter that fails at the second image."""
    monkeypatch.setattr(ios_host, "PACKAGE", FOREIGN)
    monkeypatch.setattr(ios_host, "PRODUCT", "sabotage")

    def sabotage(bug: str):
        monkeypatch.setenv("SABOTAGE", bug)
        request = request_for("shapes", ("square", "wide", "tall"))
        return run_target("ios-host", request, tmp_path / "bundle", host_context(tmp_path))

    return sabotage


@pytest.mark.parametrize(
    ("bug", "words"),
    [("crash", "killed by SIG"), ("exit", "exit code 7")],
)
def test_a_crash_keeps_what_was_done(sabotaged, tmp_path, bug, words):
    bundle = sabotaged(bug)
    assert [result.status for result in bundle.results] == ["ok", "error", "error"]
    assert mask_of(tmp_path / "bundle", bundle.results[0]).shape == (129, 129)
    for result in bundle.results[1:]:
        assert result.error.stage == "run" and words in result.error.message
        assert "sabotage ended before this case was done" in result.error.message
    assert ("out of range" in bundle.results[1].error.message) == (bug == "crash")
    assert load_bundle(tmp_path / "bundle") == bundle


def test_a_hang_is_stopped_and_keeps_what_was_done(sabotaged, monkeypatch):
    monkeypatch.setattr(ios_host, "START_DEADLINE_S", 15)
    monkeypatch.setattr(ios_host, "CASE_DEADLINE_S", 0)
    bundle = sabotaged("hang")
    assert [result.status for result in bundle.results] == ["ok", "error", "error"]
    assert "did not end within 15 s and was stopped" in bundle.results[1].error.message


def test_a_bug_is_red_at_its_stage_and_without_one_it_is_not(sabotaged):
    golden = load_golden(golden_folder(REPO, "shapes", "lib_interpreter")).bundle
    honest, wrong = sabotaged("none"), sabotaged("bgr")
    for case in ("square", "wide", "tall"):
        assert honest.result(case).stages == golden.result(case).stages
    assert wrong.result("wide").stages.resized != golden.result("wide").stages.resized


def test_no_old_bundle_passes_for_a_new_one(sabotaged):
    sabotaged("none")
    with pytest.raises(RunError, match="sabotage ended without a bundle .*SABOTAGE: typo is no bug"):
        sabotaged("typo")


def test_a_build_error_is_shown_as_the_compiler_says_it(swift, tmp_path, monkeypatch):
    package = tmp_path / "ios"
    shutil.copytree(REPO / "ios", package, ignore=shutil.ignore_patterns(".build", "Pods"))
    source = package / "Sources/SegmentationCore/FixedResize.swift"
    source.write_text(source.read_text("utf-8").replace("let half =", "let haf ="), "utf-8")
    monkeypatch.setattr(ios_host, "PACKAGE", package)
    with pytest.raises(
        RunError, match=r"segment-cli does not build .*FixedResize.swift:\d+: cannot find 'half'"
    ) as caught:
        ios_host.program("lib_interpreter", host_context(tmp_path))
    assert (tmp_path / "logs/swift.segment-cli.log").is_file() and "swift.segment-cli.log" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1/2] x\n/a/b/Mask.swift:12:5: error: cannot find 'x' in scope\n", "Mask.swift:12: cannot find 'x' in scope"),
        ("warning: a\nerror: no such module 'X'\nerror: b\n", "no such module 'X'"),
        (
            "/a/T.h:12:2: error: TensorFlow Lite's headers are missing\n",
            "T.h:12: TensorFlow Lite's headers are missing",
        ),
        ("Build complete!\n", ""),
    ],
)
def test_the_first_error_of_a_build(text, sentence):
    assert first_error(text) == sentence


def test_the_header_says_how_to_build_where_somebody_types_swift_build(swift, tmp_path):
    with pytest.raises(RunError, match="headers are missing: build with ./goldmask check --target ios-host"):
        swift.build(ios_host.PACKAGE, "segment-cli", [], tmp_path / "scratch", tmp_path, lambda *part: None)


def test_without_swift_the_target_is_skipped_with_the_command(project, tmp_path):
    project.edit("goldmask.toml", "[suites.default]", '[suites.default]\ntargets = ["python", "ios-host"]')
    words = ("check", "--out", tmp_path / "out")
    environment = {"PATH": os.pathsep.join(_without_swift()), "SWIFT": ""}
    ran = project.run(*words, **environment)
    assert ran.code == 0 and "SKIP 2 cases of tiny on ios-host" in ran.text and "no swift is on PATH" in ran.text, (
        ran.text
    )
    assert "swift.org/install" in ran.text and "2 PASS, 2 SKIP" in ran.text
    named = project.run(*words, "--target", "ios-host", **environment)
    assert named.code == 3 and "SKIP," not in named.stdout and "swift.org/install" in named.text


def _without_swift() -> list[str]:
    return [folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "swift").exists()]


def program(folder: Path, text: str) -> str:
    """A program that is called `swift`."""
    path = folder / "swift"
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
    return str(path)


# handwritten, after what the real programs print
@pytest.mark.rig
@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("echo 'Swift version 6.0.3 (swift-6.0.3-RELEASE)'", "6.0.3"),
        (
            "echo 'swift-driver version: 1.90.11.1 Apple Swift version 5.10 (swiftlang-5.10.0.13 clang-1500.3.9.4)'",
            "5.10",
        ),
    ],
)
def test_a_swift_that_will_do(tmp_path, monkeypatch, text, version):
    monkeypatch.setenv("SWIFT", program(tmp_path, text))
    assert find_swift() == Swift(str(tmp_path / "swift"), version)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWIFT", "./swift")
    assert find_swift().program == str(tmp_path / "swift")


@pytest.mark.rig
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("echo 'Swift version 5.8.1 (swift-5.8.1-RELEASE)'", r"is Swift 5.8.1; 5.9 or later is needed"),
        ("echo 'python-swiftclient 4.1.0'", r"is no Swift toolchain \(exit code 0\)"),
        ("echo 'no toolchain' >&2; exit 1", r"is no Swift toolchain \(no toolchain\)"),
    ],
)
def test_a_swift_that_will_not_do(tmp_path, monkeypatch, text, sentence):
    monkeypatch.setenv("SWIFT", program(tmp_path, text))
    with pytest.raises(EnvironmentMissing, match=sentence):
        find_swift()


def test_a_swift_that_is_not_there(monkeypatch):
    monkeypatch.setenv("SWIFT", "/nowhere/swift")
    with pytest.raises(EnvironmentMissing, match=r"SWIFT \(/nowhere/swift\) is no program"):
        find_swift()


def test_doctor_tells_how_to_get_swift(project, tmp_path):
    ran = project.run("doctor", PATH=os.pathsep.join(_without_swift()), SWIFT="")
    assert "optional Swift: " in ran.text and "apt-get install swiftlang" in ran.text
    ran = project.run("doctor", SWIFT=program(tmp_path, "echo 'Swift version 6.0.3'"))
    assert "Swift: 6.0.3" in ran.text


def test_another_runtime_is_refused():
    with pytest.raises(UsageError, match="--runtime has no effect on ios-host"):
        check_used({"runtime": "tensorflow"}, ["ios-host"])


def test_a_library_of_ones_own(swift, tmp_path, monkeypatch):
    """What macOS needs, where nobody publishes one; the AAR's stands in for it here."""
    own = ios_host.find_library(host_context(tmp_path)).file
    monkeypatch.setenv(ios_host.LIBRARY, str(own))
    assert ios_host.find_library(host_context(tmp_path)).file == own
    monkeypatch.setenv(ios_host.LIBRARY, str(tmp_path / "none.dylib"))
    with pytest.raises(EnvironmentMissing, match="none.dylib.* is no file"):
        ios_host.find_library(host_context(tmp_path))


def test_macos_without_a_library(tmp_path, monkeypatch):
    monkeypatch.setattr(ios_host.sys, "platform", "darwin")
    monkeypatch.delenv(ios_host.LIBRARY, raising=False)
    with pytest.raises(EnvironmentMissing, match="nobody publishes for macOS") as caught:
        ios_host.find_library(host_context(tmp_path))
    assert ios_host.LIBRARY in caught.value.fix


def test_another_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(ios_host.sys, "platform", "win32")
    with pytest.raises(EnvironmentMissing, match="ios-host needs macOS, or Linux on x86_64 or arm64"):
        ios_host.find_library(host_context(tmp_path))


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 1, "usage: segment-cli REQUEST.json --out DIR"),
        (["request.json", "--out"], 1, "usage: "),
        (["request.json", "--outt", "x"], 1, "usage: "),
        (["nowhere.json", "--out", "bundle"], 4, "nowhere.json cannot be read"),
        (["empty.json", "--out", "bundle"], 4, "empty.json breaks the bundle contract: schema: missing"),
    ],
)
def test_the_programs_own_words(swift, tmp_path, words, code, sentence):
    path, environment = ios_host.program("lib_interpreter", host_context(tmp_path))
    (tmp_path / "empty.json").write_text("{}", "utf-8")
    done = shell.run([path, *words], log=tmp_path / "cli.log", deadline_s=60, env=environment, cwd=tmp_path)
    assert done.code == code and sentence in done.log_tail() and not (tmp_path / "bundle").exists()


def test_a_strangers_app(swift, tmp_path):
    """It scales as it always did: images of the model's size come out the same, others do not, and that is told."""
    request = request_for("shapes", ("model-size", "large"))
    out = tmp_path / "bundle"
    out.mkdir()
    # The stranger's test decodes by itself, for which Linux has nothing but the package's own reader of BMP.
    for case in request.cases:
        Image.fromarray(decode(Path(case.file), case.orientation)).save(out / f"{case.id}.bmp")
    cases = tuple(
        case.model_copy(update={"file": str(path), "sha256": sha256_of(path), "orientation": None})
        for case in request.cases
        for path in [out / f"{case.id}.bmp"]
    )
    save(request.model_copy(update={"cases": cases}), tmp_path / "request.json")
    paths = {"GOLDMASK_REQUEST": str(tmp_path / "request.json"), "GOLDMASK_OUT": str(out)}
    done = swift_test(swift, tmp_path, package=FOREIGN, **paths)
    assert done.code == 0, done.stdout + done.log_tail(40)
    bundle = load_bundle(out)
    assert [result.status for result in bundle.results] == ["ok", "ok"]
    golden = golden_folder(REPO, "shapes", "lib_interpreter")
    expected = load_golden(golden).bundle
    differing = {
        result.case: np.count_nonzero(mask_of(out, result) != mask_of(golden, expected.result(result.case)))
        for result in bundle.results
    }
    assert differing["model-size"] == 0 and differing["large"] > 0
    assert (bundle.runtime.name, bundle.runtime.version) == ("camera app", "1.0")
    with Image.open(out / bundle.results[0].mask) as mask:
        assert mask.mode == "P"


def test_the_docs_show_the_strangers_test_as_it_is():
    test = FOREIGN / "Tests/CameraGoldenTests/CameraGoldenTests.swift"
    assert test.read_text("utf-8") in (REPO / "docs/adopt-ios.md").read_text("utf-8")
