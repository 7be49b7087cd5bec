"""The exit codes, and the errors that carry them: each says what, why and the command to type."""

import difflib
import errno
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import IntEnum

MAX_MESSAGE = 2000
# Of a word that nobody knows; the time to compare grows with the square of its length.
MAX_WORD = 100
# A disk, a quota or `ulimit -f` has no room.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MAKE_ROOM = "free some disk space"


class ExitCode(IntEnum):
    """What the program's exit status means; the README prints the same table."""

    OK = 0
    USAGE = 1
    CONFIG = 2
    ENVIRONMENT = 3
    RUN = 4
    GOLDEN = 5
    MASKS_DIFFER = 10
    LATENCY = 11


class GoldmaskError(Exception):
    """An expected failure. `what` is one sentence with its cause; `fix` is the command or edit that helps.

    Both may quote strangers: a server's reason, a tensor's name. They are kept as one printable line each, as are
    `details`, for more than one thing that is wrong.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, what: str, fix: str = "", details: Sequence[str] = ()) -> None:
        self.what = one_line(what, MAX_MESSAGE)
        self.fix = printable(" ".join(fix.splitlines()))
        self.details = tuple(one_line(detail, MAX_MESSAGE) for detail in details)
        super().__init__(self.what)

    def __str__(self) -> str:
        return "\n  ".join([self.what, *self.details, *([f"try: {self.fix}"] if self.fix else [])])


class UsageError(GoldmaskError):
    """A flag or a file named on the command line cannot be used."""


class ConfigError(GoldmaskError):
    """goldmask.toml or a model.toml is wrong."""

    exit_code = ExitCode.CONFIG


class EnvironmentMissing(GoldmaskError):
    """Something this machine lacks: a download, a runtime, a tool."""

    exit_code = ExitCode.ENVIRONMENT


class PipelineMissing(EnvironmentMissing):
    """A pipeline that a target has on no machine at all."""


class RunError(GoldmaskError):
    """Building, starting, running or collecting failed; a bundle that cannot be read belongs here too."""

    exit_code = ExitCode.RUN


class GoldenError(GoldmaskError):
    """A golden is missing, stale or damaged."""

    exit_code = ExitCode.GOLDEN


def of_system(error: OSError) -> GoldmaskError:
    """What the operating system refused, as a sentence with the path and the cause."""
    paths = [os.fsdecode(path) for path in (error.filename, error.filename2) if isinstance(path, str | bytes)]
    paths = [path if len(path) <= 500 else f"{path[:200]}…{path[-200:]}" for path in paths]
    cause = error.strerror or type(error).__name__
    if error.errno in FULL:
        return RunError(f"{' -> '.join(paths) or 'a file'} cannot be written: {cause}", fix=MAKE_ROOM)
    return UsageError(f"{' -> '.join(paths)}: {cause}" if paths else cause)


def meant(word: str, known: Iterable[str]) -> str:
    """` (did you mean check?)`, the nearest of what is known; empty where nothing is near."""
    near = nearest(word, known)
    return f" (did you mean {near}?)" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or nothing.

    Letters in another order are nearest: difflib would take --mode for --modle, and nothing for tyni.
    """
    known, word = list(known), word[:MAX_WORD]
    swapped = (each for each in known if sorted(each) == sorted(word))
    return [*swapped, *difflib.get_close_matches(word, known, n=1), ""][0]


def printable(text: str, longest: int = MAX_MESSAGE) -> str:
    """Text of strangers as text: line breaks stay, tabs are spaces, and what a terminal would obey is an escape.

    So is what hides or turns around a part of a line, and what no XML may hold: `\\x1b`, `\\u202e`, `\\uffff`.
    """
    kept = text[: longest + 1]
    if not kept.isprintable():
        kept = "".join(map(_shown, kept))
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"


def one_line(text: str, longest: int = 300) -> str:
    """What a device, a tool or a server said, as printable text for an error's sentence."""
    return printable(" ".join(text.split()), longest)


def _shown(sign: str) -> str:
    if sign == "\n" or sign.isprintable():
        return sign
    if sign in "\t\r" or unicodedata.category(sign) == "Zs":
        return " "
    return sign.encode("unicode_escape").decode("ascii")


def excerpt(text: str, lines: int = 3) -> str:
    """The first and last `lines` lines of what a tool printed, as one line: for output that nobody understands."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    # A device's words may hold what turns a line around in a terminal, or hides a part of it.
    shown = ("".join(sign if sign.isprintable() else " " for sign in line) for line in plain.splitlines())
    kept = [" ".join(line.split())[:200] for line in shown]
    kept = [line for line in kept if line]
    if len(kept) > 2 * lines:
        left_out = len(kept) - 2 * lines
        kept = [*kept[:lines], f"… {left_out} lines …" if left_out > 1 else kept[lines], *kept[-lines:]]
    return " | ".join(kept)
