"""A stranger's Android app that scales as Android does: green from there on when it is right, red where it is not."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO, Ran, run_program
from jvm import jvm_context
from needs import need
from PIL import Image
from running import run_target

from goldmask.contract.bundle import Request
from goldmask.contract.options import Options
from goldmask.project.case import cases_from_files
from goldmask.project.model import fetch_model, load_spec
from goldmask.verdict.kernels import scale

pytestmark = pytest.mark.rig

BUG = "com.example.camera.BuggyCameraGoldenTest"
OWN = '[tolerances]\nscaling = "own"\n'


def check(folder: Path, bug: str) -> tuple[Ran, dict[str, dict]]:
    """`check` of three images in a project with the app that has this bug."""
    need("jdk")
    (folder / "models").mkdir(parents=True)
    (folder / "models/shapes").symlink_to(REPO / "models/shapes")
    (folder / "goldmask.toml").write_text(
        'schema = 1\n[suites.default]\nmodels = ["shapes"]\npipelines = ["lib_interpreter"]\n'
        f'targets = ["android-jvm"]\n{OWN}[android]\nfolder = "{REPO / "tests/android/foreign"}"\n'
        f'[android.lib_interpreter]\nmodule = "camera_app"\ntest = "{BUG}"\n',
        "utf-8",
    )
    words = ("check", "--case", "square", "--case", "wide", "--case", "model-size", "--out", folder / "out")
    ran = run_program(folder, *words, JAVA_TOOL_OPTIONS=f"-Dcamera.bug={bug}")
    report = json.loads((folder / "out/report.json").read_text("utf-8"))
    return ran, {row["case"]: row for row in report["comparisons"]}


def test_the_correct_app_is_green_from_its_own_scaling_on(tmp_path):
    ran, rows = check(tmp_path, "none")
    assert ran.code == 0, ran.text
    assert rows["model-size"]["scaling"] is None  # nothing was scaled
    for case in ("square", "wide"):
        assert rows[case]["verdict"] == "PASS" and rows[case]["scaling"]["levels_max"] == 0
        assert rows[case]["reason"].startswith("your scaling (platform bilinear) differs from ours: ")
        assert "from there on all agree" in rows[case]["reason"]


@pytest.mark.parametrize(("bug", "stage"), [("nearest", "resized"), ("bgr", "tensor"), ("zero-to-one", "tensor")])
def test_a_bug_is_red_and_named_by_its_stage(tmp_path, bug, stage):
    ran, rows = check(tmp_path, bug)
    assert ran.code == 10, ran.text
    for case in ("square", "wide"):
        assert rows[case]["verdict"] == "FAIL" and rows[case]["stages"]["first_difference"] == stage
        assert rows[case]["reason"].endswith({"resized": "resized pixels", "tensor": "input tensor"}[stage])


def test_what_android_scales_is_what_is_computed_here(tmp_path):
    rng, files = np.random.default_rng(18), []
    for width, height in ((257, 257), (640, 480), (77, 300), (129, 1)):
        files.append(tmp_path / f"{width}x{height}.png")
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(files[-1])
    request = Request(
        schema=1,
        model=fetch_model(REPO, "shapes", load_spec(REPO, "shapes")).request(),
        options=Options(pipeline="lib_interpreter", resize="platform", taps=("resized",)),
        cases=cases_from_files(files),
    )
    bundle = run_target("android-jvm", request, tmp_path / "out", jvm_context(tmp_path, resize="platform"))
    for file, result in zip(files, bundle.results, strict=True):
        pixels = np.fromfile(tmp_path / "out" / result.taps["resized"].file, np.uint8).reshape(129, 129, 3)
        assert result.scaling == "platform bilinear"
        assert np.array_equal(pixels, scale(np.asarray(Image.open(file)), 129, 129, result.scaling))
