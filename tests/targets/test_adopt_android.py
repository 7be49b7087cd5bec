"""The tutorial for one's own Android app, typed as it is written: settings, test, TOML, commands."""

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import REPO, run_program
from needs import need
from tutorials import commands

PAGE = (REPO / "docs/adopt-android.md").read_text("utf-8")
FOREIGN = REPO / "tests/android/foreign"
TEST = "camera_app/src/sharedTest/kotlin/com/example/camera/CameraGoldenTest.kt"
BEFORE = """schema = 1
[suites.default]
models = ["shapes"]
pipelines = ["lib_interpreter"]
targets = ["python"]
"""


def blocks(language: str) -> list[str]:
    """The code blocks of the page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def repository(tmp_path) -> Path:
    """The reader's repository: models with goldens, goldmask as a submodule, and an app that never heard of it."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models/shapes").symlink_to(REPO / "models/shapes")
    (tmp_path / "goldmask").symlink_to(REPO)
    (tmp_path / "goldmask.toml").write_text(BEFORE, "utf-8")
    shutil.copytree(FOREIGN, tmp_path / "android", ignore=shutil.ignore_patterns("sharedTest", "*.lock.toml", "build"))
    (tmp_path / "android/settings.gradle.kts").write_text('include(":camera_app")\n', "utf-8")
    return tmp_path


@pytest.mark.rig
def test_the_tutorial_as_it_is_written(repository):
    need("jdk", "maven")
    settings, golden_test = blocks("kotlin")
    toml, scaling, _ = blocks("toml")
    path = repository / re.search(r"^`(android/\S+\.kt)`", PAGE, re.MULTILINE)[1]
    path.parent.mkdir(parents=True)
    path.write_text(golden_test, "utf-8")
    for name, added in (("android/settings.gradle.kts", settings), ("goldmask.toml", toml)):
        with (repository / name).open("a", encoding="utf-8") as file:
            file.write(added)
    lock, check, again = commands("adopt-android.md")
    printed = typed(repository, *lock)
    assert "resolve libraries, round 1: " in printed and "dependencies.lock.toml: " in printed
    typed(repository, *check)
    report = json.loads((repository / "build/check/report.json").read_text("utf-8"))
    verdicts = {each["case"]: each for each in report["comparisons"] if each["target"] == "android-jvm"}
    assert verdicts["model-size"]["verdict"] == "PASS" and "camera app 1.0" in verdicts["model-size"]["runtime"]
    assert verdicts["large"]["verdict"] == "FAIL"
    with (repository / "goldmask.toml").open("a", encoding="utf-8") as file:
        file.write(scaling)
    typed(repository, *again)


def typed(repository: Path, words: list[str], code: int) -> str:
    """What a command of the page prints, having ended with the exit code that the page says."""
    ran = run_program(repository, *words[1:])
    assert ran.code == code, (words, ran.text)
    return ran.text


def test_it_takes_two_lines_one_class_and_three_lines():
    settings, golden_test = blocks("kotlin")
    toml, *_ = blocks("toml")
    assert (settings.count("\n"), toml.count("\n")) == (2, 3)
    assert golden_test == (FOREIGN / TEST).read_text("utf-8")
    assert [code for _, code in commands("adopt-android.md")] == [0, 10, 0]
