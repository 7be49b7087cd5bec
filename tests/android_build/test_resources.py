"""A library module with resources and coroutines, compiled as it is: aapt2 makes its R."""

import shutil

import pytest
from conftest import REPO
from needs import need

from goldmask.android_build.dependency_lock import load_lock, wanted_by
from goldmask.android_build.gradle_files import load_project
from goldmask.android_build.jdk import find_jdk
from goldmask.android_build.kotlin import Kotlin
from goldmask.android_build.resources import resource_classes
from goldmask.contract.errors import RunError

SHAPE = REPO / "tests/android/shapes/library_with_resources"


def builder(folder, logs) -> Kotlin:
    need("jdk", "maven")
    return Kotlin(load_project(folder, ["segmentation"]), load_lock(SHAPE), find_jdk(), logs)


def test_its_lock_is_of_its_gradle_files():
    project = load_project(SHAPE, ["segmentation"])
    assert set(load_lock(SHAPE).dependencies) == set(wanted_by(project, ["segmentation"]).together)


@pytest.mark.rig
def test_a_library_with_resources_compiles(tmp_path):
    kotlin = builder(SHAPE, tmp_path)
    (r,) = resource_classes(kotlin, "segmentation")
    assert (r / "com/example/segmentation/R$raw.class").is_file()
    first, *_ = kotlin.class_path("segmentation", (), "", [r])
    assert (first / "com/example/segmentation/Labels.class").is_file()
    assert resource_classes(kotlin, "segmentation") == [r]


@pytest.mark.rig
def test_resources_that_do_not_compile_say_why(tmp_path):

    shutil.copytree(SHAPE, tmp_path / "shape")
    strings = tmp_path / "shape/segmentation/src/main/res/values/strings.xml"
    strings.write_text(strings.read_text("utf-8").replace("<dimen", "<dimensions"), "utf-8")
    with pytest.raises(RunError, match="do not compile"):
        resource_classes(builder(tmp_path / "shape", tmp_path), "segmentation")
