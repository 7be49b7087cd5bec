"""stdout and stderr that never fail: a full disk, a closed terminal or a reader that went away changes no verdict."""

import errno
import io
import os
import sys

from ..contract.errors import ExitCode


class _Stream(io.TextIOWrapper):
    """A standard stream. After its first error it goes nowhere; `lost` is that error."""

    lost: OSError | None = None

    def write(self, text: str, /) -> int:
        """The number of characters, written or not."""
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or give up."""
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.lost = error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())  # for what is buffered as well, which Python writes once more at its end
        os.close(nowhere)


def guard() -> None:
    """Make the standard streams of this process such ones; those that are closed are open afterwards, to nowhere.

    A character that the terminal's encoding lacks is written as `\\u2013`.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # or the next file that is opened would take its number, and get what is meant for it
            os.open(os.devnull, os.O_RDWR)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            buffer, encoding, by_line = open(number, "wb", closefd=False), "utf-8", True  # noqa: SIM115
        elif type(stream) is io.TextIOWrapper and stream is getattr(sys, f"__{name}__"):
            encoding, by_line = stream.encoding, stream.line_buffering
            buffer = stream.detach()
        else:  # one of ours already, or somebody's who captures it
            continue
        guarded = _Stream(buffer, encoding, "backslashreplace", line_buffering=by_line, write_through=number == 2)
        setattr(sys, name, guarded)
        setattr(sys, f"__{name}__", guarded)


def finish(code: int) -> int:
    """The exit code of a program that would end with `code`: another than 0 where its output could not be written."""
    for stream in (sys.stderr, sys.stdout):
        if stream is not None:
            stream.flush()
    stream = sys.stdout
    # A reader that has read enough, `head` for example, is no error.
    if not isinstance(stream, _Stream) or stream.lost is None or stream.lost.errno == errno.EPIPE:
        return code
    cause, stream.lost = stream.lost.strerror, None  # said once
    print(f"goldmask: stdout cannot be written: {cause}", file=sys.stderr)
    return code or ExitCode.USAGE
