"""The clauses that the forms of the report share: what a row is called, why it has its verdict, what was measured."""

from collections.abc import Iterable
from statistics import median

from ..contract.errors import ExitCode
from ..machine.resources import typed
from ..targets.target import REFERENCE
from ..verdict.compare import Comparison, Verdict
from .report import Report

MEANINGS = {
    ExitCode.MASKS_DIFFER: "masks differ",
    ExitCode.GOLDEN: "a golden is missing or stale",
    ExitCode.RUN: "a run failed",
    ExitCode.ENVIRONMENT: "nothing was compared, or something asked for by name cannot run here",
    ExitCode.CONFIG: "a configuration is wrong",
    ExitCode.USAGE: "an option cannot be used",
    ExitCode.LATENCY: "latency over budget, or slower than its baseline",
}
COUNTED = {
    Verdict.PASS: ("passed", "passed"),
    Verdict.WARN: ("warned", "warned"),
    Verdict.FAIL: ("failed", "failed"),
    Verdict.ERROR: ("error", "errors"),
    Verdict.SKIP: ("skipped", "skipped"),
}


def meaning(report: Report) -> str:
    """What the exit code means here; masks are called the same only where no pixel differs."""
    if report.exit_code is not ExitCode.OK:
        return MEANINGS[report.exit_code]
    differing = sum(row.metrics.differing for row in report.comparisons if row.metrics)
    if not differing:
        return "the masks are the same"
    return (
        f"the masks agree within the tolerances, {differing:,} {'pixel differs' if differing == 1 else 'pixels differ'}"
    )


def group_name(row: Comparison) -> str:
    """`model · target · pipeline`."""
    return f"{row.model} · {row.target} · {row.pipeline}"


def cause_of(row: Comparison) -> str:
    """Why a row has its verdict, without what would help."""
    return typed(row.reason.partition("\n  try: ")[0])


def counted(rows: Iterable[Comparison]) -> str:
    """`13 passed, 2 failed`."""
    verdicts = [row.verdict for row in rows]
    counts = {verdict: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}
    return ", ".join(f"{count:,} {COUNTED[verdict][count != 1]}" for verdict, count in counts.items())


def milliseconds(rows: Iterable[Comparison]) -> str:
    """The median over the cases of the median inference and of its 95 % interval; empty where none was measured.

    One cold run of each is no figure to rely on, and called so.
    """
    known = [row.latency for row in rows if row.latency and row.latency.inference]
    measured = [latency.inference for latency in known if latency.inference]
    if not measured:
        return ""
    middle, low, high = (
        median(each) for each in zip(*((f.median_ms, f.low_ms, f.high_ms) for f in measured), strict=True)
    )
    if all(latency.is_cold for latency in known):
        return f"{middle:.1f} ms cold"
    return f"{middle:.1f} ms ({low:.1f}–{high:.1f})" if low < high else f"{middle:.1f} ms"


def figures(row: Comparison) -> str:
    """What was measured of a row, as one clause; empty where nothing was. A pass has its counts in its reason."""
    metrics = row.metrics
    clauses = []
    if metrics and row.verdict is Verdict.FAIL:
        one = metrics.differing == 1
        clauses += [f"{metrics.differing:,} of {metrics.pixels:,} pixels {'differs' if one else 'differ'}"]
        for count, what in ((metrics.confident_flips, "confident flip"), (metrics.tie_flips, "tie flip")):
            clauses += [] if count is None else [f"{count:,} {what}{'' if count == 1 else 's'}"]
    clauses += [f"agreement {metrics.agreement:.3%}", f"mIoU {metrics.miou:.4f}"] if metrics else []
    clauses += [time] if (time := milliseconds([row])) else []
    clauses += [f"{row.latency.host_ratio:.2g} × the host's"] if row.latency and row.latency.host_ratio else []
    return ", ".join(clauses)


def could_be_meant(row: Comparison) -> bool:
    """Whether a failure pends, and can be accepted: the reference's masks only."""
    differs = row.exit_code is ExitCode.MASKS_DIFFER or row.across is not None
    return row.target == REFERENCE and row.verdict is Verdict.FAIL and differs
