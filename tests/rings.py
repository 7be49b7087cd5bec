"""The four rings of tests: which one a test is in, how long it may take, and what keeps the pure ring pure.

A mark decides, on the test or as its file's `pytestmark`. Without one the fixtures of the test decide, and what uses
none of those is pure. In the pure ring a test that starts a process fails, so that a forgotten mark is found at once.
"""

import re
import sys
import threading
import time
from pathlib import Path

import pytest

# From the inside outwards; a ring holds what its fixtures need, so that the outermost one counts.
RINGS = ("pure", "project", "rig", "device")
# Of one test with its fixtures, the first of which may have to fill a cache: an environment, a Maven repository.
LIMIT_S = {"pure": 60, "project": 600, "rig": 600, "device": 1800}
RING_OF_FIXTURE = {
    "bare_project": "project",
    "builder": "rig",
    "device": "rig",
    "devices": "rig",
    "mac": "rig",
    "phone": "rig",
    "project": "project",
    "recorded_template": "project",
    "starter_model": "project",
    "swift": "rig",
    "wheel": "rig",
    "world": "rig",
}
SLEEP = time.sleep
STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system")
RING_OF_A_FILE = re.compile(rf"^pytestmark = .*\bpytest\.mark\.({'|'.join(RINGS)})\b", re.MULTILINE)


def ring_of(marks: list[str], fixtures: list[str]) -> str:
    """The ring of a test with these marks and fixtures. Raises UsageError where the marks name several."""
    named = sorted({mark for mark in marks if mark in RINGS}, key=RINGS.index)
    if len(named) > 1:
        raise pytest.UsageError(f"is marked as {' and '.join(named)}; a test is in one ring")
    if named:
        return named[0]
    return max((RING_OF_FIXTURE.get(name, "pure") for name in fixtures), key=RINGS.index, default="pure")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a file of another ring than the only one asked for: TensorFlow alone takes ten seconds."""
    if config.option.markexpr in RINGS and collection_path.suffix == ".py":
        ring = RING_OF_A_FILE.search(collection_path.read_text("utf-8"))
        if ring and ring[1] != config.option.markexpr:
            return True
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its ring and its time limit, before `-m` chooses among them."""
    for item in items:
        try:
            ring = ring_of([mark.name for mark in item.iter_markers()], getattr(item, "fixturenames", []))
        except pytest.UsageError as error:
            raise pytest.UsageError(f"{item.nodeid} {error}") from error
        if not item.get_closest_marker(ring):
            item.add_marker(ring)
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LIMIT_S[ring]))


class Watch:
    """Whether a pure test runs, and the refusal of what it may not do."""

    pure = False

    def audit(self, event: str, arguments: tuple) -> None:
        """The interpreter's audit hook (PEP 578), which cannot be taken away again."""
        if self.pure and event in STARTS:
            self.refuse(f"starts a process ({event} {arguments[0]!r})", "mark it as project or rig")

    def sleep(self, seconds: float) -> None:
        """In place of time.sleep; threads that serve a test may wait, which costs it nothing."""
        if not self.pure or threading.current_thread() is not threading.main_thread():
            return SLEEP(seconds)
        self.refuse(f"sleeps for {seconds:g} s of the real clock", "give the code under test a clock")

    def refuse(self, what: str, instead: str) -> None:
        """Fail the test, by an exception that no `except Exception` catches."""
        self.pure = False
        pytest.fail(f"a pure test {what}: {instead} (tests/rings.py)")


WATCH = Watch()
sys.addaudithook(WATCH.audit)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item):
    """Watch no teardown: whichever test comes last also ends the phones and servers of the others."""
    WATCH.pure = False
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item):
    """Watch a pure test, with what its fixtures make."""
    WATCH.pure = item.get_closest_marker("pure") is not None
    with pytest.MonkeyPatch.context() as patch:
        if WATCH.pure:
            patch.setattr(time, "sleep", WATCH.sleep)
        try:
            return (yield)
        finally:
            WATCH.pure = False
