"""The report for people: a line for each group, the rows that did not pass, what was skipped, and what to type."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..contract.errors import ExitCode
from ..machine.resources import COMMAND, typed
from ..verdict.compare import CHANGED, FAILING, Comparison, Verdict
from ..verdict.three_way import lines as lines_of
from .clauses import cause_of, could_be_meant, counted, figures, group_name, meaning, milliseconds
from .diagnoses import explained
from .report import REPORT_FILE, Report

COLOURS = {
    Verdict.PASS: "green",
    Verdict.WARN: "bold yellow",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.SKIP: "yellow",
}
# More rows than anybody reads; ten thousand take longer than their comparison.
MAX_ROWS, MAX_CAUSES, MAX_CASES = 200, 20, 10
_BY_WEIGHT = (Verdict.ERROR, Verdict.FAIL, Verdict.WARN, Verdict.SKIP)
GAP = "   "
VERDICT_WIDTH, CASE_WIDTH, LEAST_TEXT_WIDTH = 7, 24, 10
# What an encoding without them gets instead of the signs of this page.
PLAIN_SIGNS = str.maketrans({"·": "|", "–": "-", "…": "...", "×": "x", "±": "+-"})


@dataclass(frozen=True)
class View:
    """How a report is shown.

    `verbose` shows every row; `folder` is where the report lies, as it is typed; `again` are the words behind
    the program's name that check its failures once more. `pends` is whether what differs can be accepted.
    """

    verbose: bool = False
    folder: str = "."
    again: tuple[str, ...] = ()
    pends: bool = True


def to_terminal(report: Report, view: View = View()) -> RenderableType:
    """A line for each group with its failures, then warnings, reasons for skipping, notes, the failures' causes.

    The last line is the outcome. Long lines wrap; no line is wider than the console, and nothing is cut.
    """
    return _Shown(report, view)


def rows_shown(report: Report, verbose: bool = False) -> tuple[Comparison, ...]:
    """The comparisons that have a row below the line of their group."""
    if verbose:
        return report.comparisons
    return tuple(row for row in report.comparisons if row.verdict in FAILING)[:MAX_ROWS]


@dataclass(frozen=True)
class _Shown:
    report: Report
    view: View

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        page = _Page(console, options.max_width, options.encoding)
        for lines in (
            _groups(page, self.report, self.view.verbose),
            _warnings(page, self.report),
            _skipped(page, self.report),
            _notes(page, self.report),
            _causes(page, self.report, self.view),
            _diagnoses(page, self.report),
            _agreements(page, self.report),
            _again(page, self.view.again),
        ):
            shown = list(lines)
            yield from shown
            if shown:
                yield Text()
        yield from _outcome(page, self.report)


@dataclass(frozen=True)
class _Page:
    """The console's width, and what it can show."""

    console: Console
    width: int
    encoding: str

    def text(self, text: str, style: str = "") -> Text:
        """A text in what the encoding has: `·` is `|` in ASCII, other characters are escapes such as `\\u732b`."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            text = text.translate(PLAIN_SIGNS).encode(self.encoding, "backslashreplace").decode(self.encoding)
        return Text(text, style)

    def room(self, indent: int) -> int:
        """An indent that leaves something of the line."""
        return max(min(indent, self.width - LEAST_TEXT_WIDTH), 0)

    def wrapped(self, text: Text, indent: int = 0) -> list[Text]:
        """Lines of a text, all of them indented; a word that is too long for a line goes on in the next."""
        indent = self.room(indent)
        lines = list(text.wrap(self.console, max(self.width - indent, 2), overflow="fold"))
        for line in lines:
            line.rstrip()
        return [Text(" " * indent) + line for line in lines] or [Text()]

    def beside(self, head: Text, indent: int, text: Text) -> list[Text]:
        """A head, and a text that begins at `indent` in all its lines: beside the head, or below one that is wider."""
        lines, indent = self.wrapped(text, indent), self.room(indent)
        if cell_len(head.plain) > indent - 1:
            return [*self.wrapped(head), *lines]
        return [head + Text(" " * (indent - cell_len(head.plain))) + lines[0][indent:], *lines[1:]]


def _groups(page: _Page, report: Report, verbose: bool) -> Iterator[Text]:
    """A line for each group, and below it those of its rows that are shown."""
    groups: dict[str, list[Comparison]] = {}
    for row in report.comparisons:
        groups.setdefault(group_name(row), []).append(row)
    counts = {name: counted(rows) for name, rows in groups.items()}
    times = {name: milliseconds(rows) for name, rows in groups.items()}
    beside = max(map(len, counts.values()), default=0) + len(GAP) + max(map(len, times.values()), default=0)
    room = page.width - len(GAP) - beside
    names = (cell_len(page.text(name).plain) for name in groups)
    indent = max((width for width in names if width <= room), default=2) + len(GAP)
    shown = {id(row) for row in rows_shown(report, verbose)}
    told: set[int] = set()  # in a row for several
    for name, rows in groups.items():
        ending = f"{counts[name]:{beside - len(times[name])}}{times[name]}" if times[name] else counts[name]
        worst = next((each for each in _BY_WEIGHT if any(row.verdict is each for row in rows)), Verdict.PASS)
        yield from page.beside(page.text(name), indent, page.text(ending, COLOURS[worst]))
        for clause in dict.fromkeys(clause for row in rows for clause in (_otherwise(row), _changed(row)) if clause):
            yield from page.wrapped(page.text(clause, "yellow"), 2)
        for clause in dict.fromkeys(filter(None, map(_ran, rows))) if verbose else ():
            yield from page.wrapped(page.text(clause), 2)
        cells = [row for row in rows if id(row) in shown]
        width = max((cell_len(page.text(row.case).plain) for row in cells), default=0)
        # What did not compile did so once, and is told once.
        if (
            cells
            and not verbose
            and len(rows) > 1
            and {(row.verdict, row.reason) for row in rows} == {(Verdict.ERROR, cells[0].reason)}
        ):
            told |= {id(row) for row in rows}
            yield from _row(page, cells[0], f"{len(rows):,} cases", min(width, CASE_WIDTH), verbose)
            continue
        for row in cells:
            yield from _row(page, row, row.case, min(width, CASE_WIDTH), verbose)
    failing = sum(row.verdict in FAILING for row in report.comparisons)
    if more := 0 if verbose else failing - len(shown | told):
        yield page.text(f"and {more:,} more that failed: see {REPORT_FILE}, or --verbose")


def _row(page: _Page, row: Comparison, case: str, width: int, verbose: bool) -> Iterator[Text]:
    """A row: verdict, case and cause; with `verbose` its figures as well."""
    head = Text("  ") + page.text(f"{row.verdict:{VERDICT_WIDTH}}", COLOURS[row.verdict]) + page.text(case)
    indent = 2 + VERDICT_WIDTH + width + 2
    cause = "skipped for the reason below" if row.verdict is Verdict.SKIP else cause_of(row)
    numbers = figures(row) if verbose else ""
    yield from page.beside(head, indent, page.text(f"{cause} · {numbers}" if numbers else cause))


def _warnings(page: _Page, report: Report) -> Iterator[Text]:
    """The rows that are a pass and break a gate of [warnings]."""
    warned = [row for row in report.comparisons if row.verdict is Verdict.WARN]
    for row in warned[:MAX_ROWS]:
        label = page.text(row.verdict, COLOURS[row.verdict])
        yield from page.beside(label, VERDICT_WIDTH, page.text(f"{row.case} · {group_name(row)}"))
        yield from page.wrapped(page.text(cause_of(row)), VERDICT_WIDTH)
    if more := len(warned[MAX_ROWS:]):
        yield page.text(f"and {more:,} more that warned: see {REPORT_FILE}")


def _skipped(page: _Page, report: Report) -> Iterator[Text]:
    """Each reason for skipping once: how many cases of what, and one cure."""
    reasons: dict[str, list[Comparison]] = {}
    for row in report.comparisons:
        if row.verdict is Verdict.SKIP:
            reasons.setdefault(row.reason, []).append(row)
    cures = {each.reason: each.fix for each in reversed(report.skipped)}
    for reason, rows in reasons.items():
        models, targets, pipelines = (
            ", ".join(dict.fromkeys(each))
            for each in zip(*((r.model, r.target, r.pipeline) for r in rows), strict=True)
        )
        what = f"{len(rows):,} {'case' if len(rows) == 1 else 'cases'} of {models} on {targets} ({pipelines})"
        label = page.text(Verdict.SKIP, COLOURS[Verdict.SKIP])
        yield from page.beside(label, VERDICT_WIDTH, page.text(f"{what}:"))
        yield from page.wrapped(page.text(reason), VERDICT_WIDTH)
        yield from _typed(page, "try", cures.get(reason, ""))


def _notes(page: _Page, report: Report) -> Iterator[Text]:
    for note in report.notes:
        yield from page.wrapped(page.text(f"note: {note}"))


def _diagnoses(page: _Page, report: Report) -> Iterator[Text]:
    """Each cause by its name, with the cases that have it."""
    for found in explained(report.comparisons)[:MAX_CAUSES]:
        yield from page.beside(page.text("WHY", "bold cyan"), VERDICT_WIDTH, page.text(found.title))
        for line in found.lines:
            yield from page.wrapped(page.text(line), VERDICT_WIDTH)


def _agreements(page: _Page, report: Report) -> Iterator[Text]:
    """Which runs of the failed cases are equal, and which are not."""
    for line in lines_of(report.agreements):
        yield from page.beside(page.text("PAIR", "bold cyan"), VERDICT_WIDTH, page.text(line))


def _causes(page: _Page, report: Report, view: View) -> Iterator[Text]:
    """The failures once more, by their causes: what failed so, its figures, and what to type."""
    cures = {each.reason: each.fix for each in report.skipped}
    causes: dict[tuple[Verdict, str, str], list[Comparison]] = {}
    for row in report.comparisons:
        if row.verdict in FAILING:
            cause, _, cure = row.reason.partition("\n  try: ")
            causes.setdefault((row.verdict, cause, cure or cures.get(cause, "")), []).append(row)
    for (verdict, cause, cure), rows in list(causes.items())[:MAX_CAUSES]:
        label = page.text(verdict, COLOURS[verdict])
        yield from page.beside(label, VERDICT_WIDTH, page.text(typed(cause)))
        yield from _cases(page, rows)
        for row in rows[:MAX_CASES]:
            whose = f"{row.case}: " if len(rows) > 1 else ""
            yield from page.wrapped(page.text(f"{whose}{figures(row)}"), VERDICT_WIDTH) if row.metrics else ()
            yield from _typed(page, "look", f"{view.folder}/{row.picture}" if row.picture else "")
        if more := len(rows[MAX_CASES:]) if rows[0].metrics else 0:
            yield from page.wrapped(page.text(f"and {more:,} more: see {REPORT_FILE}"), VERDICT_WIDTH)
        yield from _typed(page, "try", cure)
        for model in dict.fromkeys(row.model for row in rows if view.pends and could_be_meant(row)):
            yield from _typed(page, "accept", f"./goldmask golden.review --model {model}")
    if more := len(causes) - MAX_CAUSES if len(causes) > MAX_CAUSES else 0:
        yield page.text(f"and {more:,} more causes: see {REPORT_FILE}")


def _cases(page: _Page, rows: Sequence[Comparison]) -> Iterator[Text]:
    """The cases of each group that `rows` are of."""
    cases_by_row: dict[str, list[str]] = {}
    for row in rows:
        cases_by_row.setdefault(group_name(row), []).append(row.case)
    for row_name, cases in cases_by_row.items():
        more = f" and {len(cases) - MAX_CASES:,} more" if len(cases) > MAX_CASES else ""
        yield from page.wrapped(page.text(f"{', '.join(cases[:MAX_CASES])}{more} · {row_name}"), VERDICT_WIDTH)


def _typed(page: _Page, label: str, command: str) -> Iterator[Text]:
    """`try: …`, `look: …`: nothing where there is nothing to type."""
    if command:
        yield from page.wrapped(page.text(f"{label}: {typed(command)}"), VERDICT_WIDTH)


def _outcome(page: _Page, report: Report) -> Iterator[Text]:
    models = ", ".join(sorted({c.model for c in report.comparisons if c.verdict is not Verdict.SKIP})) or "none"
    colour = "green" if report.exit_code is ExitCode.OK else "bold red"
    counts = ", ".join(f"{count} {verdict}" for verdict in Verdict if (count := report.count(verdict)))
    outcome = f"{counts or 'no comparisons'} · models run: {models} · {meaning(report)} (exit {report.exit_code})"
    yield from page.wrapped(page.text(outcome, colour))


def _again(page: _Page, argv: Sequence[str]) -> Iterator[Text]:
    """The command that runs the failures again; in several lines it is still one command for a shell."""
    if not argv:
        return
    yield from page.wrapped(page.text("run what failed again:"))
    line = f"  {COMMAND}"
    for word in map(shlex.quote, argv):
        if cell_len(f"{line} {word}") > page.width - 2:
            yield page.text(f"{line} \\")
            line = "   "
        line = f"{line} {word}"
    yield page.text(line)


def _ran(row: Comparison) -> str:
    """Runtime, delegate, nodes and threads that ran, and what was asked for; empty where nothing ran."""
    nodes = row.delegate.nodes
    clauses = [f"ran {row.runtime}"] if row.runtime else []
    clauses += [f"{nodes} on the delegate"] if nodes and str(nodes) not in row.runtime else []
    asked = [row.delegate.asked or "", f"{row.threads.asked} threads" if row.threads.asked else ""]
    clauses += [f"asked for {', '.join(filter(None, asked))}"] if any(asked) else []
    return ", ".join(clauses)


def _otherwise(row: Comparison) -> str:
    """That something else ran than was asked for; empty where it did not."""
    clauses = []
    if row.delegate.ran and row.delegate.asked not in (None, row.delegate.ran):
        clauses.append(f"{row.delegate.asked} was asked for, {row.delegate.ran} ran")
    if row.threads.ran and row.threads.asked not in (None, row.threads.ran):
        clauses.append(f"{row.threads.asked} threads were asked for, {row.threads.ran} ran")
    if (nodes := row.delegate.nodes) and row.delegate.asked == row.delegate.ran and 0 < nodes.delegated < nodes.of:
        clauses.append(f"{row.delegate.ran} took {nodes}")
    return "; ".join(clauses)


def _changed(row: Comparison) -> str:
    """Which override a row passed under; empty where it was under none."""
    _, changed, reason = row.reason.partition(f"({CHANGED}")
    return f"passed with {changed.removeprefix('(')}{reason.removesuffix(')')}" if changed else ""
