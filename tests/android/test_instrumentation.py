"""What `am instrument -r` says, on transcripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcript import TRANSCRIPTS, transcript

from goldmask.android.instrumentation import SIGN_ALIKE, Instrumentation, parse


def lines(name: str) -> list[str]:
    """A transcript of stdout or of stderr; none is one without a line."""
    path = TRANSCRIPTS / "am" / f"{name}.txt"
    return transcript(f"am/{name}.txt").splitlines() if path.exists() else []


def run(name: str) -> Instrumentation:
    """A run of which there is a transcript of stdout, of stderr, or of both."""
    return parse(lines(name), stderr=lines(f"{name}.stderr"))


def test_a_run_that_passed():
    heard: list[str] = []
    said = parse(lines("passed"), heard.append)
    assert (said.problem, said.ended, said.tests, said.pid, said.code) == (None, False, 1, 12345, -1)
    assert heard == said.done == ["square", "wide"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("failed", "java.lang.IllegalStateException: goldmask.out: the folder /x cannot be made"),
        ("crashed", "the app's process ended: Process crashed."),
        ("exception", "the app's process ended: java.lang.RuntimeException: No content for the model"),
        ("native-crash", "the app crashed in native code: Native crash: Segmentation fault"),
        (
            "anr",
            "the app did not respond (ANR): Input dispatching timed out (1ac1c46 org.goldmask.app/"
            "org.goldmask.app.MainActivity (server) is not responding. Waited 5002ms for FocusEvent(hasFocus=false))",
        ),
        (
            "missing",
            "the device has no test runner org.goldmask.app.test/androidx.test.runner.AndroidJUnitRunner: its APK is "
            "not installed, or has another runner",
        ),
        ("target-missing", "the app org.goldmask.app, which the test is for, is not installed"),
        ("bad-component", "'org.goldmask.app.test/' does not name a test as PACKAGE/RUNNER"),
        ("system-crashed", "Android itself is not up, or restarted while the test ran"),
        ("no-tests", "am instrument ran no test"),
        (
            "unknown",
            "am instrument: am: first line | am: second line | am: third line | … 2 lines … | am: last but two | "
            "am: last but one | am: last line",
        ),
    ],
)
def test_a_run_that_went_wrong_says_why(name, sentence):
    assert run(name).problem.what == sentence


@pytest.mark.parametrize("name", ["signature-android-14", "signature-android-4"])
def test_apks_of_two_keys(name):
    """Android 4 says it on stderr only."""
    problem = run(name).problem
    assert problem.what == (
        "Android does not let org.goldmask.app.test test org.goldmask.app: the two are signed with different keys"
    )
    assert problem.fix == SIGN_ALIKE


@pytest.mark.parametrize(
    ("name", "ended"),
    [("crashed", True), ("exception", True), ("anr", True), ("failed", False), ("signature-android-14", False)],
)
def test_the_end_of_a_process_is_told_from_a_test_that_failed(name, ended):
    assert run(name).ended is ended


def test_what_only_stderr_says_of_a_good_run_is_no_problem():
    assert parse(lines("passed"), stderr=["WARNING: linker: unused DT entry"]).problem is None


def test_a_run_that_was_given_up_is_no_good_one():
    said = parse([line.replace("_CODE: -1", "_CODE: 0") for line in lines("passed")])
    assert said.ended and said.problem.what == "am instrument ended with code 0: its test did not come to its end"


def test_an_exception_that_we_do_not_know_is_told_in_its_own_words():
    stderr = ["java.lang.IllegalStateException: no user 10", "\tat com.android.commands.am.Am.main(Am.java:50)"]
    assert parse([], stderr=stderr).problem.what == "am instrument: no user 10"


def test_every_cut_of_a_good_run_is_a_problem():
    whole = lines("passed")
    result = next(number for number, line in enumerate(whole) if line.startswith("INSTRUMENTATION_CODE"))
    for length in range(result):
        assert parse(whole[:length]).problem, length


@pytest.mark.parametrize("line", ["INSTRUMENTATION_STATUS: =", "INSTRUMENTATION_STATUS_CODE: x", "\x1b]0;evil\x07"])
def test_nonsense_is_no_result_and_is_shown(line):
    assert parse([line]).problem.what.startswith("am instrument ended without a result: ")
    assert "\x1b" not in parse([line]).problem.what


def test_nothing_at_all():
    assert Instrumentation().problem.what == "am instrument ended without a result"


def test_what_a_device_says_is_printable_and_short():
    said = parse([f"INSTRUMENTATION_STATUS: Error=\x1b[31m{'x' * 9999}", "INSTRUMENTATION_STATUS_CODE: -1"])
    assert "\x1b" not in said.problem.what and len(said.problem.what) < 400
    said = parse(["INSTRUMENTATION_STATUS: goldmask.pid=99999999999999", "INSTRUMENTATION_STATUS_CODE: 2"])
    assert said.pid is None


ANYTHING = st.lists(st.sampled_from([*lines("anr"), *lines("failed"), *lines("signature-android-14")]) | st.text())


@given(ANYTHING, ANYTHING)
def test_anything_is_a_sentence_or_no_problem(stdout, stderr):
    said = parse(stdout, stderr=stderr)
    problem = said.problem
    assert problem or (said.code is not None and said.tests)
    assert problem is None or (problem.what.isprintable() and len(problem.what) < 2500)
