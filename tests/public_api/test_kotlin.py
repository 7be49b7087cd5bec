"""The Kotlin that adopters compile against: what Kotlin's abi-tools see in the classes of two modules."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import REPO
from jvm import builder

from goldmask.android_build.jdk import QUICK
from goldmask.android_build.kotlin import Kotlin
from goldmask.machine import shell
from public_api import assert_held

pytestmark = pytest.mark.rig

PRINTER = Path(__file__).with_name("PrintApi.java")
DEADLINE_S = 120


def public_api(kotlin: Kotlin, module: str, logs: Path) -> str:
    """The public API of a module, in the format and order that Kotlin's own Gradle plugin writes it in."""
    jars = os.pathsep.join(map(str, kotlin.libraries(["tool-abi"])))
    classes = kotlin.compile(module)[f"{module}-main"]
    argv = [kotlin.jdk.java, *QUICK, "-cp", jars, PRINTER, classes]
    done = shell.run(argv, log=logs / "api.log", deadline_s=DEADLINE_S)
    assert done.code == 0, done.log_tail(20)
    return done.stdout.rstrip() + "\n"


@pytest.mark.parametrize("module", ["segmenter", "golden"])
def test_the_api_is_what_its_file_says(module, tmp_path):
    assert_held(REPO / f"android/{module}/api/{module}.api", public_api(builder(tmp_path), module, tmp_path))


def test_a_change_is_seen(tmp_path):
    """Its twin: a type, a parameter and a class that reviewers have not seen."""
    android = tmp_path / "android"
    shutil.copytree(REPO / "android/gradle", android / "gradle")
    shutil.copytree(REPO / "android/segmenter", android / "segmenter")
    (android / "settings.gradle.kts").write_text('include(":segmenter")\n', "utf-8")
    path = android / "segmenter/src/main/kotlin/org/goldmask/segmenter/Segmenter.kt"
    text = path.read_text("utf-8")
    for old, new in (
        ("val index: Int,\n    val kind", "val index: Long,\n    val kind"),
        ("fun segment(image: Bitmap)", "fun segment(image: Bitmap, quickly: Boolean)"),
        ("/** How to run a model. */", "class Unseen\n\n/** How to run a model. */"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")
    api = public_api(builder(tmp_path, android), "segmenter", tmp_path)
    with pytest.raises(AssertionError, match="write the file anew") as caught:
        assert_held(REPO / "android/segmenter/api/segmenter.api", api)
    assert "GOLDMASK_WRITE_API=1" in str(caught.value) and "test_kotlin.py::test_a_change_is_seen'" in str(caught.value)
    for line in (
        "-\tpublic final fun getIndex ()I",
        "+\tpublic final fun getIndex ()J",
        "-\tpublic abstract fun segment (Landroid/graphics/Bitmap;)",
        "+\tpublic abstract fun segment (Landroid/graphics/Bitmap;Z)",
        "+public final class org/goldmask/segmenter/Unseen {",
    ):
        assert f"\n{line}" in str(caught.value)
