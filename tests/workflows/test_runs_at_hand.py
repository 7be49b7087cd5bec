"""The runs that are laid over each other are those of the folders of a report."""

import shutil

from conftest import REPO

from goldmask.workflows.three_way import agreements_of


def test_a_pipeline_of_the_app_is_a_run_of_its_own(tmp_path):
    """Its bundle has the name of the pipeline whose goldens it is held against, its folder its own."""
    for pipeline in ("lib_interpreter", "mediapipe"):
        shutil.copytree(REPO / "tests/samples", tmp_path / "bundles/android-device" / pipeline / "tiny")
    (found,) = agreements_of(tmp_path, tmp_path / "bundles", "tiny", ["flag"])
    runs = {found.one, found.other}
    assert runs == {"android-device · lib_interpreter", "android-device · mediapipe"}
