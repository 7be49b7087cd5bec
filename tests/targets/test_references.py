"""The reference runtimes on the real starter model, against TensorFlow's own golden."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import REPO, Project, colours
from PIL import Image
from running import context_of, figures_without, run_target

from goldmask.contract.bundle import DelegatedNodes, Request, load_bundle, mask_of
from goldmask.contract.errors import RunError, UsageError
from goldmask.contract.options import Options
from goldmask.project.case import cases_from_files, fetch_case
from goldmask.project.golden import load_golden
from goldmask.project.model import fetch_model, load_spec, model_folder, model_from_path
from goldmask.targets.python import RUNTIMES

pytestmark = pytest.mark.project

PIPELINES = ("lib_interpreter", "lib_task_api")


def starter_request(pipeline: str, **options) -> Request:
    """TensorFlow's test image through the starter model."""
    spec = load_spec(REPO, "deeplabv3")
    case = next(case for case in spec.cases if case.id == "rotation0")
    model = fetch_model(REPO, "deeplabv3", spec)
    image = fetch_case(case, model_folder(REPO, "deeplabv3"))
    return Request(schema=1, model=model.request(), options=Options(pipeline=pipeline, **options), cases=(image,))


def run_reference(tmp_path, request: Request, runtime: str = "litert"):
    return run_target("python", request, tmp_path / "bundle", context_of(REPO, tmp_path / "logs", runtime=runtime))


def differing(mask: np.ndarray, tensorflow_golden: np.ndarray) -> int:
    assert mask.shape == tensorflow_golden.shape == (257, 257)
    return int((mask != tensorflow_golden).sum())


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_both_pipelines_draw_tensorflows_own_golden(tmp_path, pipeline, tensorflow_golden):
    bundle = run_reference(tmp_path, starter_request(pipeline))
    mask = mask_of(tmp_path / "bundle", bundle.result("rotation0"))
    assert differing(mask, tensorflow_golden) == 0
    mask[100, 100] ^= 1
    assert differing(mask, tensorflow_golden) == 1


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_committed_goldens_are_tensorflows(pipeline, tensorflow_golden):
    golden = load_golden(model_folder(REPO, "deeplabv3") / "goldens" / pipeline)
    assert differing(mask_of(golden.folder, golden.bundle.result("rotation0")), tensorflow_golden) == 0


def test_without_xnnpack_the_bundle_says_cpu_and_the_mask_is_the_same(tmp_path, tensorflow_golden):
    bundle = run_reference(tmp_path, starter_request("lib_interpreter", delegate="cpu", threads=1))
    assert (bundle.runtime.delegate, bundle.runtime.threads) == ("cpu", 1)
    assert differing(mask_of(tmp_path / "bundle", bundle.result("rotation0")), tensorflow_golden) == 0


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_interpreters_count_the_nodes_that_a_delegate_took(tmp_path, runtime):
    """As Android's log counts them for the same models (test_android_jvm.py)."""
    whole = run_reference(tmp_path / "whole", starter_request("lib_interpreter"), runtime)
    assert whole.runtime.nodes == DelegatedNodes(delegated=70, of=70)
    some = run_reference(tmp_path / "some", request_for(tmp_path, tiny.scored_class_map()), runtime)
    assert (some.runtime.delegate, some.runtime.nodes) == ("xnnpack", DelegatedNodes(delegated=1, of=2))
    nothing = run_reference(tmp_path / "nothing", request_for(tmp_path, tiny.class_map()), runtime)
    assert (nothing.runtime.delegate, nothing.runtime.nodes) == ("cpu", DelegatedNodes(delegated=0, of=1))


def test_the_task_library_does_not_tell_its_nodes(tmp_path):
    """On a desktop its log says only that there is a delegate."""
    assert run_reference(tmp_path, starter_request("lib_task_api")).runtime.nodes is None


def test_with_xnnpack_the_bundle_says_so(tmp_path):
    for pipeline in PIPELINES:
        assert run_reference(tmp_path / pipeline, starter_request(pipeline)).runtime.delegate == "xnnpack"


def test_tensorflows_interpreter_draws_the_same(tmp_path, tensorflow_golden):
    bundle = run_reference(tmp_path, starter_request("lib_interpreter"), "tensorflow")
    assert bundle.runtime.name == "TensorFlow Lite Interpreter" and bundle.runtime.version.startswith("2.")
    assert differing(mask_of(tmp_path / "bundle", bundle.result("rotation0")), tensorflow_golden) == 0


def test_the_task_library_refuses_a_delegate_it_cannot_choose(tmp_path):
    bundle = run_reference(tmp_path, starter_request("lib_task_api", delegate="cpu"))
    result = bundle.result("rotation0")
    assert result.status == "error" and "chooses its delegate itself: xnnpack, not cpu" in result.error.message


def test_the_two_pipelines_decode_to_the_same_pixels(tmp_path):
    hashes = {
        run_reference(tmp_path / pipeline, starter_request(pipeline)).result("rotation0").stages.decoded
        for pipeline in PIPELINES
    }
    assert len(hashes) == 1


def test_runs_and_warmup_are_counted(tmp_path):
    bundle = run_reference(tmp_path, starter_request("lib_interpreter", warmup=2, runs=3))
    latency = bundle.result("rotation0").latency
    assert len(latency.inference_ms) == len(latency.preprocess_ms) == len(latency.postprocess_ms) == 3
    assert latency.first_ms > 0 and latency.init_ms > 0 and not figures_without(bundle)


def test_no_reference_has_a_gpu_delegate(tmp_path):
    with pytest.raises(RunError, match="no delegate 'gpu'"):
        run_target("python", starter_request("lib_interpreter"), tmp_path, context_of(REPO, tmp_path, delegate="gpu"))
    with pytest.raises(UsageError, match="lib_task_api has no runtime 'tensorflow'"):
        run_target(
            "python", starter_request("lib_task_api"), tmp_path, context_of(REPO, tmp_path, runtime="tensorflow")
        )


EXPECTED = np.array([[0] * 8] * 4 + [[1] * 4 + [2] * 4] * 4, np.uint8)
ANY_MODEL = {
    "float32": tiny.scores(),
    "uint8": tiny.scores("uint8"),
    "int8": tiny.scores("int8"),
    "class map uint8": tiny.class_map("uint8"),
    "class map int32": tiny.class_map("int32"),
    "class map int64": tiny.class_map("int64"),
    "class map of uint8 pixels": tiny.class_map("int32", image_dtype="uint8"),
    "class map of int8 pixels": tiny.class_map("int64", image_dtype="int8"),
}


def request_for(folder: Path, model: bytes, **options) -> Request:
    """One image of red, green and blue through a model of a few bytes."""
    (folder / "any.tflite").write_bytes(model)
    Image.fromarray(colours()).save(folder / "flag.png")
    return Request(
        schema=1,
        model=model_from_path(folder / "any.tflite").request(),
        options=Options(pipeline="lib_interpreter", **options),
        cases=cases_from_files([folder / "flag.png"]),
    )


@pytest.mark.parametrize("name", ANY_MODEL)
def test_any_segmentation_model_runs_by_its_path(tmp_path, name):
    bundle = run_reference(tmp_path, request_for(tmp_path, ANY_MODEL[name], taps=("margin",)))
    result = bundle.result("flag")
    assert (mask_of(tmp_path / "bundle", result) == EXPECTED).all()
    margin = result.taps.get("margin")
    assert (margin.unit if margin else None) == {"float32": "score", "uint8": "step", "int8": "step"}.get(name)


def test_two_images_of_one_name_are_two_cases(tmp_path, project: Project):
    (project.folder / "again").mkdir()
    Image.fromarray(colours()).save(project.folder / "again/flag.png")
    ran = project.run("run", "--model", "tiny", "--image", "models/tiny/flag.png", "again/flag.png", "--out", "out")
    assert ran.code == 0, ran.text
    assert [result.case for result in load_bundle(project.folder / "out").results] == ["flag", "flag-2"]


def test_a_native_crash_is_an_error_with_the_logs_tail(tmp_path, project: Project, monkeypatch):
    """The runtime is killed as a segmentation fault would kill it; nothing of an older run is taken for its answer."""
    import goldmask.targets.python as target

    crashing = tmp_path / "crash.py"
    crashing.write_text(
        "import os, sys; print('tflite: about to fail', file=sys.stderr); os.kill(os.getpid(), 11)", "utf-8"
    )
    monkeypatch.setitem(target.SCRIPTS, ("lib_interpreter", "litert"), str(crashing))
    request = Request.model_validate_json((request_of(project)).read_bytes())
    (tmp_path / "out").mkdir()
    (tmp_path / "out/bundle.json").write_text(json.dumps({"old": True}), "utf-8")
    with pytest.raises(target.RunError, match="about to fail"):
        target.TARGET.session(context_of(project.folder, tmp_path / "logs")).run(request, tmp_path / "out")


def request_of(project: Project):
    ran = project.run("check", "--out", "out")
    assert ran.code == 0, ran.text
    return project.folder / "out/bundles/python/lib_interpreter/tiny/request.json"
