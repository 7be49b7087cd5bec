"""What pytest makes of a project: a test for each case, and a fixture for masks of one's own code."""

import numpy as np
import pytest
import yaml
from conftest import REPO, make_project
from desks import Desk, Toy

from goldmask.contract.bundle import mask_of
from goldmask.contract.errors import ExitCode
from goldmask.report.report import Report
from goldmask.tasks import namespace
from goldmask.verdict.compare import NotJudged, NotRun
from goldmask.workflows import check as checking

pytest_plugins = ("pytester",)
PLUGIN = ("-p", "goldmask.cli.pytest_plugin", "-p", "no:cacheprovider")


def row(kind: type, case: str, **more: object):
    names = {"model": "tiny", "target": "python", "pipeline": "lib_interpreter"}
    return kind(case=case, **names, **({"reason": "no runtime"} | more))


@pytest.fixture
def checked(pytester, monkeypatch):
    """A project in which a check finds a failure, and nothing that could run of the other case."""
    make_project(pytester.path / "app")
    rows = (
        row(NotJudged, "flag", reason="no golden: ./goldmask golden.record", exit_code=ExitCode.GOLDEN),
        row(NotRun, "wide"),
    )
    calls = []

    def check(root, config, selection, out):
        calls.append(out)
        return Report(schema=1, exit_code=ExitCode.GOLDEN, environment={}, comparisons=rows, skipped=(), notes=())

    monkeypatch.setattr(checking, "check", check)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # of the tests that this is one of
    return pytester, calls


def test_each_case_is_a_test_and_the_suite_is_checked_once(checked):
    pytester, calls = checked
    result = pytester.runpytest_inprocess(*PLUGIN, "--goldmask", "-rs", "-v")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*tiny-lib_interpreter-python-flag FAILED*", "*-wide SKIPPED (no runtime)*"])
    result.stdout.fnmatch_lines(["ERROR python: no golden: *golden.record"])
    assert "Traceback" not in result.stdout.str() and [out.name for out in calls] == ["pytest"]


def test_without_the_flag_nothing_is_collected(checked):
    pytester, calls = checked
    assert pytester.runpytest_inprocess(*PLUGIN).ret == pytest.ExitCode.NO_TESTS_COLLECTED and calls == []


TEST = """
import numpy as np

def test_own_code(golden_mask):
    golden_mask.assert_matches(np.array({mask}, np.{dtype}), "{case}")
"""


@pytest.mark.parametrize(
    ("changed", "dtype", "case", "outcome"),
    [
        (0, "uint8", "flag", "passed"),
        (1, "uint8", "flag", "1 confident flip (at most 0)*"),
        (0, "float32", "flag", "*a mask is uint8 [[]h, w], this is float32 [[]8, 8]*"),
        (0, "uint8", "nobody", "ERROR python: the golden has no mask of this case"),
    ],
    ids=["golden", "one pixel", "scores", "no such case"],
)
def test_masks_of_ones_own_code(desk: Desk, pytester, changed, dtype, case, outcome):
    desk.predict(Toy())
    desk.project.accept()
    golden = desk.golden()
    mask = mask_of(golden.folder, golden.bundle.result("flag")).copy()
    mask.flat[:changed] ^= 1
    test = desk.root / "tests/test_own.py"
    test.parent.mkdir()
    test.write_text(TEST.format(mask=np.asarray(mask).tolist(), dtype=dtype, case=case), "utf-8")
    result = pytester.runpytest_inprocess(*PLUGIN, test)
    if outcome == "passed":
        result.assert_outcomes(passed=1)
    else:
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines([f"*{outcome}"])
        assert not changed or "picture: " in result.stdout.str()


def test_hooks_use_tasks_and_flags_that_there_are():
    contexts = {context.name: context for context in namespace.to_contexts()}
    hooks = yaml.safe_load((REPO / ".pre-commit-hooks.yaml").read_text("utf-8"))
    lines = [each["entry"] for each in hooks]
    assert len(lines) == 2
    for line in lines:
        program, task, *words = line.split()
        flags = {word for word in words if word.startswith("--")}
        assert program == "goldmask" and flags <= set(contexts[task].flags), line
