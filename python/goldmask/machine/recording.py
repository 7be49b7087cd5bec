"""What tools answered, for whoever listens: the doors to other programs, shell.py and android/adb.py, tell each call.

Nobody listens in an ordinary run, which costs nothing then.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Call:
    """One call of a tool: `code` is None where it did not end by itself, `log` has what a background process prints."""

    argv: tuple[str, ...]
    code: int | None
    seconds: float
    stdout: str = ""
    stderr: str = ""
    log: Path | None = None


@dataclass
class Answer:
    """What a call has answered so far; `code` stays None where it does not come to its end."""

    code: int | None = None
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)


_listeners: list[Callable[[Call], None]] = []
_lock = threading.Lock()


@contextlib.contextmanager
def listening(listener: Callable[[Call], None]) -> Iterator[None]:
    """Tell `listener` each call, one after the other, also of other threads."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)


def active() -> bool:
    """Whether anybody listens; reading a log for nobody is left out."""
    return bool(_listeners)


def tell(call: Call) -> None:
    """Tell a call to whoever listens."""
    with _lock:
        for listener in _listeners:
            listener(call)


@contextlib.contextmanager
def recorded(argv: Sequence[str]) -> Iterator[Answer]:
    """Tell the call that happens in here when it is over, however that is."""
    answer, started = Answer(), time.monotonic()
    try:
        yield answer
    finally:
        if active():
            stdout, stderr = _text(bytes(answer.stdout)), _text(bytes(answer.stderr))
            tell(Call(tuple(argv), answer.code, time.monotonic() - started, stdout, stderr))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return f"[{len(content)} bytes that are not text]"
