"""What `am instrument -r` and logcat say, on transcripts."""

from pathlib import Path

import pytest
from conftest import REPO

from goldmask.android.instrumentation import Instrumentation, lines_of_process, native_crash, parse

TRANSCRIPTS = REPO / "tests/transcripts"


def lines(name: str) -> list[str]:
    """A transcript without the line that says where it comes from."""
    return (TRANSCRIPTS / name).read_text("utf-8").splitlines()[1:]


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS.glob("*.txt")), ids=lambda path: path.name)
def test_every_transcript_says_where_it_comes_from(path: Path):
    assert path.read_text("utf-8").startswith(("# recorded: ", "# handwritten: "))


def test_a_run_that_passed():
    heard: list[str] = []
    said = parse(lines("instrument-passed.txt"), heard.append)
    assert (said.problem, said.tests, said.pid, said.code) == ("", 1, 12345, -1)
    assert heard == said.done == ["square", "wide"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("instrument-failed.txt", "java.lang.IllegalStateException: goldmask.out: the folder /x cannot be made"),
        ("instrument-crashed.txt", "the app's process ended: Process crashed."),
        ("instrument-missing.txt", "am instrument: Unable to find instrumentation info for: ComponentInfo{"),
        ("instrument-no-tests.txt", "am instrument ran no test"),
    ],
)
def test_a_run_that_went_wrong_says_why(name, words):
    assert parse(lines(name)).problem.startswith(words)


def test_every_cut_of_a_good_run_is_a_problem():
    whole = lines("instrument-passed.txt")
    result = next(number for number, line in enumerate(whole) if line.startswith("INSTRUMENTATION_CODE"))
    for length in range(result):
        assert parse(whole[:length]).problem, length


@pytest.mark.parametrize(
    "line", ["INSTRUMENTATION_STATUS: =", "INSTRUMENTATION_STATUS_CODE: x", "\x1b]0;evil\x07", "x" * 99999]
)
def test_nonsense_is_no_result(line):
    said = Instrumentation()
    said.hear(line)
    assert said.problem == "am instrument ended without a result"


def test_what_a_device_says_is_printable_and_short():
    said = parse([f"INSTRUMENTATION_STATUS: Error=\x1b[31m{'x' * 9999}", "INSTRUMENTATION_STATUS_CODE: -1"])
    assert "\x1b" not in said.problem and len(said.problem) < 400
    said = parse(["INSTRUMENTATION_STATUS: goldmask.pid=99999999999999", "INSTRUMENTATION_STATUS_CODE: 2"])
    assert said.pid is None


def test_logcat_of_our_process():
    kept = lines_of_process("\n".join(lines("logcat-crash.txt")), 12345, "org.goldmask.app")
    assert [line.split(": ", 1)[1].split()[0] for line in kept] == [
        "Start",
        "Created",
        "Fatal",
        "pid:",
        "#00",
        "Process",
    ]
    assert native_crash(kept).startswith("Fatal signal 11 (SIGSEGV), code 1")
    assert native_crash(kept[:2]) == ""


def test_logcat_of_a_process_that_said_nothing_is_kept_whole():
    whole = lines("logcat-crash.txt")
    assert lines_of_process("\n".join(whole), None, "org.goldmask.app") == whole
