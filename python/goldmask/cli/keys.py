"""Single keys from a terminal, without Enter; the terminal is as it was before, however reading ends."""

import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .console import out

CONTROL_D, ESCAPE = "\x04", "\x1b"
# How the sequences begin that a terminal sends as a text of any length: replies to questions, pasted titles.
STRINGS = frozenset("PX]^_")


def interactive() -> bool:
    """Whether somebody reads what is printed, and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Keyboard:
    """Who sits at this process's terminal."""

    def key(self, prompt: str, allowed: str) -> str:
        """The next key of `allowed` that is pressed after the prompt is shown; `q` at the end of all input.

        What was typed before is forgotten: nobody decides about what was not on the screen yet.
        """
        number = sys.stdin.fileno()
        with _cbreak(number):
            out.print(prompt, end="", markup=False, highlight=False)
            out.file.flush()
            for key in keys(lambda: os.read(number, 1)):
                if key.lower() in allowed:
                    out.print(key.lower(), markup=False, highlight=False)
                    return key.lower()
        out.print()
        return "q"

    def line(self, prompt: str) -> str | None:
        """A line that is typed; None where Ctrl-D ends it."""
        try:
            return input(prompt).strip()
        except EOFError:
            out.print()
            return None


def keys(read: Callable[[], bytes]) -> Iterator[str]:
    """Keys out of the bytes of a terminal, up to their end or Ctrl-D; what begins with Escape is none.

    An arrow is `Escape [ A`, and a terminal may reply late to what it was asked: neither must press A.
    """
    characters = iter(lambda: read().decode("latin-1"), "")
    for character in characters:
        if character == CONTROL_D:
            return
        if character == ESCAPE:
            _skip_sequence(characters)
        else:
            yield character


def _skip_sequence(characters: Iterator[str]) -> None:
    """Read to the end of an escape sequence (ECMA-48)."""
    kind = next(characters, "")
    if kind == "[":
        while (character := next(characters, "")) and not "@" <= character <= "~":
            pass
    elif kind == "O":
        next(characters, "")
    elif kind in STRINGS:
        before = ""
        while (character := next(characters, "")) and character != "\x07" and before + character != ESCAPE + "\\":
            before = character


@contextmanager
def _cbreak(number: int) -> Iterator[None]:
    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number, termios.TCSAFLUSH)  # which forgets what was typed
        yield
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
