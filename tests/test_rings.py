"""Every test is in one ring, the pure ring is pure, and no test waits in the hope that it is long enough."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPO
from rings import LIMIT_S, RING_OF_A_FILE, RINGS, ring_of

TESTS = REPO / "tests"
# What stands in for devices and Apple's tools may be as slow as those are.
STAND_INS = TESTS / "rig"
Failed = pytest.fail.Exception


@pytest.mark.parametrize(
    ("marks", "fixtures", "ring"),
    [
        ([], [], "pure"),
        ([], ["tmp_path", "monkeypatch"], "pure"),
        ([], ["tmp_path", "project"], "project"),
        ([], ["project", "mac"], "rig"),
        (["parametrize", "rig"], [], "rig"),
        (["device"], ["project"], "device"),
    ],
)
def test_marks_decide_and_else_the_outermost_fixture(marks, fixtures, ring):
    assert ring_of(marks, fixtures) == ring


def test_two_rings_are_an_error():
    with pytest.raises(pytest.UsageError, match="is marked as pure and rig"):
        ring_of(["rig", "pure"], [])


@pytest.mark.parametrize(
    ("line", "ring"),
    [
        ("pytestmark = pytest.mark.rig", "rig"),
        ('pytestmark = [pytest.mark.project, pytest.mark.usefixtures("x")]', "project"),
        ('pytestmark = pytest.mark.usefixtures("rig")', None),
        ("    pytestmark = pytest.mark.rig", None),
    ],
)
def test_a_file_of_another_ring_is_known_without_importing_it(line, ring):
    found = RING_OF_A_FILE.search(f"import pytest\n{line}\n")
    assert (found and found[1]) == ring


def test_every_test_is_in_one_ring_and_has_a_time_limit(request):
    assert LIMIT_S.keys() == set(RINGS)
    for item in request.session.items:
        names = [mark.name for mark in item.iter_markers()]
        assert sum(names.count(ring) for ring in RINGS) == 1, item.nodeid
        assert item.get_closest_marker("timeout").args[0] > 0, item.nodeid


def test_a_pure_test_starts_no_process():
    with pytest.raises(Failed, match=r"a pure test starts a process \(subprocess.Popen"):
        subprocess.run([sys.executable, "-c", ""], check=True)


def test_a_pure_test_does_not_sleep():
    with pytest.raises(Failed, match=r"a pure test sleeps for 0.5 s of the real clock"):
        time.sleep(0.5)


@pytest.fixture
def ends_with_a_process():
    """As an adb server of all tests does, in the teardown of whichever test is the last."""
    yield
    time.sleep(0)
    subprocess.run([sys.executable, "-c", ""], check=True)


def test_a_teardown_may_start_processes_and_wait(ends_with_a_process):
    """It may be that of other tests; this test's own fails where `pytest_runtest_teardown` watches it."""


@pytest.mark.project
def test_any_other_test_may_start_processes_and_wait():
    subprocess.run([sys.executable, "-c", ""], check=True)
    time.sleep(0)


def sleeps(source: str) -> list[int]:
    """The lines of a Python source that sleep on the real clock."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    names = [(each.attr, each.lineno) for each in calls if isinstance(each, ast.Attribute)]
    names += [(each.id, each.lineno) for each in calls if isinstance(each, ast.Name)]
    return [line for name, line in names if name == "sleep"]


def test_tests_wait_for_what_they_wait_for():
    """Only `wait_until`, which has a deadline, sleeps; this file shows that a sleep is found."""
    files = [path for path in sorted(TESTS.rglob("*.py")) if STAND_INS not in path.parents]
    found = {path.relative_to(TESTS): lines for path in files if (lines := sleeps(path.read_text("utf-8")))}
    assert found.keys() == {Path("processes.py"), Path("test_rings.py")}, found
    assert len(found[Path("processes.py")]) == 1


def test_what_waits_has_a_deadline(monkeypatch):
    from clock import Clock
    from processes import wait_until

    monkeypatch.setattr("processes.time", Clock())
    with pytest.raises(TimeoutError, match="no phone within 5 s"):
        wait_until(lambda: False, "no phone", 5)


@pytest.mark.parametrize(("source", "lines"), [("time.sleep(1)", [1]), ("\nsleep(1)", [2]), ("'time.sleep(1)'", [])])
def test_a_sleep_is_found(source, lines):
    assert sleeps(source) == lines
