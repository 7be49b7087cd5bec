"""Each bug is named by its masks alone, where a target hands on no hashes; what comes from a runtime is no bug."""

import buggy
import numpy as np
import pytest
from buggy import INPUT, LABELS, App, NumpyReference, failed_row, postprocessing, recipe, save_photos

from goldmask.contract.errors import RunError
from goldmask.verdict.hypotheses_mask import permutation
from goldmask.workflows import by_reference, diagnose
from goldmask.workflows.diagnose import Materials, diagnose_rows
from goldmask.workflows.failed_case import Sides

HIDDEN = ("decoded", "resized", "tensor")
BUGS = (
    "exif-ignored", "rotated-180", "mirrored", "upside-down", "premultiplied-alpha", "centre-crop", "letterbox",
    "nearest", "bicubic", "bgr", "gray", "rgba-as-rgb", "zero-to-one", "raw", "imagenet", "inverted", "signed-bytes",
    "nchw",
)  # fmt: skip


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Time is not what these tests are about, and a busy machine has little."""
    monkeypatch.setattr(diagnose, "HASHES_S", 60)
    monkeypatch.setattr(by_reference, "CASE_S", 60)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """The cases."""
    return save_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture
def diagnosed(tmp_path, photos):
    """The diagnosis of each case of an app whose mask is another than the right one's."""

    def run(app: App, reference=None, predict=buggy.predicted):
        golden = App().write(tmp_path / "golden", photos)
        bundle = app.write(tmp_path / "now", photos, predict=predict)
        rows = [failed_row(name) for name in photos]
        materials = Materials(len(LABELS), INPUT, photos, reference or NumpyReference(), budget_s=600)
        sides = Sides(tmp_path / "golden", golden, tmp_path / "now", bundle)
        return {row.case: row.diagnosis for row in diagnose_rows(rows, sides, materials) if row.diagnosis}

    return run


def names(found) -> dict[str, set[str]]:
    """The causes of each case that has any."""
    return {case: {cause.name for cause in each.causes} for case, each in found.items() if each.cause}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_before_inference_is_named_by_the_mask(diagnosed, bug):
    found = names(diagnosed(App(recipe(bug), hidden=HIDDEN)))
    assert found and set(map(frozenset, found.values())) == {frozenset([bug])}


def test_what_makes_the_same_of_every_case_is_named_as_well(diagnosed):
    """In a square tensor, columns first is a transposed image."""
    for each in diagnosed(App(recipe("columns-first"), hidden=HIDDEN)).values():
        assert each.causes[0].name == "image-transposed"
        assert each.alternatives == ("the tensor is written column by column",)


@pytest.mark.parametrize("bug", ["threshold-0.5", "wrong-axis", "lowest-score", "background-left-out"])
def test_a_bug_that_only_scores_show_is_named(diagnosed, bug):
    found = names(diagnosed(App(mask=postprocessing(bug))))
    assert found and set(map(frozenset, found.values())) == {frozenset([bug])}


@pytest.mark.parametrize(
    ("before", "after"), [(("bgr", "nearest"), None), (("rotated-90", "raw"), None), (("bgr",), "mask-transposed")]
)
def test_two_bugs_at_once_are_named(diagnosed, before, after):
    app = App(recipe(*before), after and postprocessing(after), hidden=HIDDEN)
    found = names(diagnosed(app))
    assert found and all(each == {*before, *filter(None, [after])} for each in found.values()), found


def test_what_comes_after_a_bug_that_hashes_show_is_named_too(diagnosed):
    found = names(diagnosed(App(recipe("bgr"), permutation((1, 0, 2)))))
    assert {frozenset(each) for each in found.values()} == {frozenset(["bgr", "labels-permuted"])}


def test_of_two_bugs_the_one_that_changes_little_is_named_too(diagnosed):
    """The mask alone would say that it is only turned; the hashes say that there is more."""
    found = names(diagnosed(App(recipe("minus-128"), postprocessing("mask-upside-down"))))
    assert {frozenset(each) for each in found.values()} == {frozenset(["minus-128", "mask-upside-down"])}


def test_an_app_that_hands_over_an_image_is_explained_by_images(diagnosed):
    """As for the Task Library, which makes the tensor itself."""
    found = names(diagnosed(App(recipe("bgr"), hidden=HIDDEN[1:]), NumpyReference(of_tensors=False)))
    assert set(map(frozenset, found.values())) == {frozenset(["bgr"])}


@pytest.mark.parametrize("hidden", [(), HIDDEN])
@pytest.mark.parametrize("runtime", ["half precision", "noise"])
def test_another_runtime_is_no_bug_of_an_app(diagnosed, runtime, hidden):
    """Half precision, another kernel: scores are a little other ones, and near-ties flip."""

    def rounded(tensor):
        return buggy.predicted(tensor).astype(np.float16).astype(np.float32)

    def noisy(tensor):
        scores = buggy.predicted(tensor)
        return scores + np.random.default_rng(3).normal(0, 0.05, scores.shape).astype(np.float32)

    found = diagnosed(App(hidden=hidden), predict={"half precision": rounded, "noise": noisy}[runtime])
    assert {each.cause for each in found.values()} <= {None}, found


def test_what_explained_one_case_is_tried_first_on_the_next(diagnosed):
    reference = NumpyReference()
    found = diagnosed(App(recipe("bgr"), hidden=HIDDEN), reference)
    assert len(found) == 3 and reference.asked < 3 * 30


def test_a_reference_that_does_not_run_is_said(diagnosed):
    class Broken(NumpyReference):
        """One that is not installed."""

        def predict_tensors(self, tensors, scored, budget_s):
            raise RunError("there is no LiteRT", fix="./goldmask doctor")

    for each in diagnosed(App(recipe("bgr"), hidden=HIDDEN), Broken()).values():
        assert each.cause is None and "no predictions, as there is no LiteRT" in each.evidence


def test_no_case_is_searched_when_the_time_for_all_is_over(diagnosed, monkeypatch):
    monkeypatch.setattr(diagnose, "deadline", lambda seconds, clock=None: lambda: True)
    for each in diagnosed(App(recipe("bgr"), hidden=HIDDEN)).values():
        assert each.cut and each.evidence.endswith("(cut for time)")
