"""Figures of series whose median is known, and what speaks against a series."""

import json

import numpy as np
import pytest
from conftest import REPO

from goldmask.contract.bundle import Bundle
from goldmask.contract.latency import Conditions
from goldmask.contract.schema import parse_json
from goldmask.verdict.latency import (
    MANY_SAMPLES,
    TOO_FEW,
    Figure,
    Ratio,
    change,
    drift_of,
    figure,
    measured,
    ratio,
    unrest,
)

STEADY = (10 + 0.1 * np.sin(np.arange(60) * 2.4)).tolist()


def series(runs: int = 60, phi: float = 0.0, spread: float = 0.03, seed: int = 0) -> list[float]:
    """Runs of 10 ms."""
    noise = np.random.default_rng(seed).standard_normal(runs + 100)
    for index in range(1, len(noise)):
        noise[index] = phi * noise[index - 1] + (1 - phi**2) ** 0.5 * noise[index]
    return (10 * (1 + spread * noise[100:])).tolist()


def test_figures_of_known_numbers():
    found = figure(np.random.default_rng(0).permutation(np.arange(1.0, 101)).tolist())
    assert (found.runs, found.median_ms, found.p90_ms, found.p95_ms) == (
        100,
        50.5,
        pytest.approx(90.1),
        pytest.approx(95.05),
    )
    assert found.p99_ms == pytest.approx(99.01) and found.mad_ms == 25
    assert found.low_ms < 50.5 < found.high_ms and found.p90_low_ms <= 90.1 <= found.p90_high_ms
    assert figure([]) is None


def test_one_run_has_no_width_and_equal_runs_have_none_either():
    assert figure([3.0]) == Figure(
        runs=1, median_ms=3, low_ms=3, high_ms=3, median_error=0, p90_ms=3, p90_low_ms=3, p90_high_ms=3, p95_ms=3,
        p99_ms=3, mad_ms=0,
    )  # fmt: skip
    equal = figure([3.0] * 50)
    assert (equal.low_ms, equal.high_ms, equal.median_error) == (3, 3, 0) and unrest([3.0] * 50) == ()
    nothing = figure([0.0] * 50)
    assert (nothing.median_ms, nothing.median_error) == (0, 0) and unrest([0.0] * 50) == ()


def test_the_same_samples_have_the_same_interval():
    assert figure(series()) == figure(series()) and figure(series()) != figure(series(seed=1))


@pytest.mark.parametrize(("phi", "least"), [(0.0, 90), (0.5, 82)])
def test_a_95_percent_interval_has_the_truth_about_as_often(phi, least):
    """Of 50 runs that are alike the blocks are short, and so are the intervals: docs/latency.md says by how much."""
    found = [figure(series(50, phi, seed=seed)) for seed in range(100)]
    assert least <= sum(each.low_ms <= 10 <= each.high_ms for each in found) <= 100


def test_runs_that_are_alike_have_a_wider_interval():
    alike, free = (figure(series(400, phi)).median_error for phi in (0.9, 0.0))
    assert alike > 2 * free


def test_very_many_runs_are_resampled_a_few_at_a_time(monkeypatch):
    runs = 2 * MANY_SAMPLES
    found = figure(series(runs))
    assert found.runs == runs and found.low_ms < 10.02 and found.high_ms > 9.98
    monkeypatch.setattr("goldmask.verdict.latency.CHUNK", runs - 1)
    assert figure(series(runs)).median_error == pytest.approx(found.median_error, 0.3)


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (series(spread=0.15), "a spread of 1"),
        ([10 * (1 + each / 600) + ms - 10 for each, ms in enumerate(series(spread=0.01))], "a drift of +9%"),
        ([ms * (1.15 if index % 7 < 3 else 1) for index, ms in enumerate(series())], "two clocks: 9.95 ms and 11.6 ms"),
        (series(phi=0.95), "each run is like the one before (correlation 0."),
    ],
)
def test_why_a_series_is_unstable(samples, why):
    assert any(clause.startswith(why) for clause in unrest(samples)), unrest(samples)


def test_the_slope_of_a_phone_that_heats_up():
    rising = [10 * (1 + index / 600) for index in range(60)]
    assert drift_of(rising) == pytest.approx(0.0955, 0.02) and drift_of(rising[::-1]) == pytest.approx(-0.0955, 0.02)
    assert drift_of(rising[: TOO_FEW - 1]) is None and drift_of([0.0] * 60) is None and drift_of([3.0] * 60) == 0


def test_a_steady_series_is_not_unstable():
    """The twin of all of them, with a few slow runs of a collected heap."""
    assert unrest(series()) == unrest(STEADY) == unrest(series(phi=0.3, runs=400)) == ()
    slow = series()
    slow[10::20] = [30.0] * len(slow[10::20])
    assert unrest(slow) == ()


def sample_bundle(runs: list[float], **changed: object) -> Bundle:
    """The sample's phone, cool and on its cable, with other inferences."""
    data = json.loads((REPO / "tests/samples/bundle.json").read_bytes())
    data["conditions"] = {"thermal_before": "none", "thermal_after": "none", "charging": True, "soc": "SM8150"}
    data["conditions"] |= changed.pop("conditions", {})
    data["results"][0]["latency"] = {"init_ms": 12.0, "first_ms": 30.0, "inference_ms": runs} | changed
    return parse_json(json.dumps(data).encode(), Bundle)


def test_a_row_has_figures_flags_and_where_it_was_measured():
    bundle = sample_bundle(STEADY, preprocess_ms=[1.0] * 60, postprocess_ms=[2.0] * 60)
    found = measured(bundle, bundle.results[0])
    assert found.flags == () and found.unrest == () and abs(found.drift) < 0.01
    assert found.inference.median_ms == pytest.approx(10, 0.01) and found.total.median_ms == pytest.approx(13, 0.01)
    assert (found.preprocess.median_ms, found.postprocess.median_ms, found.memory_peak_mb) == (1, 2, 80.5)
    place = found.measured_on
    assert (place.kind, place.device, place.soc, place.abi) == ("device", "Pixel 4", "SM8150", "arm64-v8a")
    assert str(found.inference).startswith("10 ms (9.9")


@pytest.mark.parametrize(
    ("runs", "changed", "flags"),
    [
        (STEADY[: TOO_FEW - 1], {}, ("TOO-FEW",)),
        (STEADY[:TOO_FEW], {}, ()),
        (series(spread=0.2), {}, ("UNSTABLE",)),
        (series(spread=0.2)[: TOO_FEW - 1], {}, ("TOO-FEW",)),
        (STEADY, {"conditions": {"thermal_after": "light"}}, ("THERMAL",)),
        (STEADY, {"conditions": {"debuggable": True}}, ("DEBUGGABLE",)),
    ],
)
def test_flags_of_a_row(runs, changed, flags):
    bundle = sample_bundle(runs, **changed)
    assert measured(bundle, bundle.results[0]).flags == flags


def test_a_bundle_without_conditions_is_of_a_device_that_may_be_hot():
    bundle = sample_bundle(STEADY).model_copy(update={"conditions": None})
    assert measured(bundle, bundle.results[0]).flags == ("THERMAL",) and Conditions().gpu is None


def test_one_cold_run_is_known():
    cold, warm = sample_bundle([31.25]), sample_bundle([31.25], warmup_ms=[50.0])
    cold, warm = measured(cold, cold.results[0]), measured(warm, warm.results[0])
    assert cold.is_cold and not warm.is_cold and (cold.ms, warm.ms) == ("31.2 cold", "31.2")
    steady = sample_bundle(STEADY)
    assert measured(steady, steady.results[0]).ms.startswith("10.0 (")


@pytest.mark.parametrize(
    ("found", "limit", "word"),
    [
        (Ratio(1.05, 1.04, 1.06), 0.03, "slower"),
        (Ratio(1.03, 1.001, 1.06), 0.03, "slower"),
        (Ratio(1.029, 1.02, 1.04), 0.03, "unclear"),
        (Ratio(1.05, 0.99, 1.11), 0.03, "unclear"),
        (Ratio(1.05, 1.04, 1.06), 0.06, "unclear"),
        (Ratio(1.05, 1.04, 1.06), 0.07, "same"),
        (Ratio(1.0, 0.98, 1.02), 0.03, "same"),
        (Ratio(1.0, 0.96, 1.02), 0.03, "unclear"),
        (Ratio(0.95, 0.94, 0.96), 0.03, "faster"),
        (Ratio(0.95, 0.9, 1.0), 0.03, "unclear"),
    ],
)
def test_a_change_is_large_enough_and_significant(found, limit, word):
    assert change(found, limit) == word


def test_images_of_different_sizes_are_each_held_against_their_own():
    small, large = series(), [3 * ms for ms in series(seed=1)]
    pairs = [(figure(each), figure([1.05 * ms for ms in each])) for each in (small, large)]
    both, one = ratio(pairs), ratio(pairs[:1])
    assert both.value == pytest.approx(1.05) and one.value == pytest.approx(1.05)
    assert both.high - both.low < one.high - one.low
    assert one.change.startswith("+5.0 % (+")


def test_nothing_to_compare_is_no_ratio():
    for pairs in ([], [(figure([0.0] * 30), figure(STEADY))]):
        with pytest.raises(ValueError, match="nothing to compare"):
            ratio(pairs)
