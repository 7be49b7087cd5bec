"""A row's latency against the budgets that match it. Nothing is run or written."""

from collections.abc import Iterable, Sequence

from ..contract.errors import ExitCode
from ..contract.latency import LatencyFlag
from ..project.budget import ELSEWHERE, Budget, FigureName
from .compare import Comparison, Judged, Verdict
from .latency import BudgetOutcome, Measured

# What memory does not depend on, and what only a series of runs can be.
NOT_OF_MEMORY: tuple[LatencyFlag, ...] = ("LOW-BATTERY", "LOW-POWER", "THERMAL", "SOFTWARE-GPU")
OF_SERIES: tuple[LatencyFlag, ...] = ("UNSTABLE", "TOO-FEW")


def void(flags: Iterable[LatencyFlag], figure: str, ignored: Sequence[LatencyFlag] = ()) -> tuple[LatencyFlag, ...]:
    """The flags that make a figure advice, but for `ignored` ones.

    A build that can be debugged has other Kotlin or Swift around the runtime, and the same runtime.
    """
    native = figure.startswith(("inference_", "first_"))
    series = figure.startswith(("inference_", "total_", "preprocess_", "postprocess_"))
    harmless = {
        *ignored,
        *(("DEBUGGABLE",) if native else ()),
        *(() if series else OF_SERIES),
        *(NOT_OF_MEMORY if figure.startswith("memory_") else ()),
    }
    return tuple(flag for flag in flags if flag not in harmless)


def with_budgets(row: Comparison, budgets: Sequence[Budget], suppress: Sequence[LatencyFlag] = ()) -> Comparison:
    """The row with what its budgets say; a latency that is wholly above one fails, with exit code 11.

    Masks come first: a row that has failed keeps its exit code.
    """
    if not isinstance(row, Judged) or row.latency is None:
        return row
    outcomes = tuple(
        found for budget in budgets if is_for(budget, row) and (found := outcome(row.latency, budget, suppress))
    )
    if not outcomes:
        return row
    latency = row.latency.model_copy(update={"budgets": outcomes})
    over = [each for each in outcomes if each.value > each.limit or each.verdict == "WARN"]
    failing = any(each.verdict == "FAIL" for each in over)
    warning = any(each.verdict == "WARN" for each in over)
    return judged_by_latency(
        row.model_copy(update={"latency": latency}), [each.reason for each in over], failing, warning
    )


def judged_by_latency(row: Judged, reasons: Sequence[str], failing: bool, warning: bool = False) -> Judged:
    """The row with what its latency adds to its verdict, and with the reasons before or after its own."""
    if not reasons:
        return row
    if row.verdict is Verdict.FAIL:
        return row.model_copy(update={"reason": "; ".join([row.reason, *reasons])})
    changed: dict[str, object] = {"reason": "; ".join([*reasons, row.reason])}
    if failing:
        changed |= {"verdict": Verdict.FAIL, "exit_code": ExitCode.LATENCY}
    elif warning:
        changed |= {"verdict": Verdict.WARN}
    return row.model_copy(update=changed)


def is_for(budget: Budget, row: Comparison) -> bool:
    """Whether a budget is for a row."""
    measured_on = row.latency.measured_on if row.latency else None
    return (
        measured_on is not None
        and budget.of_model(row.model, row.pipeline)
        and budget.of_device(measured_on.device, measured_on.soc, measured_on.abi)
        and budget.of_run(row.delegate.ran or "", row.threads.ran)
    )


def outcome(latency: Measured, budget: Budget, suppress: Sequence[LatencyFlag] = ()) -> BudgetOutcome | None:
    """What a budget says of a latency; None where the figure was not measured."""
    found = interval(latency, budget.figure)
    if found is None:
        return None
    value, low, high = found
    unit = "MB" if budget.figure.endswith("_mb") else "ms"
    ignored = [flag for flag in suppress if flag not in ELSEWHERE]
    against = void(latency.flags, budget.figure, ignored)
    width = f" ({low:.3g} to {high:.3g})" if low < high else ""
    text = f"{budget.figure} {value:.3g}{width}"
    limit = f"the budget of {budget.limit:g} {unit}"
    if against:
        relation = "over" if value > budget.limit else "within"
        verdict, reason = "ADVICE", f"advice only ({' '.join(against)}): {text} is {relation} {limit}"
    elif low > budget.limit:
        verdict, reason = "FAIL", f"{text} is over {limit}, source: {budget.source}"
    elif high > budget.limit:
        verdict, reason = "WARN", f"{text} may be over {limit}"
    else:
        verdict, reason = "PASS", f"{text} is within {limit}"
    return BudgetOutcome.model_validate(
        {
            "figure": budget.figure,
            "limit": budget.limit,
            "value": value,
            "low": low,
            "high": high,
            "verdict": verdict,
            "reason": reason,
            "source": budget.source,
        }
    )


def interval(latency: Measured, name: FigureName) -> tuple[float, float, float] | None:
    """A figure with its 95 % interval, which a single time or size has not; None where it was not measured."""
    if name in ("first_ms", "init_ms", "memory_peak_mb"):
        only = {
            "first_ms": latency.first_ms,
            "init_ms": latency.init_ms,
            "memory_peak_mb": latency.memory_peak_mb,
        }[name]
        return None if only is None else (only, only, only)
    series = latency.inference if name.startswith("inference_") else latency.total
    if series is None:
        return None
    if name.endswith("_p90_ms"):
        return series.p90_ms, series.p90_low_ms, series.p90_high_ms
    return series.median_ms, series.low_ms, series.high_ms


def unused(
    budgets: Sequence[Budget], rows: Sequence[Comparison], declared: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """Budgets that judged nothing and should have, as sentences. `declared` are the models with their pipelines.

    A budget waits for a device of its class; but where no model or pipeline can match, or such a device ran otherwise,
    it is a mistake.
    """
    known = list(declared)
    ran = [(row, row.latency.measured_on) for row in rows if row.latency and row.latency.measured_on]
    found = []
    for number, budget in enumerate(budgets, start=1):
        name = f"budget {number} ({budget}) is unused"
        if not any(budget.of_model(model, pipeline) for model, pipeline in known):
            found.append(f"{name}: no model has such a name and pipeline")
            continue
        there = [
            row
            for row, measured_on in ran
            if budget.of_model(row.model, row.pipeline)
            and budget.of_device(measured_on.device, measured_on.soc, measured_on.abi)
        ]
        if there and not any(is_for(budget, row) for row in there):
            row = there[0]
            device = row.latency.measured_on.device if row.latency and row.latency.measured_on else ""
            how = f"{row.delegate.ran} and {row.threads.ran} threads"
            found.append(f"{name}: {device or row.target} ran with {how}")
    return tuple(found)
