"""A against B: the order of blocks, the ratio over pairs, and when enough is known."""

from itertools import islice

import numpy as np
import pytest

from goldmask.verdict.side_by_side import Block, is_known, order, outcome, paired


def blocks(ratios: list[float], drift: float = 0.0, total: bool = True) -> list[Block]:
    """Pairs A B, B A, A B … in which B takes `ratios` times as long; each block is slower than the one before."""
    made = []
    for index, ratio in enumerate(ratios):
        for side in "AB" if index % 2 == 0 else "BA":
            ms = (10 + drift * len(made)) * (ratio if side == "B" else 1)
            made.append(Block(side=side, inference_ms=ms, total_ms=2 * ms if total else None, runs=20, masks="m"))
    return made


def test_the_order_is_a_b_b_a_or_its_mirror_by_chance():
    sides = list(islice(order(3), 400))
    groups = {"".join(sides[index : index + 4]) for index in range(0, 400, 4)}
    assert groups == {"ABBA", "BAAB"} and sides == list(islice(order(3), 400)) != list(islice(order(4), 400))
    first = sum(sides[index] == "A" for index in range(0, 400, 4))
    assert 30 < first < 70


def test_a_ratio_of_pairs_has_students_interval():
    found = paired(blocks([1.09, 1.11, 1.10, 1.12, 1.08]), "inference_ms")
    logarithms = np.log([1.09, 1.11, 1.10, 1.12, 1.08])
    half = 2.776 * logarithms.std(ddof=1) / np.sqrt(5)
    assert found.value == pytest.approx(np.exp(logarithms.mean()))
    assert found.high == pytest.approx(np.exp(logarithms.mean() + half))
    assert found.low == pytest.approx(np.exp(logarithms.mean() - half))
    assert paired(blocks([1.1] * 60), "total_ms").value == pytest.approx(1.1)


def test_a_drift_that_both_sides_have_is_no_difference():
    found = paired(blocks([1.0] * 8, drift=0.5), "total_ms")
    assert found.value == pytest.approx(1, abs=0.002)


@pytest.mark.parametrize(
    ("ratios", "word"),
    [
        ([1.10, 1.11, 1.09, 1.10], "slower"),
        ([0.90, 0.91, 0.89, 0.90], "faster"),
        ([1.001, 0.999, 1.0, 1.0], "same"),
        ([1.3, 0.8, 1.2, 0.9], "unclear"),
        ([1.1], "unclear"),
        ([], "unclear"),
    ],
)
def test_outcomes(ratios, word):
    assert outcome(blocks(ratios)) == word
    assert outcome(blocks(ratios, total=False)) == word


@pytest.mark.parametrize(
    ("ratios", "limit", "known"),
    [
        ([1.0, 1.001, 0.999, 1.0], 0.03, True),  # narrow, within the limit
        ([1.03, 1.031, 1.029, 1.03], 0.03, True),  # narrow, at the limit: more pairs would not help
        ([1.0, 1.02, 0.985, 1.0], 0.03, True),  # wide, and within the limit
        ([1.2, 1.28, 1.15, 1.22], 0.03, True),  # wide, and beyond the limit
        ([0.8, 0.85, 0.75, 0.82], 0.03, True),
        ([1.05, 1.07, 1.03, 1.05], 0.03, False),  # excludes 1, and not the limit
        ([0.95, 0.97, 0.93, 0.95], 0.03, False),
        ([1.0, 1.1, 0.9, 1.0], 0.03, False),
        ([1.0, 1.1, 0.9, 1.0], 1.0, True),
        ([1.2, 1.2, 1.2], 0.03, False),  # fewer than LEAST_PAIRS
    ],
)
def test_enough_is_known_when_the_interval_excludes_the_limit_or_is_narrow(ratios, limit, known):
    assert is_known(blocks(ratios), limit) is known


def test_nothing_measured_is_no_ratio():
    nothing = [Block(side=side, inference_ms=0, total_ms=None, runs=1, masks="m") for side in "ABBA"]
    assert paired(nothing, "inference_ms") is None and paired(nothing, "total_ms") is None
    assert outcome(nothing) == "unclear" and not is_known(nothing)


def test_false_alarms_and_slowdowns_in_a_hundred_benches_each():
    """Blocks with a spread of 2 % from one to the next, twenty pairs at most, as bench stops by itself."""
    generator = np.random.default_rng(0)

    def bench(ratio: float) -> str:
        ratios: list[float] = []
        while len(ratios) < 20:
            ratios += (ratio * np.exp(0.028 * generator.standard_normal(2))).tolist()
            if is_known(blocks(ratios)):
                break
        return outcome(blocks(ratios))

    same, slower = ([bench(ratio) for _ in range(100)] for ratio in (1.0, 1.10))
    assert same.count("slower") + same.count("faster") <= 2 and same.count("same") >= 90
    assert slower.count("slower") >= 98
