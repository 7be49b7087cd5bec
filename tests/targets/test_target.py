"""The interface of targets: a sixth one is a file, and everything that walks the table of targets knows it."""

import json
from pathlib import Path

import pytest
import tiny
from conftest import REPO, Project, run_program

from goldmask.contract.errors import ExitCode, UsageError
from goldmask.project.options import OPTIONS
from goldmask.targets.target import check_used, find_target, target_names

TOY = '''
"""A toaster."""

from goldmask.contract.bundle import Bundle
from goldmask.contract.errors import EnvironmentMissing
from goldmask.machine.diagnostics import Diagnostic
from goldmask.targets.target import Session, Target


class ToySession(Session):
    """Never comes to be ready."""

    def prepare(self, pipeline):
        raise EnvironmentMissing("no toaster is plugged in", fix="plug one in")

    def predict(self, request, out, on_case) -> Bundle:
        raise AssertionError("a target that is not ready is not run")


class Toy(Target):
    """A toaster."""

    name = "toaster"
    options = frozenset({"threads"})
    delegates = ("xnnpack",)

    def needs(self, context):
        yield Diagnostic("slot", False, "no toaster is plugged in", "plug one in")

    def session(self, context):
        return ToySession(self, context)


TARGET = Toy()
'''
# The program, with one more folder where targets are found.
START = """
import runpy, sys

sys.path.insert(0, {python!r})
import goldmask.targets as room

room.__path__.append({folder!r})
sys.argv[0] = {program!r}
runpy.run_path({program!r}, run_name="__main__")
"""


@pytest.fixture
def with_toaster(project: Project, tmp_path):
    """The real program with a sixth target that is one file."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "toaster.py").write_text(TOY, "utf-8")
    start = START.format(python=str(REPO / "python"), folder=str(folder), program=str(REPO / "tasks.py"))

    def run(*words: str | Path):
        return run_program(project.folder, *words, start=("-c", start))

    return run


def test_there_are_five_and_each_says_what_it_is():
    assert target_names() == ("python", "android-device", "android-jvm", "ios-host", "ios-simulator")
    for name in target_names():
        target = find_target(name)
        assert target.name == name and target.pipelines and target.delegates and target.options <= set(OPTIONS)


def test_a_sixth_target_is_one_file(with_toaster, project):
    asked = with_toaster("check", "--target", "toaster")
    assert asked.code == ExitCode.ENVIRONMENT and "no toaster is plugged in" in asked.text
    doctor = with_toaster("doctor")
    assert doctor.code == 0 and "optional slot: no toaster is plugged in" in doctor.text
    project.edit("goldmask.toml", "[suites.default]", '[suites.default]\ntargets = ["python", "toaster"]')
    doctor = with_toaster("doctor")
    assert doctor.code == ExitCode.ENVIRONMENT and "missing slot: no toaster is plugged in" in doctor.text
    skipped = with_toaster("check")
    assert (
        skipped.code == 0
        and "SKIP 2 cases of tiny on toaster (lib_interpreter): no toaster is plugged in" in skipped.text
    )
    assert "try: plug one in" in skipped.text
    unknown = with_toaster("check", "--target", "toastr")
    assert unknown.code == ExitCode.USAGE and "did you mean toaster?" in unknown.text
    assert "|toaster" in unknown.text


def test_without_that_file_there_is_no_such_target(project):
    ran = project.run("check", "--target", "toaster")
    assert ran.code == ExitCode.USAGE and "--target 'toaster' is not known" in ran.text


def test_a_pipeline_that_assumes_nothing_is_told_no_assumption(with_toaster, project):
    """The Task Library reads the normalisation of the file itself. Told or not, it is before a target runs."""
    project.declare(tiny.scores(), extra="# no mean, no std\n")
    project.edit("models/tiny/model.toml", '["lib_interpreter"]', '["lib_interpreter", "lib_task_api"]')
    words = ("check", "--target", "toaster", "--pipeline")
    assert "(pixel - 127.5) / 127.5 was assumed" in with_toaster(*words, "lib_interpreter").text
    assert "assumed" not in with_toaster(*words, "lib_task_api").text


def test_an_option_that_no_chosen_target_uses(project, with_toaster):
    ran = project.run("check", "--target", "python", "--device", "0123")
    assert ran.code == ExitCode.USAGE and "--device has no effect on python" in ran.text
    assert "--target android-device" in ran.text
    assert "--runtime has no effect on toaster" in with_toaster("check", "--target", "toaster", "--runtime", "x").text


def test_a_delegate_that_one_target_lacks_is_that_targets_error(project: Project):
    project.edit("goldmask.toml", "[suites.default]", "[options.python]\ndelegate = 'gpu'\n[suites.default]")
    ran = project.run("check")
    assert ran.code == ExitCode.RUN and "target python has no delegate 'gpu'" in ran.text
    report = json.loads((project.folder / "build/check/report.json").read_text("utf-8"))
    assert {(row["target"], row["verdict"]) for row in report["comparisons"]} == {("python", "ERROR")}


def test_a_delegate_that_no_chosen_target_has_is_a_mistake(project: Project):
    ran = project.run("check", "--delegate", "gpu")
    assert ran.code == ExitCode.USAGE and "there is no delegate 'gpu' on python" in ran.text
    assert not (project.folder / "build/check").exists()
    with pytest.raises(UsageError, match="no delegate 'nnapi' on python or ios-host"):
        check_used({"delegate": "nnapi"}, ["python", "ios-host"])
    check_used({"delegate": "gpu"}, ["python", "android-device"])  # it is python's error alone


def test_how_apps_scale_is_not_said_to_the_reference():
    """`[options] resize = "platform"` is of the apps; what is golden is scaled in one way."""
    assert "resize" not in find_target("python").options
    check_used({"resize": "platform"}, ["python", "android-jvm"])
    with pytest.raises(UsageError, match="--resize has no effect on python"):
        check_used({"resize": "platform"}, ["python"])
