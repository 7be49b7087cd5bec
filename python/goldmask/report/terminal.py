"""The report as a table for the terminal."""

from statistics import median

from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from ..contract.errors import ExitCode
from ..machine.resources import typed
from ..verdict.compare import Comparison, Verdict
from .report import REPORT_FILE, Report

COLOURS = {
    Verdict.PASS: "green",
    Verdict.WARN: "bold yellow",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold magenta",
    Verdict.SKIP: "yellow",
}
MEANINGS = {
    ExitCode.MASKS_DIFFER: "masks differ",
    ExitCode.GOLDEN: "a golden is missing or stale",
    ExitCode.RUN: "a run failed",
    ExitCode.ENVIRONMENT: "nothing was compared, or something asked for by name cannot run here",
    ExitCode.CONFIG: "a configuration is wrong",
    ExitCode.USAGE: "an option cannot be used",
    ExitCode.LATENCY: "latency over budget",
}
FIGURES = ("agreement", "confident", "ties", "mIoU", "ms")
# More rows than anybody reads; a table of ten thousand takes longer than their comparison.
MAX_ROWS = 200
HEADINGS = ("model", "case", "target", "pipeline", "verdict", *FIGURES, "reason")


def to_terminal(report: Report) -> RenderableType:
    """A row for each comparison, what was skipped and how to change that, and the outcome.

    Of more than MAX_ROWS comparisons the first ones that did not pass are shown.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in HEADINGS:
        justify: JustifyMethod = "right" if heading in FIGURES else "left"
        table.add_column(heading, justify=justify, no_wrap=heading not in ("reason", "case"), overflow="fold")
    shown = rows_shown(report)
    for comparison in shown:
        table.add_row(*_row(comparison))
    # Text, not markup: names and reasons may come from a device.
    parts: list[RenderableType] = [table]
    if more := len(report.comparisons) - len(shown):
        parts.append(Text(f"and {more:,} more rows, {_counts(report)} in all: see {REPORT_FILE}"))
    parts.append(Text())
    for skipped in report.skipped:
        parts.append(
            Text(f"SKIP {skipped.model} on {skipped.target} ({skipped.pipeline}): {skipped.reason}", style="yellow")
        )
        parts.append(Text(typed(f"  try: {skipped.fix}")))
    parts += [Text(f"note: {note}") for note in report.notes]
    models = ", ".join(sorted({c.model for c in report.comparisons if c.verdict is not Verdict.SKIP})) or "none"
    colour = "green" if report.exit_code is ExitCode.OK else "bold red"
    counts = _counts(report) or "no comparisons"
    outcome = f"{counts} · models run: {models} · {_meaning(report)} (exit {report.exit_code})"
    parts.append(Text(outcome, style=colour))
    return Group(*parts)


def rows_shown(report: Report) -> tuple[Comparison, ...]:
    """The comparisons that have a row in the table."""
    if len(report.comparisons) <= MAX_ROWS:
        return report.comparisons
    return tuple(row for row in report.comparisons if row.verdict is not Verdict.PASS)[:MAX_ROWS]


def _counts(report: Report) -> str:
    return ", ".join(f"{report.count(verdict)} {verdict}" for verdict in Verdict if report.count(verdict))


def _meaning(report: Report) -> str:
    """What the exit code means here; masks are called the same only where no pixel differs."""
    if report.exit_code is not ExitCode.OK:
        return MEANINGS[report.exit_code]
    differing = sum(row.metrics.differing for row in report.comparisons if row.metrics)
    if not differing:
        return "the masks are the same"
    return (
        f"the masks agree within the tolerances, {differing:,} {'pixel differs' if differing == 1 else 'pixels differ'}"
    )


def _row(comparison: Comparison) -> list[Text]:
    metrics, latency = comparison.metrics, comparison.latency
    flips = [None, None] if metrics is None else [metrics.confident_flips, metrics.tie_flips]
    return [
        Text(comparison.model),
        Text(comparison.case),
        Text(comparison.target),
        Text(comparison.pipeline),
        Text(comparison.verdict, style=COLOURS[comparison.verdict]),
        Text(f"{metrics.agreement:.3%}" if metrics else "–"),
        *(Text("–" if count is None else f"{count:,}") for count in flips),
        Text(f"{metrics.miou:.4f}" if metrics else "–"),
        Text(f"{median(latency.inference_ms):.1f}" if latency and latency.inference_ms else "–"),
        Text(typed(comparison.reason)),
    ]
