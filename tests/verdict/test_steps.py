"""Where a history of medians changes: the steps that are there, and none that are not."""

import math

import numpy as np
import pytest

from goldmask.verdict.latency import figure
from goldmask.verdict.steps import Point, history, point_from, steps


def noisy(levels: list[float], each: int, spread: float, seed: int = 0) -> list[float]:
    """Logarithms of `each` medians at every level."""
    noise = np.random.default_rng(seed).standard_normal(each * len(levels))
    return [math.log(levels[index // each]) + spread * float(value) for index, value in enumerate(noise)]


@pytest.mark.parametrize(
    ("levels", "each", "found"),
    [
        ([10], 12, []),
        ([10, 11], 6, [6]),
        ([10, 9], 6, [6]),
        ([10, 11, 10], 8, [8, 16]),
        ([10, 10.15], 6, []),
        ([10, 12], 1, [1]),
        ([10], 1, []),
        ([], 1, []),
    ],
)
def test_steps_are_where_they_were_made(levels, each, found):
    values = noisy(levels, each, 0.005)
    assert sorted(steps(values, [0.004] * len(values))) == found


def test_noise_has_no_steps():
    """One in a hundred histories of a spread of 2 % at most; a limit of 3 % alone would find one in most."""
    false = sum(bool(steps(noisy([10], 20, 0.02, seed), [0.002] * 20)) for seed in range(200))
    assert false <= 2
    assert sum(max(noisy([10], 20, 0.02, seed)) - min(noisy([10], 20, 0.02, seed)) > 0.03 for seed in range(20)) == 20


def test_points_of_great_error_are_no_step():
    values = [math.log(ms) for ms in (10, 11)]
    assert steps(values, [0.002, 0.002]) == [1] and steps(values, [0.03, 0.03]) == []


def test_a_limit_of_ones_own():
    values = noisy([10, 10.5], 8, 0.002)
    assert steps(values, [0.001] * 16, limit=0.03) == [8] and steps(values, [0.001] * 16, limit=0.1) == []


def points(times: list[float], **changed: str) -> list[Point]:
    made = []
    for index, ms in enumerate(times):
        known = {"at": f"2026-01-{index + 1:02}", "commit": f"{index:040x}", "subject": f"change {index}"}
        made.append(Point(**known | {"runtime": "r 1"}, median_ms=ms, low_ms=ms * 0.99, high_ms=ms * 1.01, error=0.005))
    return made


def test_a_step_has_the_commit_that_made_it():
    made = points([10, 10.05, 9.95, 10, 12, 12.1, 11.9, 12])
    found = history("m", made)
    (step,) = found.steps
    assert step.index == 4 and step.factor == pytest.approx(1.2, 0.01)
    assert str(step) == "+20.0% with 000000000000 change 4"
    newer = [made[0], *[each.model_copy(update={"runtime": "r 2"}) for each in made[4:]]]
    (step,) = history("m", [*made[:4], *newer[1:]]).steps
    assert str(step).endswith("change 4, r 1 → r 2")
    (nameless,) = history("m", [each.model_copy(update={"commit": "", "subject": ""}) for each in made]).steps
    assert str(nameless) == "+20.0% with measurement 5"


def test_figures_become_a_point_over_the_cases_of_all():
    one, four = figure([10.0, 10.2, 9.8] * 10), figure([40.0, 40.8, 39.2] * 10)
    words = {"at": "", "commit": "", "subject": "", "runtime": "r 1"}
    made = point_from({"a": one, "b": four}, ["a", "b"], **words)
    assert made.median_ms == pytest.approx(20) and made.low_ms < 20 < made.high_ms
    assert made.error < one.median_error
    assert point_from({"a": one}, ["a", "b"], **words) is None and point_from({"a": one}, [], **words) is None
    assert point_from({"a": figure([0.0] * 9)}, ["a"], **words) is None
