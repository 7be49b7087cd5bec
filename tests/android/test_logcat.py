"""What logcat says of a process and of its end, on transcripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcript import TRANSCRIPTS, transcript

from goldmask.android.logcat import MORE_MEMORY, ending, of_process, parse, pid_of

APP, PID = "org.goldmask.app", 12345
MEMORY = "Android ended the app's process because memory ran out"
NATIVE = "the app crashed in native code"


def log(name: str) -> str:
    """A transcript."""
    return transcript(f"logcat/{name}.txt")


@pytest.mark.parametrize("pid", [PID, None], ids=["told", "from the log"])
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("low-memory", f"{MEMORY}: min watermark is breached even after kill"),
        ("low-memory-samsung", MEMORY),
        (
            "low-memory-android-8",
            f"{MEMORY}: system is under medium memory pressure oom_adj 800",
        ),
        ("anr", "the app did not respond (ANR): Executing service org.goldmask.app/.Worker"),
        (
            "anr-of-instrumentation",
            "the app did not respond (ANR): cd2a209 org.goldmask.app/org.goldmask.app.MainActivity (server) is not "
            "responding. Waited 5017ms for MotionEvent(deviceId=-1)",
        ),
        (
            "native-crash",
            f"{NATIVE}: Fatal signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0 in tid "
            "12360 (Instr: androidx), pid 12345 (.goldmask.app); in /data/app/lib/arm64/libtensorflowlite_jni.so",
        ),
        (
            "native-crash-android-4",
            f"{NATIVE}: Fatal signal 11 (SIGSEGV) at 0xdeadd00d (code=1), thread 12345 (oldmask.app)",
        ),
        (
            "abort",
            f"{NATIVE}: signal 6 (SIGABRT), code -1 (SI_QUEUE), fault addr --------; Abort message: "
            "'terminating with uncaught exception of type std::bad_alloc'; in /apex/com.android.runtime/lib64/bionic/"
            "libc.so (abort+164)",
        ),
        (
            "exception",
            "the app crashed in Java or Kotlin: java.lang.UnsatisfiedLinkError: dlopen failed: library "
            '"libtensorflowlite_jni.so" not found',
        ),
        (
            "ended-by-android",
            "Android ended the app's process: excessive cpu 9050 during 10000 dur=10000 limit=25",
        ),
        ("exit", "the app's process exited cleanly (1)"),
    ],
)
def test_how_a_process_came_to_its_end(name, sentence, pid):
    assert ending(log(name), pid, APP).what == sentence


def test_memory_is_what_a_user_can_do_something_about():
    assert ending(log("low-memory"), PID, APP).fix == MORE_MEMORY and "{adb} reboot" in MORE_MEMORY


@pytest.mark.parametrize("path", sorted((TRANSCRIPTS / "logcat").glob("*.txt")), ids=lambda path: path.stem)
def test_the_end_of_another_process_is_none_of_ours(path):
    """The same log, but what ended is not the process that we ran."""
    assert ending(log(path.stem), 999, "com.example.nobody") is None


def test_a_process_that_lives_has_no_end():
    assert ending(log("low-memory-of-another"), PID, APP) is None
    assert ending("", PID, APP) is None and ending("", None, APP) is None


def test_what_we_end_ourselves_is_no_cause():
    """`am force-stop` leaves these lines."""
    text = log("ended-by-android").replace("excessive cpu 9050 during 10000 dur=10000 limit=25", "{why}")
    for why in ("stop org.goldmask.app due to from pid 4711", "stop org.goldmask.app due to finished inst"):
        assert ending(text.replace("{why}", why), PID, APP) is None


def test_the_lines_of_our_process():
    kept = of_process(log("native-crash"), PID, APP)
    assert [line.split(": ", 1)[1].split()[0] for line in kept.splitlines()] == [
        "Start",
        "Created",
        "Fatal",
        "pid:",
        "#00",
        "Process",
    ]
    assert of_process(log("native-crash"), None, APP) == kept


@pytest.mark.parametrize("name", ["low-memory", "anr", "low-memory-android-8"])
def test_witnesses_are_kept(name):
    """The system's words about our process, with those of a report's lines that name nobody."""
    kept = of_process(log(name), PID, APP)
    expected = {"low-memory": ["lowmemorykiller", "Zygote"], "anr": ["Reason: Executing", "Load: "]}
    for words in expected.get(name, ["to free 39444kB"]):
        assert words in kept
    assert "com.example.other" not in kept


def test_a_log_that_names_no_process_of_ours_is_kept_whole():
    assert of_process(log("native-crash"), None, "org.nobody") == log("native-crash")


def test_the_process_is_the_first_that_was_started():
    assert pid_of(parse(log("native-crash")), APP) == pid_of(parse(log("native-crash-android-4")), APP) == PID
    again = log("native-crash") + log("native-crash").replace("12345:", "777:")
    assert pid_of(parse(again), APP) == PID


LINES = [line for path in (TRANSCRIPTS / "logcat").glob("*.txt") for line in log(path.stem).splitlines()]


@given(st.lists(st.sampled_from(LINES) | st.text()), st.sampled_from([PID, None, 0]))
def test_anything_is_a_sentence_or_nothing(lines, pid):
    text = "\n".join(lines)
    error = ending(text, pid, APP)
    assert error is None or (error.what.isprintable() and len(error.what) < 1200)
    assert len(of_process(text, pid, APP)) <= len(text) + 1
