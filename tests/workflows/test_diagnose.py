"""Each bug that an app can have is named; what is no bug, or none that is known, is not called one."""

import numpy as np
import pytest
from buggy import INPUT, INT8, LABELS, App, failed_row, photograph, postprocessing, recipe, save_photos

from goldmask.verdict.hypotheses_decoding import DECODINGS
from goldmask.verdict.hypotheses_mask import permutation
from goldmask.verdict.hypotheses_resize import FRAMINGS, KERNELS
from goldmask.verdict.hypotheses_tensor import LAYOUTS, ORDERS, QUANTISINGS, RANGES
from goldmask.workflows import diagnose
from goldmask.workflows.diagnose import Materials, diagnose_rows
from goldmask.workflows.failed_case import Sides

OF_FLOATS = (*DECODINGS, *FRAMINGS, *KERNELS, *ORDERS, *RANGES, *LAYOUTS)
# The same range as the declared one, which is no bug.
DECLARED = {"minus-one-to-one"}


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Time is not what these tests are about, and a busy machine has little."""
    monkeypatch.setattr(diagnose, "HASHES_S", 60)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """The cases."""
    return save_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture
def diagnosed(tmp_path, photos):
    """The diagnosis of each case of an app whose mask is another than the right one's."""

    def run(app: App, image=INPUT, images=True, only=None):
        cases = {name: case for name, case in photos.items() if only in (None, name)}
        golden, bundle = (each.write(tmp_path / name, cases, image) for each, name in ((App(), "golden"), (app, "now")))
        rows = [failed_row(result.case) for result in bundle.results]
        sides = Sides(tmp_path / "golden", golden, tmp_path / "now", bundle)
        materials = Materials(len(LABELS), image if images else None, cases if images else {})
        return {row.case: row.diagnosis for row in diagnose_rows(rows, sides, materials) if row.diagnosis}

    return run


@pytest.mark.parametrize("bug", [each.name for each in OF_FLOATS if each.name not in DECLARED])
def test_every_bug_before_inference_is_named_by_its_hashes(diagnosed, bug):
    found = diagnosed(App(recipe(bug)))
    for case, each in found.items():
        assert [cause.name for cause in each.causes] == [bug] and each.found_by == "hash", (case, each)
        assert each.certainty == "certain" and "reproduces every byte of the decoded pixels" in each.evidence


@pytest.mark.parametrize("bug", [each.name for each in QUANTISINGS if not each.harmless])
def test_every_bug_of_quantising_is_named(diagnosed, bug):
    for each in diagnosed(App(recipe(bug)), INT8).values():
        assert bug in [cause.name for cause in each.causes] or each.alternatives


@pytest.mark.parametrize("bugs", [("nearest", "bgr"), ("rotated-180", "zero-to-one"), ("bgr", "nchw")])
def test_two_bugs_at_once_are_named(diagnosed, bugs):
    found = diagnosed(App(recipe(*bugs)))
    assert found
    for each in found.values():
        assert {cause.name for cause in each.causes} == set(bugs), each


def test_a_stage_that_is_not_handed_on_is_bridged(diagnosed):
    (found,) = diagnosed(App(recipe("antialiased"), hidden=("resized",)), only="plain").values()
    assert [cause.name for cause in found.causes] == ["antialiased"]


def test_a_right_app_has_no_diagnosis(diagnosed):
    assert diagnosed(App()) == {}


def test_other_arithmetic_is_harmless_and_no_cause(diagnosed):
    for each in diagnosed(App(recipe("rounding-p/s-m/s"), postprocessing("mask-mirrored"))).values():
        assert [cause.name for cause in each.causes] == ["mask-mirrored"]


@pytest.mark.parametrize(
    "bug", ["mask-transposed", "mask-upside-down", "labels-shifted-up", "labels-from-255", "mask-a-row-lower"]
)
def test_a_bug_after_inference_is_named_by_the_mask(diagnosed, bug):
    found = diagnosed(App(mask=postprocessing(bug)))
    assert found
    for each in found.values():
        assert [cause.name for cause in each.causes] == [bug] and each.found_by == "mask", each
        assert "reproduces 576 of 576 pixels; agreement was" in each.evidence


def test_exchanged_classes_are_named(diagnosed):
    found = diagnosed(App(mask=permutation((2, 1, 0))))
    assert {each.causes[0].text for each in found.values()} >= {"classes are counted from the last one downwards"}


def test_masks_alone_are_enough_for_what_comes_after_inference(diagnosed):
    for each in diagnosed(App(mask=postprocessing("mask-transposed")), images=False).values():
        assert each.causes[0].name == "mask-transposed"


def test_an_image_that_is_turned_in_every_case_is_not_one_whose_exif_is_applied_twice(diagnosed):
    assert {each.causes[0].name for each in diagnosed(App(recipe("rotated-90"))).values()} == {"rotated-90"}


def test_exif_that_is_applied_twice_in_the_only_case_that_has_it(diagnosed):
    (alone,) = diagnosed(App(recipe("exif-twice")), only="side").values()
    assert alone.causes[0].name == "exif-twice" and alone.alternatives == ("the image is turned by 90° clockwise",)


def test_a_bug_that_is_no_hypothesis_is_not_explained(diagnosed):
    found = diagnosed(App(flips=200))
    assert len(found) == 3
    for each in found.values():
        assert each.cause is None and each.evidence.startswith("not explained: ") and each.certainty == "none"


def test_a_few_flips_are_no_cause(diagnosed):
    assert {each.cause for each in diagnosed(App(flips=5)).values()} == {None}


def test_time_that_ran_out_is_said(diagnosed, monkeypatch):
    monkeypatch.setattr(diagnose, "HASHES_S", 0)
    (found,) = diagnosed(App(recipe("bgr", "nearest")), only="plain").values()
    assert found.cause is None and found.cut and found.evidence.endswith("(cut for time)")


def test_the_photos_tell_the_directions_apart():
    """What the tests above rest on: no turn of a photo is the photo."""
    pixels = photograph(30, 30)
    turned = [np.rot90(side, k) for side in (pixels, pixels[::-1]) for k in range(4)]
    assert all(not np.array_equal(turned[0], each) for each in turned[1:])
