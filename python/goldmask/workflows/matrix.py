"""What another version of the app's runtime would do to masks and latencies: the same cases on each, in one table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from ..contract.errors import ExitCode
from ..contract.files import write_atomically
from ..machine.progress import Progress
from ..project.config import Config
from ..report.report import Report, exit_code
from ..verdict.compare import Comparison, Verdict
from .check import check
from .selection import Selection

MATRIX_FILE = "matrix.json"
# A first run warms caches and the JIT; the median of the next ten says what a user of the app would wait.
WARMUP, RUNS = 3, 10


@dataclass(frozen=True)
class Row:
    """One model on one version: verdict counts, the worst case's figures, and the median of all inferences."""

    version: str
    model: str
    pipeline: str
    runtime: str
    passed: int
    cases: int
    agreement: float | None
    confident_flips: int | None
    tie_flips: int | None
    inference_ms: float | None
    reason: str


def compare_runtimes(
    root: Path,
    config: Config,
    selection: Selection,
    versions: Sequence[str],
    out: Path,
    progress: Progress = Progress(),
) -> tuple[list[Row], ExitCode]:
    """Check `selection`, whose target has to run, with each version of its runtime; the rows, and the exit code.

    Each version's own report goes to `out`/<version>, the rows to `out`/matrix.json.
    """
    rows: list[Row] = []
    comparisons: list[Comparison] = []
    for version in versions:
        given = {"warmup": WARMUP, "runs": RUNS, **selection.given, "runtime": version}
        report = check(root, config, replace(selection, given=given), out / version, progress)
        rows += _rows(version, report)
        comparisons += report.comparisons
    data = {"schema": 1, "rows": [vars(row) for row in rows]}
    write_atomically(out / MATRIX_FILE, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())
    return rows, exit_code(comparisons)


def _rows(version: str, report: Report) -> list[Row]:
    groups: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in report.comparisons:
        groups.setdefault((comparison.model, comparison.pipeline), []).append(comparison)
    return [_row(version, *key, group) for key, group in groups.items()]


def _row(version: str, model: str, pipeline: str, group: Sequence[Comparison]) -> Row:
    measured = [comparison.metrics for comparison in group if comparison.metrics]
    times = [ms for comparison in group if comparison.latency for ms in comparison.latency.inference_ms]
    bad = next((comparison for comparison in group if comparison.verdict is not Verdict.PASS), None)
    flips = [metrics.confident_flips for metrics in measured if metrics.confident_flips is not None]
    return Row(
        version=version,
        model=model,
        pipeline=pipeline,
        runtime=next((comparison.runtime for comparison in group if comparison.runtime), ""),
        passed=sum(comparison.verdict is Verdict.PASS for comparison in group),
        cases=len(group),
        agreement=min((metrics.agreement for metrics in measured), default=None),
        confident_flips=max(flips) if flips else None,
        tie_flips=max((metrics.tie_flips or 0 for metrics in measured), default=None),
        inference_ms=median(times) if times else None,
        reason=bad.reason if bad else "",
    )
