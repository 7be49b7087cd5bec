"""Budgets: which rows they are for, and what becomes of these."""

import pytest
from verdict_rows import row

from goldmask.contract.errors import ExitCode
from goldmask.project.budget import Budget
from goldmask.report.report import exit_code
from goldmask.verdict.budget import unused, with_budgets
from goldmask.verdict.compare import NotRun, Verdict

SOURCE = "a table on a page"


def budget(limit: float = 16, **rest: object) -> Budget:
    """One for the inference of any model on a Pixel 4."""
    values = {"figure": "inference_median_ms", "limit": limit, "source": SOURCE, "device": "*Pixel 4"}
    return Budget.model_validate(values | rest)


@pytest.mark.parametrize(
    ("limit", "verdict", "code"),
    [(9, Verdict.FAIL, ExitCode.LATENCY), (10, Verdict.WARN, ExitCode.OK), (11, Verdict.PASS, ExitCode.OK)],
)
def test_an_interval_above_a_budget_fails_and_one_that_straddles_it_warns(limit, verdict, code):
    judged = with_budgets(row(), [budget(limit)])
    assert (judged.verdict, judged.exit_code) == (verdict, code)
    (found,) = judged.latency.budgets
    assert found.limit == limit and found.low < 10 < found.high and found.source == SOURCE
    assert (judged.reason == "all equal") is (verdict is Verdict.PASS)


def test_the_reason_has_the_figure_the_limit_and_the_source():
    judged = with_budgets(row(), [budget(9)])
    assert judged.reason.startswith("inference_median_ms 10 (9.9")
    assert judged.reason.endswith("is over the budget of 9 ms, source: a table on a page; all equal")


@pytest.mark.parametrize(
    ("flags", "figure", "verdict"),
    [
        (("EMULATOR",), "inference_median_ms", "ADVICE"),
        (("SIMULATOR",), "inference_median_ms", "ADVICE"),
        (("HOST",), "inference_median_ms", "ADVICE"),
        (("HOST",), "memory_peak_mb", "ADVICE"),
        (("LOW-BATTERY",), "inference_median_ms", "ADVICE"),
        (("LOW-POWER",), "first_ms", "ADVICE"),
        (("LOW-POWER",), "memory_peak_mb", "FAIL"),
        (("THERMAL",), "total_p90_ms", "ADVICE"),
        (("SOFTWARE-GPU",), "inference_p90_ms", "ADVICE"),
        (("DEBUGGABLE",), "inference_median_ms", "FAIL"),
        (("DEBUGGABLE",), "first_ms", "FAIL"),
        (("DEBUGGABLE",), "total_median_ms", "ADVICE"),
        (("DEBUGGABLE",), "init_ms", "ADVICE"),
        (("UNSTABLE",), "inference_median_ms", "ADVICE"),
        (("TOO-FEW",), "inference_median_ms", "ADVICE"),
        (("UNSTABLE",), "first_ms", "FAIL"),
        (("TOO-FEW",), "init_ms", "FAIL"),
        ((), "total_p90_ms", "FAIL"),
    ],
)
def test_a_figure_that_is_not_valid_is_advice(flags, figure, verdict):
    judged = with_budgets(row(flags=flags), [budget(1, figure=figure)])
    (found,) = judged.latency.budgets
    assert found.verdict == verdict
    assert judged.exit_code is (ExitCode.LATENCY if verdict == "FAIL" else ExitCode.OK)
    assert judged.verdict is (Verdict.FAIL if verdict == "FAIL" else Verdict.PASS)
    assert ("advice only" in judged.reason) is (verdict == "ADVICE")


def test_flags_can_be_suppressed_but_not_where_another_processor_ran():
    assert with_budgets(row(flags=("THERMAL",)), [budget(9)], ["THERMAL"]).exit_code is ExitCode.LATENCY
    for flag in ("EMULATOR", "SIMULATOR", "HOST"):
        assert with_budgets(row(flags=(flag,)), [budget(9)], [flag]).exit_code is ExitCode.OK


def test_a_mask_that_differs_comes_before_a_latency():
    failed = row(verdict=Verdict.FAIL, exit_code=ExitCode.MASKS_DIFFER, reason="12 confident flips")
    judged = with_budgets(failed, [budget(9)])
    assert judged.exit_code is ExitCode.MASKS_DIFFER
    assert judged.reason.startswith("12 confident flips; inference_median_ms 10")
    slow = with_budgets(row(case="slow"), [budget(9)])
    assert exit_code([slow]) is ExitCode.LATENCY and exit_code([slow, judged]) is ExitCode.MASKS_DIFFER


@pytest.mark.parametrize(
    "other",
    [
        {"device": "*Pixel 4a"},
        {"model": "other"},
        {"pipeline": "lib_task_api"},
        {"delegate": "gpu"},
        {"threads": 4},
        {"soc": "SM8250"},
        {"abi": ("x86_64", "armeabi-v7a")},
    ],
)
def test_a_budget_is_for_what_all_its_patterns_match(other):
    assert with_budgets(row(), [budget(9, **other)]) == row()
    same = {"device": "pixel*", "model": ("x", "t*"), "delegate": ("cpu", "XNNPACK"), "threads": 2, "soc": "SM8150"}
    assert with_budgets(row(), [budget(9, **same)]).exit_code is ExitCode.LATENCY


def test_what_was_not_measured_has_no_budget():
    without = row(preprocess_ms=())
    assert with_budgets(without, [budget(1, figure="total_median_ms")]) == without
    skipped = NotRun(model="tiny", case="c", target="t", pipeline="p", reason="no phone")
    assert with_budgets(skipped, [budget(1)]) == skipped


def test_a_budget_is_unused_only_where_it_could_have_been_used():
    declared = [("tiny", "lib_interpreter")]
    used, absent, otherwise = budget(9), budget(9, device="iPhone11,2"), budget(9, threads=4)
    nothing = budget(9, model="tinny")
    told = unused([used, absent, otherwise, nothing], [row()], declared)
    assert told == (
        "budget 3 (inference_median_ms at most 9) is unused: Pixel 4 ran with xnnpack and 2 threads",
        "budget 4 (inference_median_ms at most 9) is unused: no model has such a name and pipeline",
    )
    assert unused([otherwise], [], declared) == ()
