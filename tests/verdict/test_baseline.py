"""Baselines: what makes one, what is held against it, and what cannot be."""

import pytest
from verdict_rows import STEADY, latency, row

from goldmask.contract.bundle import to_json
from goldmask.contract.errors import ExitCode
from goldmask.contract.schema import parse_json
from goldmask.project.budget import LatencySettings
from goldmask.verdict.baseline import (
    Baseline,
    Provenance,
    host_figures,
    key_of,
    made_of,
    with_baselines,
    with_host_ratio,
)
from goldmask.verdict.compare import Verdict

PROVENANCE = Provenance(recorded_at="2026-01-01T00:00:00+00:00", commit="0123456789ab", goldmask="1")
HOST = "A processor, 2 cores"
EMULATOR = {"kind": "emulator", "device": "Android SDK built for x86", "abi": "x86_64"}


def baseline(*rows) -> Baseline:
    made, left_out = made_of(rows or [row()], HOST, PROVENANCE)
    assert made and left_out == ()
    return made


def times(factor: float) -> tuple[float, ...]:
    return tuple(factor * ms for ms in STEADY)


def held(rows, *baselines, suppress=(), host=HOST, **settings):
    """Rows and notes after they were held against baselines."""
    return with_baselines(rows, baselines, LatencySettings(**settings), suppress, host)


def test_a_baseline_has_figures_by_case_and_where_they_come_from():
    made = baseline(row(case="a"), row(case="b", inference_ms=times(2)))
    assert [made.cases[case].inference.median_ms / 10 for case in "ab"] == pytest.approx([1, 2], 0.02)
    assert made.cases["a"].total.median_ms == pytest.approx(12, 0.02)
    assert (made.runtime, made.delegate, made.threads, made.host) == ("Interpreter 2.16.1", "xnnpack", 2, "")
    assert made.provenance is PROVENANCE and made.measured_on.soc == "SM8150"
    assert parse_json(to_json(made), Baseline) == made
    assert made.file_name.startswith("tiny-lib-interpreter-android-device-pixel-4-xnnpack-2-threads-")


def test_two_classes_of_devices_have_two_files():
    other = baseline(row(measured_on={"device": "Pixel 4 XL"}))
    names = {
        baseline().file_name,
        other.file_name,
        baseline(row(threads=4)).file_name,
        baseline(row(model="b")).file_name,
    }
    assert len(names) == 4
    hosts = (HOST, "Another, 8 cores")
    computers = {made_of([row(measured_on=EMULATOR)], host, PROVENANCE)[0].file_name for host in hosts}
    assert len(computers) == 2


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([row(verdict=Verdict.FAIL, exit_code=ExitCode.MASKS_DIFFER, reason="12 flips"), row()], "flag: 12 flips"),
        ([row(flags=("UNSTABLE",))], "flag is UNSTABLE"),
        ([row(flags=("TOO-FEW",))], "flag is TOO-FEW"),
        ([row(flags=("THERMAL",)), row(case="b")], "flag is THERMAL"),
        ([row(inference_ms=())], "nothing was measured"),
    ],
)
def test_what_is_not_right_or_not_stable_is_no_baseline(rows, why):
    assert made_of(rows, HOST, PROVENANCE) == (None, (why,))
    over_budget = row(verdict=Verdict.FAIL, exit_code=ExitCode.LATENCY, reason="over the budget")
    assert made_of([over_budget], HOST, PROVENANCE)[0]


def test_a_case_that_is_not_stable_is_left_out_of_the_others():
    restless = row(case="b", flags=("UNSTABLE",))
    restless = restless.model_copy(update={"latency": restless.latency.model_copy(update={"unrest": ("two clocks",)})})
    made, left_out = made_of([row(case="a"), restless], HOST, PROVENANCE)
    assert list(made.cases) == ["a"] and left_out == ("b is UNSTABLE (two clocks)",) and made.flags == ()


@pytest.mark.parametrize(
    ("factor", "verdict", "sentence"),
    [
        (1.10, Verdict.FAIL, "inference is slower, limit 3%: +10.0 % (+"),
        (1.02, Verdict.PASS, "inference "),
        (1.00, Verdict.PASS, "inference is the same: +0.0 % ("),
        (0.90, Verdict.PASS, "inference is faster: -10.0 % ("),
    ],
)
def test_a_slowdown_fails_and_a_gain_is_told(factor, verdict, sentence):
    (judged,), notes = held([row(inference_ms=times(factor))], baseline())
    assert judged.verdict is verdict and judged.latency.baseline.startswith(sentence)
    assert judged.exit_code is (ExitCode.LATENCY if verdict is Verdict.FAIL else ExitCode.OK)
    assert ("beside 0123456789ab; all equal" in judged.reason) is (verdict is Verdict.FAIL)
    assert any("faster" in note and "to keep it: ./goldmask bench.record" in note for note in notes) is (factor == 0.90)


def test_a_limit_of_ones_own_holds():
    slower = [row(inference_ms=times(1.10))]
    assert held(slower, baseline(), limit=0.2)[0][0].verdict is Verdict.PASS
    assert held(slower, baseline(), limit=0.05)[0][0].verdict is Verdict.FAIL


def test_slow_preparation_is_seen_though_inference_is_the_same():
    slow = row().model_copy(update={"latency": latency(preprocess_ms=(5.0,) * 60)})
    total = slow.latency.total.model_copy(update={"median_ms": 16.0, "low_ms": 15.9, "high_ms": 16.1})
    slow = slow.model_copy(update={"latency": slow.latency.model_copy(update={"total": total})})
    (judged,), _ = held([slow], baseline())
    assert judged.exit_code is ExitCode.LATENCY and judged.reason.startswith("total is slower")
    debuggable = slow.model_copy(update={"latency": slow.latency.model_copy(update={"flags": ("DEBUGGABLE",)})})
    (judged,), _ = held([debuggable], baseline(row(flags=("DEBUGGABLE",))))
    assert judged.exit_code is ExitCode.OK and judged.latency.baseline.startswith("inference is the same")


def test_all_cases_count_as_one_and_each_row_has_the_verdict():
    before = [row(case="a"), row(case="b", inference_ms=times(3))]
    after = [row(case="a", inference_ms=times(1.05)), row(case="b", inference_ms=times(3.15)), row(case="new")]
    judged, _ = held(after, baseline(*before))
    assert [each.verdict for each in judged] == [Verdict.FAIL] * 3
    mask = row(
        case="a", inference_ms=times(1.05), verdict=Verdict.FAIL, exit_code=ExitCode.MASKS_DIFFER, reason="flips"
    )
    (first,), _ = held([mask], baseline(*before))
    assert first.exit_code is ExitCode.MASKS_DIFFER and first.reason.startswith("flips; inference is slower")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"runtime": "Interpreter 2.17.0, xnnpack, 2 threads"},
            "it is of Interpreter 2.16.1, and Interpreter 2.17.0 ran",
        ),
        ({"measured_on": {"governor": "performance"}}, "its governor was unknown, and now is performance"),
        ({"measured_on": {"os": "Android 11"}}, "it is of Android 10, and this is Android 11"),
        ({"flags": ("DEBUGGABLE",)}, "it has no flag, and this run DEBUGGABLE"),
    ],
)
def test_a_baseline_of_other_conditions_is_stale_and_not_compared(changed, why):
    slow = row(inference_ms=times(1.5), **changed)
    (judged,), (note,) = held([slow], baseline())
    assert judged == slow and f"the baseline is stale, not comparable: {why}; ./goldmask bench.record" in note


@pytest.mark.parametrize(
    "changed",
    [
        {"measured_on": {"device": "Pixel 5"}},
        {"measured_on": {"abi": "armeabi-v7a"}},
        {"measured_on": {"soc": "SM8250"}},
        {"threads": 4},
        {"delegate": "gpu"},
        {"model": "other"},
        {"target": "test-lab"},
    ],
)
def test_another_device_model_or_run_has_no_baseline(changed):
    slow = row(inference_ms=times(1.5), **changed)
    assert held([slow], baseline()) == ([slow], [])


def test_an_emulator_gates_where_the_project_wants_it_on_the_same_kind_of_computer():
    def rows(factor):
        return [row(inference_ms=times(factor), measured_on=EMULATOR, flags=("EMULATOR",))]

    made = baseline(*rows(1))
    (advised,), _ = held(rows(1.5), made)
    assert advised.exit_code is ExitCode.OK
    assert advised.reason.startswith("advice only (EMULATOR): inference is slower")
    (suppressed,), _ = held(rows(1.5), made, suppress=["EMULATOR"])
    assert suppressed.exit_code is ExitCode.OK
    (gated,), _ = held(rows(1.5), made, gate_on=("EMULATOR",))
    assert gated.exit_code is ExitCode.LATENCY
    assert held(rows(1.0), made, gate_on=("EMULATOR",))[0][0].verdict is Verdict.PASS
    assert held(rows(1.5), made, gate_on=("EMULATOR",), host="Another, 8 cores") == (rows(1.5), [])


def test_what_is_not_stable_is_not_judged():
    restless = row(inference_ms=times(1.5), flags=("UNSTABLE",))
    restless = restless.model_copy(update={"latency": restless.latency.model_copy(update={"unrest": ("two clocks",)})})
    (judged,), _ = held([restless], baseline())
    assert judged.verdict is Verdict.PASS and judged.reason == "all equal"
    assert judged.latency.baseline == "advice only (UNSTABLE): not held against the baseline: two clocks"
    few = row(inference_ms=times(1.5), flags=("TOO-FEW",))
    assert held([few], baseline()) == ([few], [])


def test_a_row_shows_how_many_times_as_long_as_the_host_it_takes():
    host = row(target="python", inference_ms=times(0.5), measured_on={"kind": "host", "device": ""}, flags=("HOST",))
    of_run, of_baseline = host_figures([host], []), host_figures([], [baseline(host)])
    for figures in (of_run, of_baseline):
        assert with_host_ratio(row(), figures).latency.host_ratio == pytest.approx(2, 0.01)
    assert with_host_ratio(host, of_run) == host
    assert with_host_ratio(row(case="other"), of_run).latency.host_ratio is None
    assert with_host_ratio(row(inference_ms=(9.0,)), of_run).latency.host_ratio is None
    assert host_figures([row()], [baseline()]) == {}
    assert key_of(row(), HOST).host == "" and key_of(host, HOST).host == HOST
