"""Differences of tensors, the search for the first operator, and which differ most: on numbers made here."""

import math

import numpy as np
import pytest

from goldmask.verdict.operators import (
    Difference,
    Limit,
    Quantisation,
    difference,
    find_first,
    growth,
    limits_of,
    most_runs,
    worst,
)

REAL = Quantisation()
NOTHING = Limit(0.0, 0.0, 0.0)


def of(a, b, dtype="float32", quantisation=REAL):
    return difference(np.array(a, dtype), np.array(b, dtype), quantisation, quantisation)


def test_floats_differ_by_a_share_of_their_range():
    found = of([0, 1, 4], [0, 1.5, 4])
    assert (found.largest, found.extent, found.share, found.steps) == (0.5, 4.0, 0.125, None)
    assert found.rms == pytest.approx(0.5 / math.sqrt(3)) and (found.differing, found.of) == (1, 3)
    assert str(found) == "0.5 at most, 12.5 % of its range"
    assert found.exceeds(Limit(0.12, 0, 0)) and not found.exceeds(Limit(0.125, 0, 0))


def test_the_range_has_zero_in_it():
    """Values far from zero are rounded by their size, not by how they spread."""
    assert of([1000, 1001], [1000.1, 1001]).extent == 1001


def test_what_is_equal_has_no_difference():
    for values in ([0.0, 1.0], [math.nan, math.inf], [-0.0, -math.inf]):
        found = of(values, values)
        assert (str(found), found.share) == ("the same", 0.0) and not found.exceeds(NOTHING)
    assert not of([0.0], [-0.0]).exceeds(NOTHING)


@pytest.mark.parametrize("other", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_on_one_side_only_is_beyond_every_limit(other):
    assert of([1.0, 2.0], [1.0, other]).exceeds(Limit(1.0, 1.0, 9.0))
    assert of([0.0], [1.0]).share == math.inf, "a range of nothing"


def test_other_shapes_are_beyond_every_limit():
    found = of([1.0, 2.0], [1.0])
    assert str(found) == "shape [2] against [1]" and found.exceeds(Limit(1.0, 1.0, 9.0)) and found.share == math.inf


def test_quantised_values_differ_in_real_units_and_steps():
    found = of([-128, 0, 127], [-128, 3, 127], "int8", Quantisation((0.5,), (-128,)))
    assert (found.largest, found.steps, found.extent) == (1.5, 3.0, 127.5)
    assert str(found) == "1.5 at most, 1.18 % of its range, 3 steps"
    assert found.exceeds(Limit(9.0, 0.0, 2.0)) and not found.exceeds(Limit(0.0, 0.0, 3.0))
    assert not found.exceeds(Limit(0.0, 0.02, 0.0))


def test_each_channel_has_its_scale():
    of_channels = Quantisation((1.0, 10.0), (0, 5), axis=1)
    found = of([[1, 5], [2, 6]], [[1, 5], [2, 7]], "int8", of_channels)
    assert (found.largest, found.extent, found.step) == (10.0, 10.0, 10.0)


def test_sides_may_have_another_scale():
    a, b = np.array([10], np.uint8), np.array([20], np.uint8)
    assert difference(a, b, Quantisation((0.2,), (0,)), Quantisation((0.1,), (0,))).largest == pytest.approx(0)


def test_a_single_number_is_a_tensor_as_well():
    assert of(2.0, 2.5).share == 0.25 and not of(2.0, 2.0).exceeds(NOTHING)
    assert of(3, 4, "int32").share == 1 and of(8, 9, "int8", Quantisation((0.5,), (0,))).steps == 1


def test_classes_are_counted():
    found = of([0, 1, 2, 3], [0, 1, 2, 200], "uint8")
    assert (found.share, found.counts, str(found)) == (0.25, True, "1 of 4 values differ")
    assert found.exceeds(Limit(0.2, 9, 9)) and not found.exceeds(Limit(0.25, 0, 0))
    empty = of(np.zeros((0, 3)), np.zeros((0, 3)), "int32")
    assert empty.share == 0 and not empty.exceeds(NOTHING)


def test_limits():
    files = limits_of(same_runtime=True, is_coarse=True)
    assert (files.own, files.grown, str(files.own)) == (NOTHING, NOTHING, "any difference")
    kernels, coarse = limits_of(False, False), limits_of(False, True)
    assert kernels.own.share < coarse.own.share and kernels.own.quantised == 0 < kernels.grown.quantised
    given = limits_of(False, False, 0.25)
    assert given.own == given.grown == Limit(0.25, 0.25, 1.0) and limits_of(True, False, 0.25).own.steps == 0
    assert str(given.own) == "25 % of a tensor's range (25 % and 1 step of a quantised one)"


class Prefixes:
    """Prefixes that differ from `first` operators on, and how many were run."""

    def __init__(self, first):
        self.first, self.asked = first, set()

    def differs(self, count):
        self.asked.add(count)
        return self.first is not None and count >= self.first


@pytest.mark.parametrize("operators", [1, 2, 3, 4, 5, 7, 8, 9, 57, 70, 1000])
def test_every_operator_is_found_within_the_bound(operators):
    for first in {1, 2, operators // 2 or 1, max(1, operators - 1), operators}:
        if first > operators:
            continue
        guided, blind = Prefixes(first), Prefixes(first)
        found = find_first(operators, first, True, guided.differs)
        assert (found.first, found.traced) == (first, True) and len(guided.asked) <= 2
        assert find_first(operators, None, False, blind.differs).first == first
        assert len(blind.asked) <= most_runs(operators) <= math.log2(operators) + 2


@pytest.mark.parametrize("traced", [1, 5, 29, 30, 31, 57])
def test_a_trace_that_points_elsewhere_is_refuted(traced):
    prefixes = Prefixes(30)
    found = find_first(57, traced, True, prefixes.differs)
    assert (found.first, found.traced) == (30, traced == 30)
    assert len(prefixes.asked) <= math.ceil(math.log2(57)) + 2


def test_what_no_prefix_shows_is_not_found():
    """The twin of those above: with a trace that shows something, and without."""
    for traced in (None, 1, 30, 57):
        assert find_first(57, traced, True, Prefixes(None).differs).first is None


def test_a_difference_that_vanishes_is_found_where_the_trace_shows_it():
    assert find_first(57, 10, True, lambda count: count in (10, 11)).first == 10


def test_growth_and_the_worst():
    def off(largest):
        return Difference(largest, largest, 10.0, 0.0, 1, 1)

    # 0 -> 1 -> 2: the second operator adds most, the third takes away.
    outputs = {10: (0, off(1.0)), 11: (1, off(5.0)), 12: (2, off(2.0)), 13: (2, off(1.0))}
    rows = growth(["a", "b", "c"], [[9], [10], [11]], outputs, {})
    assert [(row.number, row.inputs, round(row.added, 3)) for row in rows] == [
        (0, 0.0, 0.1),
        (1, 0.1, 0.4),
        (2, 0.5, -0.3),
    ]
    assert [row.name for row in worst(rows)] == ["b", "a"] and len(worst(rows, 1)) == 1
    own = growth(["a", "b", "c"], [[9], [10], [11]], outputs, {12: (2, off(9.0)), 11: (1, off(0.0))})
    assert [row.name for row in worst(own)] == ["c", "a"]
