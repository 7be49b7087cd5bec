"""The terminal: results on stdout, progress and errors on stderr: bars there, or lines where it is a log."""

import sys
import time
from collections.abc import Callable, Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as LiveDisplay
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ..contract.errors import printable
from ..machine.progress import Progress
from ..machine.resources import typed


class PlainConsole(Console):
    """A console on which text is text: rich's own colours and cursor movements are the only ones there are."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is shown of a renderable; names of tensors, labels and reasons of servers come through here."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                yield Segment(printable(segment.text, len(segment.text) * 10), segment.style)


# Piped output is for programs and log files: no folding at 80 columns there.
LOG_WIDTH = 240
# A step that took less has no line in a log: there was nothing to do.
LEAST_S = 0.1
out = PlainConsole(width=None if sys.stdout.isatty() else LOG_WIDTH)
err = PlainConsole(stderr=True)


def tell(text: str, style: str = "") -> None:
    """Print a line, whose commands are those that the user types."""
    out.print(Text(typed(text), style))


def new_table(*headings: str, titled: bool = True) -> Table:
    """An empty table, in which long words go on in the next line: rich cuts them by itself."""
    made = Table(box=None, show_header=titled, header_style="bold")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


class ProgressBars(Progress):
    """Progress on stderr; a context manager.

    On a terminal a bar for each download and each step. In a log a line as each of them ends, with its seconds: a
    bar there would be nothing, or a line for each of its movements.
    """

    def __init__(self, console: Console = err, now: Callable[[], float] = time.monotonic) -> None:
        # Not console.is_terminal, which FORCE_COLOR makes true in the log of a CI job.
        self._live = console.file.isatty() and not console.is_dumb_terminal
        self._console, self._now = console, now
        text, bar = TextColumn("{task.description}", markup=False), BarColumn(bar_width=30)
        columns = {
            "downloads": (text, bar, DownloadColumn()),
            "steps": (text, bar, MofNCompleteColumn(), TimeElapsedColumn()),
        }
        self._downloads, self._steps = (
            LiveDisplay(*each, console=console, transient=True, disable=not self._live) for each in columns.values()
        )
        self._running: LiveDisplay | None = None
        self._bars: dict[str, TaskID] = {}
        # In a log: when each began and how far it is, and what has its line.
        self._begun: dict[str, tuple[float, int, int | None]] = {}
        self._logged: set[str] = set()

    def __enter__(self) -> "ProgressBars":
        return self

    def __exit__(self, *_: object) -> None:
        if self._running:
            self._running.stop()

    def download(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of a download."""
        if self._live:
            self._show(self._downloads, name, done, total)
            return
        what = f"fetch {name}"
        # The end of a download is told twice: with its last byte, and when its sha256 is right.
        if (what in self._begun or what not in self._logged or not done) and self._ended(what, done, total):
            self._line(what, f"{done / 1e6:.1f} MB")

    def step(self, what: str, done: int, total: int) -> None:
        """`done` of `total` units of a step."""
        if self._live:
            self._show(self._steps, what, done, total)
        elif self._ended(what, done, total):
            self._line(what, f"{total:,} done" if total > 1 else "")

    def over(self, what: str) -> None:
        """The step is over: in a log it gets its line if it has none yet."""
        if what in self._begun:
            _, done, total = self._begun[what]
            self._line(what, f"ended after {done:,} of {total:,}" if total else "ended")

    def _ended(self, what: str, done: int, total: int | None) -> bool:
        began = self._begun[what][0] if what in self._begun else self._now()
        self._begun[what] = began, done, total
        return total is not None and done >= total

    def _line(self, what: str, clause: str) -> None:
        seconds = self._now() - self._begun.pop(what)[0]
        self._logged.add(what)
        if seconds < LEAST_S:
            return
        text = f"{what}: {clause}, {seconds:.1f} s" if clause else f"{what}: {seconds:.1f} s"
        self._console.print(Text(text), soft_wrap=True)

    def _show(self, progress: LiveDisplay, what: str, done: int, total: int | None) -> None:
        if self._running is not progress:  # rich draws one live display at a time
            if self._running:
                self._running.stop()
            self._running = progress
            progress.start()
        if what not in self._bars:
            self._bars[what] = progress.add_task(what, total=total)
        progress.update(self._bars[what], completed=done, total=total)
