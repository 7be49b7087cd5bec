"""The door to other processes: deadlines, endings, and nothing left behind."""

import os
import sys
import time

import pytest
from processes import alive, ends, wait_until

from goldmask.contract.errors import RunError
from goldmask.machine import shell

pytestmark = pytest.mark.project


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_lines_come_while_it_runs_and_stderr_is_logged(tmp_path):
    lines = []
    code = "import sys; print('one'); print('two'); print('why', file=sys.stderr); sys.exit(3)"
    done = shell.run(python(code), log=tmp_path / "log", deadline_s=60, on_line=lines.append)
    assert (done.code, lines, done.stdout) == (3, ["one", "two"], "one\ntwo\n")
    assert done.log_tail() == "why" and done.ending == "exit code 3"


def test_a_crash_names_its_signal(tmp_path):
    done = shell.run(python("import os; os.abort()"), log=tmp_path / "log", deadline_s=60)
    assert done.ending == "killed by SIGABRT"


def test_the_deadline_ends_the_child_and_its_children(tmp_path):
    code = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    pids = []
    started = time.monotonic()
    with pytest.raises(RunError, match="did not end within 4 s"):
        shell.run(python(code), log=tmp_path / "log", deadline_s=4, on_line=lambda line: pids.append(int(line)))
    assert time.monotonic() - started < 30
    assert pids and ends(pids[0])


def test_silence_ends_a_child_that_says_nothing_any_more(tmp_path):
    code = "import time\nfor _ in range(4): print('runs', flush=True); time.sleep(0.5)\n"
    assert shell.run(python(code), log=tmp_path / "log", deadline_s=60, silence_s=20).code == 0
    with pytest.raises(RunError, match="printed nothing for 0.2 s and was stopped"):
        shell.run(python(code), log=tmp_path / "log", deadline_s=60, silence_s=0.2)


def test_an_interrupt_ends_the_child(tmp_path):
    pids = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(KeyboardInterrupt):
        shell.run(python(code), log=tmp_path / "log", deadline_s=60, on_line=interrupt)
    assert ends(pids[0])


def test_a_missing_program_is_one_sentence(tmp_path):
    with pytest.raises(RunError, match="cannot start no-such-program: No such file"):
        shell.run(["no-such-program"], log=tmp_path / "log", deadline_s=5)


def test_words_are_never_a_shells(tmp_path):
    done = shell.run(
        [sys.executable, "-c", "import sys; print(sys.argv[1])", "$(id); `id` *"], log=tmp_path / "log", deadline_s=60
    )
    assert done.stdout == "$(id); `id` *\n"


def test_the_environment_is_added_to(tmp_path):
    code = "import os; print(os.environ['ADDED'], 'PATH' in os.environ)"
    done = shell.run(python(code), log=tmp_path / "log", deadline_s=60, env={"ADDED": "yes"})
    assert done.stdout == "yes True\n" and "ADDED" not in os.environ


SLEEPS = "import time; time.sleep(600)"


def test_a_background_process_outlives_the_call_and_ends_on_demand(tmp_path):
    code = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, file=sys.stderr, flush=True); time.sleep(600)"
    )
    log = tmp_path / "logs/log"
    started = shell.start(python(code), log=log)
    try:
        wait_until(lambda: shell.tail(log), "no child was started")
        child = int(shell.tail(log))
        assert shell.running(started) and alive(child)
        assert os.getsid(started.pid) == started.pid  # a Ctrl-C at the terminal goes elsewhere
    finally:
        shell.end(started)
    assert not shell.running(started) and ends(child)
    shell.end(started)  # gone is fine


def test_a_process_that_will_not_end_is_killed(tmp_path):
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);" + SLEEPS
    started = shell.start(python(code), log=tmp_path / "log")
    wait_until(lambda: shell.tail(tmp_path / "log") == "deaf", "it does not start")
    before = time.monotonic()
    shell.end(started, grace_s=0.3)
    assert not alive(started.pid) and 0.3 <= time.monotonic() - before < 10


def test_a_background_process_that_ended_is_not_running(tmp_path):
    started = shell.start(python("print('why')"), log=tmp_path / "log")
    assert ends(started.pid) and not shell.running(started)
    assert shell.tail(tmp_path / "log") == "why"


def test_another_process_with_the_same_id_is_left_alone(tmp_path):
    ours = shell.start(python(SLEEPS), log=tmp_path / "log")
    try:
        stranger = shell.Background(ours.pid, ours.started_at - 3600)
        assert not shell.running(stranger)
        shell.end(stranger)
        assert shell.running(ours)
    finally:
        shell.end(ours)


def test_a_background_program_that_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(RunError, match="cannot start no-such-program: No such file"):
        shell.start(["no-such-program"], log=tmp_path / "log")
