"""What tools answered, for whoever listens: the doors to other programs, shell.py and android/adb.py, tell each call.

Nobody listens in an ordinary run, which costs nothing then.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
