"""Signals that ask the program to end: an interrupt where work can be given up, later where it cannot.

An interrupt is a KeyboardInterrupt, whichever signal it was: on its way up everything that was started is stopped.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# SIGPIPE is not among them: Python ignores it, and a reader that went away is an error of the write.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
EXIT_CODE = 130
AGAIN_S = 0.05
MESSAGE = "goldmask: interrupted; what was started is stopped"


class _State:
    """What the one signal handler of this process knows; only the main thread uses it."""

    holds = 0
    waiting = False
    happened = False


def catch() -> None:
    """Have every ending signal raise KeyboardInterrupt in the main thread; one that is ignored (nohup) stays so."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable


def ignore() -> None:
    """Let no signal disturb what is left to do: the exit code is known."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def happened() -> bool:
    """Whether a signal has interrupted this process: what fails from then on fails because of it."""
    return _State.happened


@contextmanager
def held() -> Iterator[None]:
    """A block that is not interrupted: a signal is raised when it ends, or in a `let_through` inside it."""
    if threading.current_thread() is not threading.main_thread():  # which alone gets interrupts
        yield
        return
    _State.holds += 1
    try:
        yield
    finally:
        _State.holds = max(0, _State.holds - 1)
        _raise_waiting()


@contextmanager
def let_through() -> Iterator[None]:
    """The part of a `held` block that may be interrupted, because what it began is ended all the same."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Added again at the end, not set: blocks of an ExitStack end inside others than those they began in.
    lowered, _State.holds = _State.holds, 0
    try:
        _raise_waiting()
        yield
    finally:
        _State.holds += lowered


def _raise_waiting() -> None:
    if _State.waiting and not _State.holds:
        _State.waiting = False
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    _State.happened = True
    if _State.holds:
        _State.waiting = True
    else:
        raise KeyboardInterrupt


def _unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """An interrupt inside a destructor or a callback is lost there; it comes again a moment later, outside."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        number = next(number for number in ENDING if signal.getsignal(number) is _interrupt)
        again = threading.Timer(AGAIN_S, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)
