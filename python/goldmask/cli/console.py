"""The terminal: results on stdout, progress bars and errors on stderr."""

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.segment import Segment

from ..contract.errors import printable
from ..machine.progress import Progress


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
out = PlainConsole(width=None if sys.stdout.isatty() else LOG_WIDTH)
err = PlainConsole(stderr=True)


class ProgressBars(Progress):
    """Progress bars, one for each download and each step; a context manager. Silent where stderr is no terminal."""

    def __init__(self) -> None:
        text, bar = TextColumn("{task.description}", markup=False), BarColumn(bar_width=30)
        self._downloads = Bars(text, bar, DownloadColumn(), console=err, transient=True, disable=not err.is_terminal)
        self._steps = Bars(
            text,
            bar,
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._running: Bars | None = None
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> "ProgressBars":
        return self

    def __exit__(self, *_: object) -> None:
        if self._running:
            self._running.stop()

    def download(self, name: str, done: int, total: int | None) -> None:
        """`done` of `total` bytes of a download."""
        self._show(self._downloads, name, done, total)

    def step(self, what: str, done: int, total: int) -> None:
        """`done` of `total` parts of a step."""
        self._show(self._steps, what, done, total)

    def _show(self, progress: Bars, what: str, done: int, total: int | None) -> None:
        if self._running is not progress:  # rich draws one live display at a time
            if self._running:
                self._running.stop()
            self._running = progress
            progress.start()
        if what not in self._bars:
            self._bars[what] = progress.add_task(what, total=total)
        progress.update(self._bars[what], completed=done, total=total)
