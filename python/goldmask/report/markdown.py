"""The report as Markdown, for a comment on a pull request and for the summary of a job.

Every text of a report is a code span: GitHub reads no Markdown, HTML, mention, reference, emoji or address in one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..contract.errors import one_line
from ..machine.resources import COMMAND, typed
from ..verdict.compare import FAILING, Comparison, Verdict
from .clauses import cause_of, could_be_meant, counted, figures, group_name, meaning, milliseconds
from .diagnoses import explained
from .report import REPORT_FILE, Report

# GitHub takes 65,536 characters of a comment.
MAX_CHARACTERS = 60_000
MAX_GROUPS, MAX_ROWS, MAX_CASES, MAX_LINES, MAX_TEXT = 100, 50, 6, 20, 300
CUT = f"… the rest did not fit: see `{REPORT_FILE}`."
WORST_FIRST = (Verdict.FAIL, Verdict.ERROR, Verdict.WARN, Verdict.SKIP, Verdict.PASS)


@dataclass(frozen=True)
class Upload:
    """Where the results of a run are kept: the name of the artefact, and the page of the run; empty if unknown."""

    artefact: str = ""
    run_url: str = ""


def marker(upload: Upload = Upload()) -> str:
    """The first line of a comment, by which the next run finds it: the same for every run of one artefact."""
    name = re.sub(r"[^\w.-]", "_", upload.artefact, flags=re.ASCII)
    return f"<!-- goldmask report {name} -->" if name else "<!-- goldmask report -->"


def to_markdown(report: Report, upload: Upload = Upload()) -> str:
    """The comment: `marker`, the outcome, a table of the groups, the failures by cause, and where pictures are.

    At most MAX_CHARACTERS long; it ends with CUT where something was left out for that.
    """
    lines = [marker(upload), *_lines(report, upload)]
    kept: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > MAX_CHARACTERS - len(CUT) - 2:
            return "\n".join([*kept, "", CUT]) + "\n"
        kept.append(line)
    return "\n".join(kept) + "\n"


def plain(text: str, longest: int = MAX_TEXT) -> str:
    """A text of a report as one printable line that holds no `##[`: in a log GitHub runs what begins so."""
    return one_line(text, longest).replace("##[", "## [")


def code(text: str, longest: int = MAX_TEXT) -> str:
    """A text as a code span, whatever backticks it has; a dash where it is empty."""
    line = plain(text, longest)
    if not line:
        return "–"
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def cell(text: str) -> str:
    """A text as a code span in a table, where a bar would begin the next cell."""
    return code(text).replace("|", r"\|")


def _lines(report: Report, upload: Upload) -> Iterator[str]:
    yield f"### goldmask: {meaning(report)} (exit {report.exit_code.value})"
    yield ""
    yield counted(sorted(report.comparisons, key=_weight)) or "no comparisons"
    yield from _groups(report.comparisons)
    yield from _causes("Failed", [row for row in report.comparisons if row.verdict in FAILING], report)
    yield from _explained(report.comparisons)
    yield from _causes("Warned", [row for row in report.comparisons if row.verdict is Verdict.WARN], report)
    yield from _causes("Skipped", [row for row in report.comparisons if row.verdict is Verdict.SKIP], report)
    yield from _section("Notes", [f"- {code(typed(note))}" for note in report.notes])
    yield from _results(report, upload)


def _groups(rows: Sequence[Comparison]) -> Iterator[str]:
    """A row of a table for each model, target and pipeline, those with failures first."""
    groups: dict[tuple[str, str, str], list[Comparison]] = {}
    for row in rows:
        groups.setdefault((row.model, row.target, row.pipeline), []).append(row)
    worst_first = sorted(groups.items(), key=lambda group: min(map(_weight, group[1])))
    table = [
        f"| {' | '.join(map(cell, names))} | {counted(sorted(group, key=_weight))} | {milliseconds(group) or '–'} |"
        for names, group in worst_first
    ]
    if table:
        yield from ("", "| model | target | pipeline | cases | inference |", "|---|---|---|---|---|")
        yield from _first(table, MAX_GROUPS, "groups")


def _causes(title: str, rows: Sequence[Comparison], report: Report) -> Iterator[str]:
    """A row of a table for each cause within a group: its cases, the figures of the worst, and what to type.

    A reason for skipping is there once, with all that it stops.
    """
    cures = {each.reason: each.fix for each in report.skipped}
    causes: dict[tuple[Verdict, str, str, str], list[Comparison]] = {}
    for row in sorted(rows, key=lambda row: (_weight(row), -_differing(row))):
        cure = row.reason.partition("\n  try: ")[2] or cures.get(row.reason, "")
        group = "" if row.verdict is Verdict.SKIP else group_name(row)
        causes.setdefault((row.verdict, group, cause_of(row), cure), []).append(row)
    table = []
    for (verdict, group, cause, cure), same in causes.items():
        ids = dict.fromkeys(row.case for row in same)
        cases = ", ".join(map(cell, list(ids)[:MAX_CASES]))
        more = f" and {len(ids) - MAX_CASES:,} more" if len(ids) > MAX_CASES else ""
        group = group or ", ".join(dict.fromkeys(map(group_name, same)))
        why = [cell(cause)]
        why += [figures(same[0])] if same[0].metrics and verdict is Verdict.FAIL else []
        why += [f"picture: {cell(same[0].picture)}"] if same[0].picture else []
        why += [f"try: {cell(typed(cure))}"] if cure else []
        table.append(f"| {verdict.value} | {cases}{more} | {cell(group)} | {'<br>'.join(why)} |")
    if table:
        yield from ("", f"#### {title}", "", "| | cases | of | why |", "|---|---|---|---|")
        yield from _first(table, MAX_ROWS, "causes")


def _explained(rows: Iterable[Comparison]) -> Iterator[str]:
    """Each diagnosis, with its cases and its evidence."""
    lines = []
    for found in explained(rows)[:MAX_LINES]:
        lines += [f"- **{code(found.title)}**", *(f"  - {code(line)}" for line in found.lines)]
    yield from _section("Why", lines, most=MAX_LINES * 5)


def _results(report: Report, upload: Upload) -> Iterator[str]:
    """Where pictures and masks are, as a comment cannot show them, and how to decide about what pends."""
    pictures = sum(row.picture is not None for row in report.comparisons)
    run = f"[this run]({upload.run_url})" if re.fullmatch(r"https://[\w.:/-]+", upload.run_url, re.ASCII) else "the run"
    where = f"in the artefact {code(upload.artefact)} of {run}" if upload.artefact else "in the folder of the report"
    yield ""
    if pictures:
        yield f"{pictures:,} {'picture' if pictures == 1 else 'pictures'}, `{REPORT_FILE}` and all masks are {where}."
    else:
        yield f"`{REPORT_FILE}` and all masks are {where}."
    models = dict.fromkeys(row.model for row in report.comparisons if could_be_meant(row))
    if models:
        source = " --from <the unpacked artefact>" if upload.artefact else ""
        yield f"If the change is meant: `{COMMAND} golden.review{source}`, and commit the goldens."


def _section(title: str, lines: Sequence[str], most: int = MAX_LINES) -> Iterator[str]:
    if lines:
        yield from ("", f"#### {title}", "")
        yield from _first(lines, most, "lines")


def _first(lines: Sequence[str], most: int, what: str) -> Iterator[str]:
    """The first `most` lines, and how many more there are."""
    yield from lines[:most]
    if more := len(lines[most:]):
        yield from ("", f"… and {more:,} more {what}: see `{REPORT_FILE}`.")


def _weight(row: Comparison) -> int:
    return WORST_FIRST.index(row.verdict)


def _differing(row: Comparison) -> int:
    return row.metrics.differing if row.metrics else 0
