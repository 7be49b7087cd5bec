"""The report on disk: report.json, junit.xml, and a picture of each failed case."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..contract.errors import UsageError, of_system
from ..contract.files import remove_files, write_atomically
from ..verdict.compare import Comparison, Outcome, Pair, Verdict
from ..verdict.three_way import Agreement
from .junit import to_junit
from .pictures import side_by_side, soft_side_by_side
from .report import JUNIT_FILE, REPORT_FILE, Report, Skipped, exit_code, to_json

PICTURES = "diffs"


def open_folder(out: Path) -> None:
    """Make `out` ready for a run: yesterday's report must not pass for today's. Raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        remove_files(out, REPORT_FILE, JUNIT_FILE)
        if (out / PICTURES).is_dir():
            shutil.rmtree(out / PICTURES)
    except OSError as error:
        raise UsageError(f"cannot write into {out}: {error.strerror}", fix="--out <a folder you own>") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write into {out}: permission denied", fix="--out <a folder you own>")


def row_of(outcome: Outcome, out: Path) -> Comparison:
    """The row of an outcome in the report in `out`, where a failure's picture is written; it keeps no masks."""
    if not isinstance(outcome, Pair):
        return outcome
    row = outcome.comparison
    if row.verdict is not Verdict.FAIL:
        return row
    picture = f"{PICTURES}/{row.target}.{row.pipeline}.{row.model}.{row.case}.png"
    try:
        write_atomically(out / picture, _drawn(outcome))
    except OSError:  # nor can the report be written then, which says so
        return row
    return row.model_copy(update={"picture": picture})


def _drawn(pair: Pair) -> bytes:
    if pair.soft:
        return soft_side_by_side(pair.soft, pair.confident)
    return side_by_side(pair.expected, pair.actual, pair.confident, pair.ignored)


def write_report(
    comparisons: Sequence[Comparison],
    skipped: Sequence[Skipped],
    environment: dict[str, str],
    out: Path,
    notes: tuple[str, ...] = (),
    agreements: Sequence[Agreement] = (),
) -> Report:
    """Write all forms of the report of `comparisons` into `out`; returns it.

    Raises GoldmaskError where it cannot be written, with the exit code of the comparisons if they have one.
    """
    report = Report(
        schema=1,
        exit_code=exit_code(comparisons),
        environment=environment,
        comparisons=tuple(comparisons),
        skipped=tuple(skipped),
        notes=notes,
        agreements=tuple(agreements),
    )
    try:
        write_atomically(out / REPORT_FILE, to_json(report))
        write_atomically(out / JUNIT_FILE, to_junit(report, _from_here(out)))
    except OSError as error:
        lost = of_system(error)
        # Masks that differ are the news, on a full disk too.
        lost.exit_code = report.exit_code or lost.exit_code
        raise lost from error
    return report


def _from_here(out: Path) -> Path:
    """The folder as CI, which reads paths from where it starts goldmask, finds it: relative where it is below that."""
    here = Path.cwd()
    whole = here / out
    return whole.relative_to(here) if whole.is_relative_to(here) else whole
