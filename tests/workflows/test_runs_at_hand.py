"""The runs that are laid over each other are those of the folders of a report."""

import shutil

import pytest
from conftest import REPO

from goldmask.workflows.three_way import agreements_of


def test_a_pipeline_of_the_app_is_a_run_of_its_own(tmp_path):
    """Its bundle has the name of the pipeline whose goldens it is held against, its folder its own."""
    for pipeline in ("lib_interpreter", "mediapipe"):
        shutil.copytree(REPO / "tests/samples", tmp_path / "bundles/android-device" / pipeline / "tiny")
    (found,) = agreements_of(tmp_path, tmp_path / "bundles", "tiny", ["flag"])
    runs = {found.one, found.other}
    assert runs == {"android-device · lib_interpreter", "android-device · mediapipe"}


@pytest.fixture
def bundles(tmp_path):
    """Two runs of `tiny`."""
    for target in ("android-device", "ios-host"):
        shutil.copytree(REPO / "tests/samples", tmp_path / "bundles" / target / "lib_interpreter/tiny")
    return tmp_path / "bundles"


def test_only_the_cases_that_are_asked_for_are_laid_over_each_other(tmp_path, bundles):
    assert agreements_of(tmp_path, bundles, "tiny", []) == []
    assert agreements_of(tmp_path, bundles, "tiny", ["nobody"]) == []
    assert agreements_of(tmp_path, bundles, "other", ["flag"]) == []


def test_a_run_that_cannot_be_read_is_left_out(tmp_path, bundles):
    (bundles / "ios-host/lib_interpreter/tiny/bundle.json").write_text("{", "utf-8")
    assert agreements_of(tmp_path, bundles, "tiny", ["flag"]) == []


def test_a_run_whose_mask_is_missing_is_left_out(tmp_path, bundles):
    for mask in (bundles / "ios-host/lib_interpreter/tiny/masks").iterdir():
        mask.unlink()
    assert agreements_of(tmp_path, bundles, "tiny", ["flag"]) == []
