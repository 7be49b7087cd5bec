"""`scaling = "own"`: what an app hands on is held against its kernel; from there on the reference judges."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from app_scaling import MODEL, OURS, OWN, rows_of
from conftest import REPO
from PIL import Image
from running import context_of, run_target

from goldmask.contract.bundle import Bundle, Predicted, Request, RequestCase, Tap, TargetInfo
from goldmask.contract.errors import ExitCode
from goldmask.contract.files import sha256_of
from goldmask.contract.image import decode
from goldmask.contract.options import Options
from goldmask.project.case import fetch_case
from goldmask.project.config import Config
from goldmask.project.golden import load_golden
from goldmask.project.model import fetch_model, golden_folder, load_spec, model_folder
from goldmask.verdict.compare import Judged, Verdict
from goldmask.verdict.kernels import scale
from goldmask.workflows import scaling
from goldmask.workflows.scaling import handed_on_taps

pytestmark = pytest.mark.project

CASE, KERNEL = "wide", "platform bilinear"
SIDE = 129


def variants(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """What apps may feed the model for one image: right by their kernel, and wrong in every way."""
    right = scale(pixels, SIDE, SIDE, KERNEL)
    return {
        "right": right,
        "area": scale(pixels, SIDE, SIDE, "opencv area"),
        "nearest": np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.NEAREST)),
        "crop": scale(pixels[8:-8, 8:-8], SIDE, SIDE, KERNEL),
        "flip": right[:, ::-1],
        "bgr": right[..., ::-1],
        "dark": right // 2,
    }


@pytest.fixture(scope="module")
def predicted(tmp_path_factory) -> tuple[Request, Path, Bundle]:
    """The request of one case, and what its model really predicts of each variant."""
    folder = tmp_path_factory.mktemp("predicted")
    spec = load_spec(REPO, MODEL)
    case = fetch_case(next(case for case in spec.cases if case.id == CASE), model_folder(REPO, MODEL))
    options = Options(pipeline="lib_interpreter", taps=("resized", "tensor"))
    request = Request(schema=1, model=fetch_model(REPO, MODEL, spec).request(), options=options, cases=(case,))
    images = []
    for name, pixels in variants(decode(Path(case.file), case.orientation)).items():
        path = folder / f"{name}.png"
        Image.fromarray(np.ascontiguousarray(pixels)).save(path)
        images.append(RequestCase(id=name, file=str(path), sha256=sha256_of(path)))
    ran = request.model_copy(update={"cases": tuple(images)})
    return request, folder / "out", run_target("python", ran, folder / "out", context_of(REPO, folder / "logs"))


class App:
    """An app's bundle, made of what the model predicts of one variant; what it hands on may be of others."""

    def __init__(self, predicted: tuple[Request, Path, Bundle], tmp_path: Path) -> None:
        self.request, self.source, self.bundle = predicted
        self.folder, self.tmp_path = tmp_path / "app", tmp_path

    def judge(
        self, mask: str = "right", *, kernel: str | None = KERNEL, platform: str = "android", config=OWN, **taps: str
    ) -> Judged:
        """The row of the app that feeds the model `mask`; `resized` and `tensor` are variants that it hands on."""
        shutil.copytree(self.source, self.folder, dirs_exist_ok=True)
        result = self.bundle.result(mask)
        others = {name: self.bundle.result(variant) for name, variant in taps.items()}
        result = result.model_copy(
            update={
                "case": CASE,
                "image_sha256": self.request.cases[0].sha256,
                "scaling": kernel,
                "taps": {name: other.taps[name] for name, other in others.items()},
                "stages": result.stages.model_copy(
                    update={"decoded": None} | {name: getattr(other.stages, name) for name, other in others.items()}
                ),
            }
        )
        return self.judge_result(result, platform, config)

    def judge_result(self, result: Predicted, platform: str = "android", config=OWN) -> Judged:
        target = TargetInfo(name="android-jvm", kind="jvm", platform=platform, abi="x86_64", os="any")
        bundle = self.bundle.model_copy(update={"results": (result,), "target": target})
        return rows_of(self.request, bundle, self.folder, self.tmp_path, config)[CASE]


@pytest.fixture
def app(predicted, tmp_path) -> App:
    return App(predicted, tmp_path)


@pytest.mark.parametrize("handed_on", [("resized",), ("tensor",), ("resized", "tensor")])
def test_a_correct_app_is_green_from_its_own_scaling_on(app, handed_on):
    row = app.judge(**dict.fromkeys(handed_on, "right"))
    assert (row.verdict, row.exit_code, row.picture) == (Verdict.PASS, ExitCode.OK, None), row.reason
    assert (row.scaling.kernel, row.scaling.levels_max) == (KERNEL, 0) and row.scaling.flips > 3
    begin = f"your scaling ({KERNEL}) differs from ours: {row.scaling.flips} flips; from there on all agree"
    assert row.reason.startswith(begin) and row.metrics.differing == 0


def test_its_twin_without_the_setting_is_red(app):
    row = app.judge(resized="right", config=OURS)
    assert row.verdict is Verdict.FAIL and row.scaling is None and row.picture
    assert row.stages.first_difference == "resized"


@pytest.mark.parametrize("bug", ["nearest", "crop", "flip", "bgr", "area"])
@pytest.mark.parametrize("stage", ["resized", "tensor"])
def test_pixels_that_are_not_the_kernels_are_red_and_named(app, bug, stage):
    row = app.judge(bug, **{stage: bug})
    assert (row.verdict, row.exit_code) == (Verdict.FAIL, ExitCode.MASKS_DIFFER) and row.picture
    assert f"not of '{KERNEL}': up to" in row.reason and "(at most 2 and 0.25)" in row.reason
    assert row.stages.first_difference == stage and row.reason.count("first difference") == 1


@pytest.mark.parametrize("bug", ["bgr", "dark"])
def test_a_tensor_that_is_not_of_the_apps_own_pixels_is_red_and_named(app, bug):
    row = app.judge(bug, resized="right", tensor=bug)
    assert row.verdict is Verdict.FAIL and row.stages.first_difference == "tensor"
    assert "levels from the app's own pixels" in row.reason and row.reason.endswith("first difference: input tensor")


@pytest.mark.parametrize("mask", ["bgr", "flip"])
def test_a_mask_that_is_not_of_what_was_handed_on_is_red(app, mask):
    row = app.judge(mask, resized="right", tensor="right")
    assert row.verdict is Verdict.FAIL and row.exit_code is ExitCode.MASKS_DIFFER
    assert "from there on" in row.reason and "confident flips (at most 0)" in row.reason
    assert "the difference is made by inference or after it" in row.reason


def test_who_names_no_kernel_is_not_excused(app):
    row = app.judge(kernel=None, resized="right")
    assert row.verdict is Verdict.FAIL and row.scaling is None
    assert 'scaling = "own" excuses nothing: the app names no kernel' in row.reason


def test_who_hands_nothing_on_is_not_excused(app):
    row = app.judge()
    assert row.verdict is Verdict.FAIL and "hands on neither its pixels nor its tensor" in row.reason


def test_androids_kernel_is_not_that_of_other_platforms(app):
    row = app.judge(resized="right", platform="ios")
    assert (row.verdict, row.exit_code) == (Verdict.ERROR, ExitCode.ENVIRONMENT)
    assert "cannot compute that of ios" in row.reason
    assert app.judge("area", resized="area", kernel="opencv area", platform="ios").verdict is Verdict.PASS


def test_without_opencv_its_kernels_are_an_error(app, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    row = app.judge("area", resized="area", kernel="opencv area")
    assert (row.verdict, row.exit_code) == (Verdict.ERROR, ExitCode.ENVIRONMENT)
    assert "goldmask[opencv]" in row.reason


@pytest.mark.parametrize(
    ("stage", "data", "sentence"),
    [
        ("resized", bytes(10), "10 bytes as resized"),
        ("tensor", bytes(10), "10 bytes as tensor"),
        ("tensor", np.full(3 * SIDE * SIDE, np.nan, np.float32).tobytes(), "no numbers"),
        ("tensor", bytes(1 << 20), "the limit is"),
    ],
)
def test_what_cannot_be_an_input_is_an_error(app, stage, data, sentence):
    shutil.copytree(app.source, app.folder)
    (app.folder / "taps/bad.bin").write_bytes(data)
    sha256 = sha256_of(app.folder / "taps/bad.bin")
    result = app.bundle.result("right")
    bad = result.model_copy(
        update={
            "case": CASE,
            "image_sha256": app.request.cases[0].sha256,
            "scaling": KERNEL,
            "taps": {stage: Tap(file="taps/bad.bin", sha256=sha256)},
            "stages": result.stages.model_copy(update={stage: sha256}),
        }
    )
    row = app.judge_result(bad)
    assert (row.verdict, row.exit_code) == (Verdict.ERROR, ExitCode.RUN) and sentence in row.reason


def test_a_reference_that_cannot_run_is_an_error(app, monkeypatch):
    monkeypatch.setattr(scaling, "runtime_of", lambda runtime: "nonsense")
    row = app.judge(resized="right")
    assert (row.verdict, row.exit_code) == (Verdict.ERROR, ExitCode.USAGE) and "no runtime 'nonsense'" in row.reason


def test_a_reference_of_another_runtime_than_the_goldens_is_named(app, monkeypatch):
    monkeypatch.setattr(scaling, "same_runtime", lambda one, other: False)
    row = app.judge(resized="right")
    assert row.verdict is Verdict.PASS and "; there LiteRT Interpreter" in row.reason


def test_nothing_is_run_for_a_mask_that_agrees_with_the_golden(app, monkeypatch):
    monkeypatch.setattr(scaling, "_run_reference", lambda *words: pytest.fail("it ran"))
    golden = load_golden(golden_folder(REPO, MODEL, "lib_interpreter"))
    shutil.copytree(golden.folder, app.folder)
    row = app.judge_result(golden.bundle.result(CASE))
    assert row.verdict is Verdict.PASS and row.scaling is None


def test_intermediate_outputs_are_asked_for_only_where_they_may_be_needed():
    ours, own = Config.model_validate(OURS), Config.model_validate(OWN)
    assert handed_on_taps(ours, MODEL, "lib_interpreter", "android-jvm") == ()
    assert handed_on_taps(own, MODEL, "lib_interpreter", "android-jvm") == ("resized", "tensor")
    assert handed_on_taps(own, MODEL, "lib_interpreter", "python") == ()
    override = {"reason": "it scales by itself", "model": MODEL, "tolerances": {"scaling": "own"}}
    some = Config.model_validate(OURS | {"overrides": [override]})
    assert handed_on_taps(some, MODEL, "lib_interpreter", "android-jvm") == ("resized", "tensor")
    assert handed_on_taps(some, "other", "lib_interpreter", "android-jvm") == ()
