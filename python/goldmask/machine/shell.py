"""The only door to other processes: argv lists, a deadline, a log file, and nothing left running."""

import contextlib
import functools
import math
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..contract.errors import RunError
from . import interrupts, recording

TERMINATE_GRACE_S = 3.0
TAIL_BYTES = 4096
SAME_START_S = 10.0


@dataclass(frozen=True)
class Finished:
    """A process that ended by itself. A negative `code` is the number of the signal that ended it."""

    argv: tuple[str, ...]
    code: int
    seconds: float
    stdout: str
    log: Path

    @property
    def ending(self) -> str:
        """How it ended, in words: `exit code 3` or `killed by SIGSEGV`."""
        if self.code >= 0:
            return f"exit code {self.code}"
        return f"killed by {signal.Signals(-self.code).name}"

    def log_tail(self, lines: int = 8) -> str:
        """The last `lines` non-empty lines of the log, where the reason usually stands."""
        return tail(self.log, lines)


# The processes that `run` has started and not yet ended.
_live: set["subprocess.Popen[str]"] = set()
_lock = threading.Lock()
NOTE = re.compile(r"(\d+)-(\d+\.\d+)")


class _Notes:
    """Where those processes are noted as well, for those who clean up after a SIGKILL of this program."""

    folder: Path | None = None


@dataclass(frozen=True)
class Background:
    """A process that may outlive this program; `started_at` (Unix time) tells it from a later one with its id."""

    pid: int
    started_at: float


@functools.cache
def this_process() -> Background:
    """This program, as others know it by what it leaves."""
    process = psutil.Process()
    return Background(process.pid, process.create_time())


def tail(log: Path, lines: int = 8) -> str:
    """The last `lines` non-empty lines of a log."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    deadline_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    silence_s: float = math.inf,
) -> Finished:
    """Run `argv` to its end and return how it ended; a non-zero exit is the caller's to judge.

    stderr goes to `log`; stdout is returned whole and, line by line, given to `on_line`. `env` adds to
    this process's environment. The child leads a process group of its own, which is ended on every way
    out. Raises RunError when the program is missing, `deadline_s` seconds have passed, or `silence_s` without a line.
    """
    command = tuple(os.fspath(word) for word in argv)
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    # Nothing is interrupted between the start of a process and the `try` that ends it.
    with log.open("wb") as log_stream, interrupts.held():
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log_stream,
                cwd=cwd,
                env={**os.environ, **env} if env else None,
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise RunError(f"cannot start {command[0]}: {error.strerror}", fix="./goldmask doctor") from error
        with _lock:
            _live.add(process)
        note = _note(process.pid)
        over, expired = threading.Event(), threading.Event()
        heard = time.monotonic()

        def watch() -> None:
            while (left := min(started + deadline_s, heard + silence_s) - time.monotonic()) > 0:
                if over.wait(left):
                    return
            expired.set()
            _end_group(process)

        threading.Thread(target=watch, daemon=True).start()
        lines = []
        assert process.stdout  # it is a pipe
        try:
            with interrupts.let_through():
                for line in process.stdout:
                    heard = time.monotonic()
                    lines.append(line)
                    if on_line:
                        on_line(line.rstrip("\n"))
                process.wait()
        finally:
            over.set()
            _end_group(process)
            process.stdout.close()
            with _lock:
                _live.discard(process)
            if note:
                note.unlink(missing_ok=True)
    seconds = time.monotonic() - started
    code = None if expired.is_set() else process.returncode
    if recording.active():
        complaints = log.read_text("utf-8", "replace")
        recording.tell(recording.Call(command, code, seconds, stdout="".join(lines), stderr=complaints))
    if code is None:
        silent = seconds < deadline_s
        why = f"printed nothing for {silence_s:g} s" if silent else f"did not end within {deadline_s:g} s"
        raise RunError(
            f"{Path(command[0]).name} {why} and was stopped; its log is {log}",
            fix=f"cat {log}",
        )
    return Finished(command, code, seconds, "".join(lines), log)


def start(
    argv: Sequence[str | os.PathLike[str]], *, log: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Background:
    """Start `argv` and return at once; both its streams go to `log`. Whoever starts a process ends it, by `end`.

    The child leads a process group of its own, so a Ctrl-C at the terminal does not reach it. `env` adds to this
    process's environment. Raises RunError when the program is missing.
    """
    command = tuple(os.fspath(word) for word in argv)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **env} if env else None,
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(f"cannot start {command[0]}: {error.strerror}", fix="./goldmask doctor") from error
    recording.tell(recording.Call(command, None, 0.0, log=log))
    # Collects the child when it ends; until then its id cannot be given to another process.
    threading.Thread(target=process.wait, daemon=True).start()
    try:
        started_at = psutil.Process(process.pid).create_time()
    except psutil.NoSuchProcess:  # it ended before it could be asked; its log says why
        started_at = 0.0
    return Background(process.pid, started_at)


def end_all() -> None:
    """End what `run` has started and an interrupt kept it from ending: for the end of this program."""
    with _lock:
        left = list(_live)
    for process in left:
        _end_group(process)


def note_in(folder: Path | None) -> None:
    """Have each process that `run` starts noted in a folder for as long as it runs."""
    _Notes.folder = folder


def _note(pid: int) -> Path | None:
    if _Notes.folder:
        with contextlib.suppress(OSError, psutil.NoSuchProcess):  # a full disk stops nobody, and it may have ended
            note = _Notes.folder / f"{pid}-{psutil.Process(pid).create_time()}"
            note.touch()
            return note
    return None


def end_noted(folder: Path) -> None:
    """End the processes that are noted in the folder of a program that is dead, with what they started."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if note := NOTE.fullmatch(path.name):
            end(Background(int(note[1]), float(note[2])))


def running(background: Background) -> bool:
    """Whether that very process is there, and not another that was given its id later."""
    return _find(background) is not None


def end(background: Background, grace_s: float = TERMINATE_GRACE_S) -> None:
    """End a background process and what it started: SIGTERM, at most `grace_s` seconds, SIGKILL. Gone is fine."""
    process = _find(background)
    if process is None:
        return
    _signal_group(background.pid, signal.SIGTERM)
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(grace_s)
    _signal_group(background.pid, signal.SIGKILL)
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(TERMINATE_GRACE_S)


def _find(background: Background) -> psutil.Process | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(background.pid)
        # Ids are given out in turn: the same one twice within seconds does not happen, a corrected clock does.
        same = abs(process.create_time() - background.started_at) < SAME_START_S
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def _end_group(process: subprocess.Popen[str]) -> None:
    """End the child and whatever it started: SIGTERM, a grace period, SIGKILL."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(TERMINATE_GRACE_S)
    # The group outlives its leader when the leader left children behind.
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)
