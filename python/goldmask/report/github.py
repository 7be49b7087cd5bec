"""The report as commands of a GitHub workflow: annotations, which a run's page and a pull request show."""

from collections.abc import Iterator

from ..contract.errors import ExitCode
from ..verdict.compare import FAILING, Comparison, Verdict
from .clauses import cause_of, group_name, meaning
from .markdown import plain
from .report import REPORT_FILE, Report

# GitHub shows ten errors and ten warnings of a step.
MAX_ANNOTATIONS = 10
MAX_MESSAGE = 1000


def annotations(report: Report) -> list[str]:
    """`::error` for each cause of failures, `::warning` for each of warnings: lines for the log of a job.

    An error at least where the exit code is not 0. No text of the report can begin a command of its own.
    """
    errors = list(_causes([row for row in report.comparisons if row.verdict in FAILING]))
    if not errors and report.exit_code is not ExitCode.OK:
        errors = [("goldmask", meaning(report))]
    warnings = list(_causes([row for row in report.comparisons if row.verdict is Verdict.WARN]))
    return [*_commands("error", errors), *_commands("warning", warnings)]


def command(name: str, title: str, message: str) -> str:
    """A workflow command, escaped as the runner (actions/runner, ActionCommand.cs) unescapes it."""
    return f"::{name} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _causes(rows: list[Comparison]) -> Iterator[tuple[str, str]]:
    """A title and a message for each cause: the first of its cases, and how many more."""
    causes: dict[tuple[Verdict, str], list[Comparison]] = {}
    for row in rows:
        causes.setdefault((row.verdict, cause_of(row)), []).append(row)
    for (verdict, cause), same in causes.items():
        more = f" and {len(same) - 1:,} more" if len(same) > 1 else ""
        why = f"; why: {same[0].diagnosis.cause}" if same[0].diagnosis and same[0].diagnosis.cause else ""
        yield plain(f"{verdict} {same[0].case} · {group_name(same[0])}{more}"), plain(f"{cause}{why}", MAX_MESSAGE)


def _commands(name: str, found: list[tuple[str, str]]) -> Iterator[str]:
    shown = found if len(found) <= MAX_ANNOTATIONS else found[: MAX_ANNOTATIONS - 1]
    for title, message in shown:
        yield command(name, title, message)
    if more := len(found) - len(shown):
        yield command(name, "goldmask", f"and {more:,} more causes: see {REPORT_FILE}")
