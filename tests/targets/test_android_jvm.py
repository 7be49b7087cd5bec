"""The `android-jvm` target: the app's own Kotlin and the AAR's own native library, against goldens and bugs."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import REPO, Ran, colours, run_program
from jvm import jvm_context
from needs import need
from PIL import Image
from running import context_of, figures_without, run_target
from sabotage import BUGS, OTHERS, SABOTAGE, Session, with_bugs

from goldmask.contract.bundle import DelegatedNodes, Request, RequestCase, mask_of
from goldmask.contract.errors import ConfigError, EnvironmentMissing, RunError, UsageError
from goldmask.contract.files import sha256_of
from goldmask.contract.image import decode
from goldmask.contract.options import Options
from goldmask.project.case import cases_from_files, fetch_case
from goldmask.project.config import Android, GoldenTest, load_config
from goldmask.project.golden import load_golden
from goldmask.project.model import fetch_model, golden_folder, load_spec, model_folder, model_from_path
from goldmask.targets import android_jvm
from goldmask.workflows import diagnose

pytestmark = pytest.mark.rig

PIPELINES = ("lib_interpreter", "lib_task_api")


def request_for(model: str, pipeline: str = "lib_interpreter", case_ids: tuple[str, ...] = (), **options) -> Request:
    """A request of a declared model's cases."""
    spec = load_spec(REPO, model)
    found = fetch_model(REPO, model, spec)
    cases = [case for case in spec.cases if not case_ids or case.id in case_ids]
    fetched = tuple(fetch_case(case, model_folder(REPO, model)) for case in cases)
    return Request(schema=1, model=found.request(), options=Options(pipeline=pipeline, **options), cases=fetched)


def run(tmp_path, request: Request, **choices):
    """A bundle of the real target."""
    return run_target("android-jvm", request, tmp_path / "bundle", jvm_context(tmp_path, **choices))


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_tensorflows_own_golden_in_every_pixel(pipeline, tmp_path, tensorflow_golden):
    request = request_for("deeplabv3", pipeline, ("rotation0",))
    bundle = run(tmp_path, request)
    (result,) = bundle.results
    mask = mask_of(tmp_path / "bundle", result)
    assert mask.size == 66_049 and np.count_nonzero(mask != tensorflow_golden) == 0
    golden = load_golden(golden_folder(REPO, "deeplabv3", pipeline)).bundle.result("rotation0")
    assert result.stages == golden.stages
    assert bundle.target.name == "android-jvm" and bundle.target.kind == "jvm" and bundle.target.abi == "x86_64"
    ran = {"lib_interpreter": ("2.16.1", "xnnpack", 1), "lib_task_api": ("0.4.4", "xnnpack", 2)}[pipeline]
    assert (bundle.runtime.version, bundle.runtime.delegate, bundle.runtime.threads) == ran
    assert bundle.runtime.nodes == DelegatedNodes(delegated=70, of=70)
    assert result.latency.init_ms > 0 and result.memory_peak_mb > 10 and result.decoded_by is None
    assert not figures_without(bundle) and result.memory_init_mb > 1 and result.memory_steady_mb > 1


def test_every_bundled_case_through_both_flavours(tmp_path):
    """As a user types it; decoded, resized and tensor hashes are Python's too, or a stage would be named."""
    need("jdk")
    words = ("check", "--target", "android-jvm", "--model", "shapes", "--model", "shapes-int8", "--out", tmp_path)
    ran = run_program(REPO, *words)
    assert ran.code == 0, ran.text
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    cases = len(load_spec(REPO, "shapes").cases)
    assert len(report["comparisons"]) == 4 * cases
    for comparison in report["comparisons"]:
        assert comparison["verdict"] == "PASS" and comparison["metrics"]["confident_flips"] == 0
        assert comparison["stages"]["first_difference"] is None


@pytest.fixture
def sabotaged(tmp_path, monkeypatch):
    """Checks one bundled model on the sabotaged segmenter, as a user of a project with that Android app would."""

    def check(bug: str, *words: str | Path) -> tuple[Ran, dict[str, dict]]:
        need("jdk")
        folder = make_app_project(tmp_path / "project", SABOTAGE)
        out = tmp_path / "out"
        ran = run_program(folder, "check", *words, "--out", out, JAVA_TOOL_OPTIONS=f"-Dgoldmask.sabotage={bug}")
        report = json.loads((out / "report.json").read_text("utf-8"))
        return ran, {comparison["case"]: comparison for comparison in report["comparisons"]}

    return check


def make_app_project(folder: Path, android: Android) -> Path:
    """A project with goldmask's bundled models and somebody's Android app."""
    folder.mkdir()
    (folder / "models").mkdir()
    (folder / "models/shapes").symlink_to(REPO / "models/shapes")
    (folder / "goldmask.toml").write_text(
        'schema = 1\n[suites.default]\nmodels = ["shapes"]\npipelines = ["lib_interpreter"]\n'
        f'targets = ["android-jvm"]\n[android]\nfolder = "{android.folder}"\n[android.lib_interpreter]\n'
        f'module = "{android.lib_interpreter.module}"\ntest = "{android.lib_interpreter.test}"\n',
        "utf-8",
    )
    return folder


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A slow machine names the same causes."""
    monkeypatch.setattr(diagnose, "HASHES_S", 60)


@pytest.fixture(scope="session")
def session(tmp_path_factory) -> Session:
    """Every deliberate bug on three cases, in one JVM."""
    folder = tmp_path_factory.mktemp("sabotaged")
    request = request_for("shapes", case_ids=("square", "wide", "exif-rotated"))
    bugs = with_bugs(request, BUGS + OTHERS, folder / "images")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", "-Dgoldmask.sabotage=by-file")
        bundle = run(folder, bugs, android=SABOTAGE)
    golden = load_golden(golden_folder(REPO, "shapes", "lib_interpreter"))
    model = fetch_model(REPO, "shapes", load_spec(REPO, "shapes"))
    return Session(request, model, golden, folder / "bundle", bundle)


def test_without_a_bug_the_sabotaged_segmenter_passes(session, tmp_path):
    for bug in ("none", "other-rounding"):
        rows = session.rows(bug, load_config(REPO), tmp_path)
        assert {row.verdict for row in rows.values()} == {"PASS"} and not any(row.diagnosis for row in rows.values())


@pytest.mark.parametrize(
    ("bug", "case", "stage"),
    [
        ("bgr", "square", "tensor"),
        ("rotated-90", "square", "decoded"),
        ("exif-ignored", "exif-rotated", "decoded"),
        ("zero-to-one", "square", "tensor"),
        ("nearest", "wide", "resized"),
        ("mask-transposed", "square", None),
        ("labels-shifted-up", "square", None),
    ],
)
def test_every_deliberate_bug_is_red_at_its_stage(session, tmp_path, bug, case, stage):
    found = session.rows(bug, load_config(REPO), tmp_path)[case]
    assert found.verdict == "FAIL" and found.stages.first_difference == stage
    assert ("first difference" in found.reason) == (stage is not None)


@pytest.mark.parametrize("bug", BUGS)
def test_every_deliberate_bug_is_named(session, tmp_path, bug):
    rows = session.rows(bug, load_config(REPO), tmp_path).values()
    diagnoses = [row.diagnosis for row in rows if row.diagnosis]
    assert diagnoses and {cause.name for each in diagnoses for cause in each.causes} == {bug}


def test_a_bug_that_nobody_has_thought_of_is_not_explained(session, tmp_path):
    rows = session.rows("checkered", load_config(REPO), tmp_path)
    assert {row.diagnosis.cause for row in rows.values() if row.diagnosis} == {None}


def test_a_native_crash_is_an_error_and_keeps_what_was_done(sabotaged):
    ran, comparisons = sabotaged("crash")
    cases = [case.id for case in load_spec(REPO, "shapes").cases]
    assert ran.code == 4
    assert comparisons[cases[0]]["verdict"] == "PASS"
    for case in cases[1:]:
        assert comparisons[case]["verdict"] == "ERROR"
        assert "the JVM ended before this case was done (killed by SIGABRT in" in comparisons[case]["reason"]


def test_a_hanging_app_is_stopped_and_keeps_what_was_done(tmp_path, monkeypatch):
    monkeypatch.setattr(android_jvm, "START_DEADLINE_S", 25)
    monkeypatch.setattr(android_jvm, "CASE_DEADLINE_S", 0)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dgoldmask.sabotage=hang")
    bundle = run(tmp_path, request_for("shapes"), android=SABOTAGE)
    assert [result.status for result in bundle.results[:2]] == ["ok", "error"]
    assert "did not end within 25 s and was stopped" in bundle.results[1].error.message


def test_a_golden_test_that_cannot_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dgoldmask.sabotage=typo")
    with pytest.raises(RunError, match="without a bundle .*goldmask.sabotage: typo is none of"):
        run(tmp_path, request_for("shapes"), android=SABOTAGE)


def test_no_old_bundle_passes_for_a_new_one(tmp_path, monkeypatch):
    run(tmp_path, request_for("shapes", case_ids=("square",)))
    broken = Android(folder=SABOTAGE.folder, lib_interpreter=GoldenTest(module="sabotage", test="org.goldmask.Nothing"))
    with pytest.raises(RunError, match="without a bundle"):
        run(tmp_path, request_for("shapes", case_ids=("square",)), android=broken)


@pytest.mark.parametrize(
    ("delegate", "words"), [("gpu", "GPU delegate's native library"), ("nnapi", "NNAPI is part of Android")]
)
def test_a_delegate_that_is_not_there_says_so(delegate, words, tmp_path):
    bundle = run(tmp_path, request_for("shapes", case_ids=("square",), delegate=delegate))
    assert bundle.results[0].error.stage == "init" and words in bundle.results[0].error.message


def test_what_really_ran_is_named(tmp_path):
    for delegate, threads in (("cpu", 2), ("xnnpack", 1)):
        bundle = run(tmp_path, request_for("shapes", case_ids=("square",), delegate=delegate))
        assert (bundle.runtime.delegate, bundle.runtime.threads) == (delegate, threads)
    bundle = run(tmp_path, request_for("shapes", "lib_task_api", ("square",), delegate="cpu"))
    assert "chooses XNNPACK by itself" in bundle.results[0].error.message


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (tiny.scores(), ("xnnpack", 1, DelegatedNodes(delegated=1, of=1))),
        (tiny.scored_class_map(), ("xnnpack", 1, DelegatedNodes(delegated=1, of=2))),
        # The CPU's kernels have the threads that were asked for; what nobody took is not counted.
        (tiny.class_map(), ("cpu", 2, None)),
    ],
    ids=["all", "some", "nothing"],
)
def test_the_nodes_that_a_delegate_took_are_those_of_the_log(model, expected, tmp_path):
    """XNNPACK is asked for; a delegate that is created and takes nothing is not what ran."""
    (tmp_path / "any.tflite").write_bytes(model)
    Image.fromarray(colours()).save(tmp_path / "flag.png")
    request = Request(
        schema=1,
        model=model_from_path(tmp_path / "any.tflite").request(),
        options=Options(pipeline="lib_interpreter", delegate="xnnpack"),
        cases=cases_from_files([tmp_path / "flag.png"]),
    )
    ran = run(tmp_path, request).runtime
    assert (ran.delegate, ran.threads, ran.nodes) == expected


def test_android_and_python_count_the_same_nodes(tmp_path):
    request = request_for("shapes-int8", case_ids=("square",))
    android = run(tmp_path / "android", request)
    python = run_target("python", request, tmp_path / "python", context_of(REPO, tmp_path / "logs"))
    assert android.runtime.nodes == python.runtime.nodes == DelegatedNodes(delegated=57, of=59)


@pytest.mark.parametrize("resize", ["fixed", "platform"])
def test_the_platforms_own_resize_can_be_measured(resize, tmp_path):
    request = request_for("shapes", case_ids=("large",), resize=resize)
    (result,) = run(tmp_path, request).results
    golden = load_golden(golden_folder(REPO, "shapes", "lib_interpreter")).bundle.result("large")
    assert result.stages.decoded == golden.stages.decoded
    assert (result.stages.resized == golden.stages.resized) == (resize == "fixed")


def test_latency_of_every_run_is_kept(tmp_path):
    (result,) = run(tmp_path, request_for("shapes", case_ids=("square",), warmup=1, runs=3)).results
    assert len(result.latency.inference_ms) == len(result.latency.preprocess_ms) == 3
    assert all(ms > 0 for ms in result.latency.inference_ms)


def test_another_runtime_in_one_table(tmp_path):
    need("jdk")
    words = ("android.matrix", "--runtime", "2.9.0,2.14.0", "2.16.1", "--model", "shapes", "--out", tmp_path)
    ran = run_program(REPO, *words)
    assert ran.code == 0, ran.text
    rows = json.loads((tmp_path / "matrix.json").read_text("utf-8"))["rows"]
    assert [(row["version"], row["confident_flips"]) for row in rows] == [("2.9.0", 0), ("2.14.0", 0), ("2.16.1", 0)]
    assert all(row["version"] in row["runtime"] and row["inference_ms"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("pipeline", "runtime", "sentence"),
    [
        ("lib_interpreter", "1.0.0", "none of the locked versions of TensorFlow Lite"),
        ("lib_task_api", "2.14.0", "built into its library"),
    ],
)
def test_a_runtime_that_is_not_locked(pipeline, runtime, sentence, tmp_path):
    with pytest.raises(UsageError, match=sentence):
        android_jvm.machine(pipeline, jvm_context(tmp_path, runtime=runtime))


def test_arm64_draws_the_same_mask(tmp_path):
    """Of pixels that the host has decoded, and that the app turns upright; of a BMP the app decodes."""
    need("arm64")
    request = request_for("shapes", case_ids=("square", "exif-rotated"))
    path = tmp_path / "flat.bmp"
    Image.new("RGB", (40, 30), (200, 10, 100)).save(path)
    flat = RequestCase(id="flat", file=str(path), sha256=sha256_of(path))
    request = request.model_copy(update={"cases": (*request.cases, flat)})
    bundle = run(tmp_path, request, abi="arm64-v8a")
    result, turned = (bundle.result(case) for case in ("square", "exif-rotated"))
    assert result.decoded_by == turned.decoded_by == "host"
    golden = load_golden(golden_folder(REPO, "shapes", "lib_interpreter"))
    expected = mask_of(golden_folder(REPO, "shapes", "lib_interpreter"), golden.bundle.result("square"))
    assert np.array_equal(mask_of(tmp_path / "bundle", result), expected)
    assert bundle.target.abi == "arm64-v8a" and bundle.environment["emulated"] == "qemu-user"
    assert result.stages == golden.bundle.result("square").stages
    assert turned.stages == golden.bundle.result("exif-rotated").stages
    decoded = hashlib.sha256(decode(path).tobytes()).hexdigest()
    assert (bundle.result("flat").decoded_by, bundle.result("flat").stages.decoded) == (None, decoded)


def test_an_abi_that_nothing_here_runs(tmp_path):
    with pytest.raises(UsageError, match="'arm64' cannot run on"):
        android_jvm.machine("lib_interpreter", jvm_context(tmp_path, abi="arm64"))


def test_without_qemu(tmp_path, monkeypatch):
    context = jvm_context(tmp_path, abi="arm64-v8a")
    monkeypatch.setattr(android_jvm.shutil, "which", lambda name: None)
    with pytest.raises(EnvironmentMissing, match="needs qemu-user") as caught:
        android_jvm.launcher("arm64-v8a", context)
    assert "apt-get install qemu-user-static" in caught.value.fix


def test_without_a_jdk_the_target_is_skipped_with_the_command(tmp_path):
    folder = make_app_project(tmp_path / "project", SABOTAGE)
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    ran = run_program(folder, "check", "--out", tmp_path / "out", PATH=str(nothing), JAVA_HOME="")
    assert ran.code == 3 and "a JDK is needed and no java is on PATH" in ran.text
    assert (
        "SKIP 15 cases of shapes on android-jvm" in ran.text and "apt-get install openjdk-17-jdk-headless" in ran.text
    )
    named = run_program(
        folder, "check", "--target", "android-jvm", "--out", tmp_path / "out", PATH=str(nothing), JAVA_HOME=""
    )
    assert named.code == 3 and "SKIP," not in named.stdout


def test_what_does_not_compile_is_an_error_of_every_case(tmp_path):
    need("jdk")
    app = tmp_path / "app"
    shutil.copytree(REPO / "tests/android/foreign", app)
    settings = (app / "settings.gradle.kts").read_text("utf-8").replace("../../../android", str(REPO / "android"))
    (app / "settings.gradle.kts").write_text(settings, "utf-8")
    source = app / "camera_app/src/main/java/com/example/camera/PersonFinder.java"
    source.write_text(source.read_text("utf-8").replace("return winners;", "return winner;"), "utf-8")
    test = GoldenTest(module="camera_app", test="com.example.camera.CameraGoldenTest")
    folder = make_app_project(tmp_path / "project", Android(folder=str(app), lib_interpreter=test))
    ran = run_program(folder, "check", "--out", tmp_path / "out")
    assert ran.code == 4 and "camera_app does not compile" in ran.text and "cannot find symbol" in ran.text


def test_a_pipeline_without_a_golden_test(tmp_path):
    with pytest.raises(EnvironmentMissing, match="names no golden test of lib_task_api"):
        android_jvm.machine("lib_task_api", jvm_context(tmp_path, android=SABOTAGE))


def test_a_module_that_is_not_there(tmp_path):
    wrong = Android(folder=SABOTAGE.folder, lib_interpreter=GoldenTest(module="nowhere", test="a.B"))
    with pytest.raises(ConfigError, match="includes no module 'nowhere'"):
        android_jvm.machine("lib_interpreter", jvm_context(tmp_path, android=wrong))


def test_a_case_that_python_cannot_decode_is_not_decoded_by_arm64_either(tmp_path):
    need("arm64")
    path = tmp_path / "broken.png"
    path.write_bytes(b"no image")
    case = RequestCase(id="broken", file=str(path), sha256=hashlib.sha256(b"no image").hexdigest())
    request = request_for("shapes").model_copy(update={"cases": (case,)})
    (result,) = run(tmp_path, request, abi="arm64-v8a").results
    assert result.error.stage == "decode" and "the host could not decode it" in result.error.message
