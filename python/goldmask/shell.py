"""The only door to other processes: argv lists, a deadline, a log file, and nothing left running."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import RunError

TERMINATE_GRACE_S = 3.0
TAIL_BYTES = 4096


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
        with self.log.open("rb") as stream:
            stream.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
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
) -> Finished:
    """Run `argv` to its end and return how it ended; a non-zero exit is the caller's to judge.

    stderr goes to `log`; stdout is returned whole and, line by line, given to `on_line`. `env` adds to
    this process's environment. The child leads a process group of its own, which is ended on every way
    out. Raises RunError when the program is missing or `deadline_s` seconds have passed.
    """
    words = tuple(os.fspath(word) for word in argv)
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as log_stream:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log_stream,
                cwd=cwd,
                env={**os.environ, **env} if env else None,
                start_new_session=True,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise RunError(f"cannot start {words[0]}: {error.strerror}", fix="./goldmask doctor") from error
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _end_group(process)

        timer = threading.Timer(deadline_s, expire)
        timer.daemon = True
        timer.start()
        lines = []
        try:
            for line in process.stdout:
                lines.append(line)
                if on_line:
                    on_line(line.rstrip("\n"))
            process.wait()
        finally:
            timer.cancel()
            _end_group(process)
            process.stdout.close()
    if expired.is_set():
        raise RunError(
            f"{Path(words[0]).name} did not end within {deadline_s:g} s and was stopped; its log is {log}",
            fix=f"cat {log}",
        )
    return Finished(words, process.returncode, time.monotonic() - started, "".join(lines), log)


def _end_group(process: subprocess.Popen) -> None:
    """End the child and whatever it started: SIGTERM, a grace period, SIGKILL."""
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(TERMINATE_GRACE_S)
    # The group outlives its leader when the leader left children behind.
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
