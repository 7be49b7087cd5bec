"""`doctor`: three states and an ERROR, by target; what could run; exit 3 only for what the project's suites need."""

import io
from pathlib import Path

import pytest
from conftest import Project
from snapshot import assert_snapshot

from goldmask.cli.console import PlainConsole
from goldmask.cli.doctor import show_groups
from goldmask.contract.errors import ExitCode
from goldmask.machine.diagnostics import Diagnostic
from goldmask.workflows.doctor import Group

INTERPRETER, TASK_API = "lib_interpreter", "lib_task_api"
BOTH = frozenset({INTERPRETER, TASK_API})
NOBODY = frozenset[str]()
JDK = Diagnostic("JDK", False, "a JDK is needed and no java is on PATH", "sudo apt-get install openjdk-17-jdk-headless")
OK = Diagnostic("Maven", True, "/usr/bin/mvn")
EXTRA = Diagnostic(
    "arm64 emulation", False, "only --abi arm64-v8a needs it", "sudo apt-get install qemu", optional=True
)
ELSEWHERE = Diagnostic("Xcode", False, "Xcode is needed, which runs on macOS; this is Linux", impossible=True)
BROKEN = Diagnostic("model a", False, "models/a/model.toml: it is no TOML", broken=True)
UNUSED = Diagnostic("model b", False, "models/b/model.toml: it is no TOML", broken=True, optional=True)
NO_TASK_API = Diagnostic(TASK_API, False, "there is no package of it", impossible=True, pipeline=TASK_API)
RUNTIME = Diagnostic(INTERPRETER, False, "the first run installs it", optional=True, pipeline=INTERPRETER)


@pytest.mark.parametrize(
    ("diagnostics", "pipelines", "states", "runs", "whole"),
    [
        ([OK], BOTH, ["ok"], True, True),
        ([OK, JDK], BOTH, ["ok", "missing"], False, False),
        ([OK, JDK], NOBODY, ["ok", "optional"], False, True),
        ([OK, EXTRA], BOTH, ["ok", "optional"], True, True),
        ([ELSEWHERE], BOTH, ["optional"], False, True),
        ([BROKEN], BOTH, ["ERROR"], False, False),
        ([UNUSED], BOTH, ["ERROR"], True, True),
        ([RUNTIME, NO_TASK_API], BOTH, ["optional", "optional"], True, True),
        ([RUNTIME], BOTH, ["optional"], True, True),
        ([NO_TASK_API], BOTH, ["optional"], False, True),
    ],
)
def test_states(diagnostics, pipelines, states, runs, whole):
    group = Group("x", tuple(diagnostics), pipelines)
    assert [group.state(each) for each in diagnostics] == states
    assert (group.runs, group.whole) == (runs, whole)


def test_a_pipeline_that_no_suite_uses_is_not_missed():
    broken = Diagnostic(TASK_API, False, "x", pipeline=TASK_API)
    assert Group("python", (broken,), BOTH).state(broken) == "missing"
    assert Group("python", (broken,), frozenset({INTERPRETER})).state(broken) == "optional"


def test_what_it_looks_like():
    """Nothing is cut at 80 columns, and what is folded stays under its own text."""
    project = (Diagnostic("goldmask.toml", True, "suite default (python, android-jvm)"), BROKEN, UNUSED)
    long = Diagnostic(
        "emulator", False, "the Android SDK in /home/someone/android-sdk lacks " + "platform-tools, " * 4, "x"
    )
    groups = (
        Group("/home/someone/project", project, frozenset({"any"}), is_target=False),
        Group("python", (RUNTIME, NO_TASK_API), BOTH),
        Group("android-device", (long,), NOBODY),
        Group("android-jvm", (JDK, OK, EXTRA), BOTH),
        Group("ios-simulator", (ELSEWHERE,), NOBODY),
    )
    console = PlainConsole(width=80, file=io.StringIO())
    show_groups(groups, console)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert_snapshot("doctor", text)


def without_jdk(project: Project):
    return project.run("doctor", JAVA_HOME="/nowhere")


def test_a_missing_jdk_counts_where_a_suite_runs_on_a_jvm(project: Project):
    ran = without_jdk(project)
    assert ran.code == 0 and "optional JDK: " in ran.text and "can run: python cannot" in ran.text, ran.text
    assert " missing " not in ran.text and "ok lib_interpreter: the reference runtime is installed" in ran.text
    project.edit("goldmask.toml", "[suites.default]", '[suites.default]\ntargets = ["python", "android-jvm"]')
    ran = without_jdk(project)
    assert ran.code == ExitCode.ENVIRONMENT, ran.text
    assert "missing JDK: " in ran.text and "suites of this project need: android-jvm" in ran.text


def test_it_installs_and_downloads_nothing(project: Project, tmp_path: Path):
    cache, uv_cache = tmp_path / "cache", tmp_path / "uv"
    project.edit("models/tiny/model.toml", 'file = "tiny.tflite"', 'urls = ["http://127.0.0.1:9/tiny.tflite"]')
    ran = project.run("doctor", GOLDMASK_CACHE=str(cache), UV_CACHE_DIR=str(uv_cache))
    assert "optional lib_interpreter: its reference runtime is not installed yet" in ran.text, ran.text
    assert "missing model tiny: 2 of 3 files here try: ./goldmask models.fetch --model tiny" in ran.text
    assert ran.code == ExitCode.ENVIRONMENT and "can run: python" in ran.text
    assert not cache.exists() and not list(uv_cache.glob("environments*"))


def test_models_of_suites_must_be_there_and_right_others_need_not(project: Project, tmp_path: Path):
    (project.folder / "models/other").mkdir()
    (project.folder / "models/other/model.toml").write_text("schema = 1\n", "utf-8")
    ran = project.run("doctor", GOLDMASK_MIRROR=str(tmp_path))
    assert ran.code == 0 and "ERROR model other: " in ran.text and f"ok mirror: {tmp_path}" in ran.text, ran.text
    project.edit("goldmask.toml", '["tiny"]', '["tiny", "other", "tyni"]')
    ran = project.run("doctor", GOLDMASK_MIRROR=str(tmp_path / "nowhere"))
    assert ran.code == ExitCode.ENVIRONMENT and "ERROR model tyni: " in ran.text and "did you mean tiny" in ran.text
    assert "ERROR mirror: " in ran.text and "nowhere is no folder" in ran.text
