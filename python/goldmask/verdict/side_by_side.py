"""Two sides that were measured in turn: which one is faster, and when that is known. Nothing is run or written."""

import math
import random
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev
from typing import Literal

from ..contract.latency import Milliseconds
from ..contract.schema import Strict, Text
from .latency import LIMIT, Change, Ratio, around, change

SideName = Literal["A", "B"]
# Fewer pairs say nothing of how much pairs differ.
LEAST_PAIRS = 4
# Student's t for a 95 % interval, by degrees of freedom; beyond these it is close to the normal distribution's.
T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


class Block(Strict):
    """One run of one side: the medians over its images. `total_ms` is None where a stage was not measured."""

    side: SideName
    inference_ms: Milliseconds
    total_ms: Milliseconds | None
    runs: int
    masks: Text


def order(seed: int) -> Iterator[SideName]:
    """A B B A or B A A B, each time by chance: neither side is always first, and a steady drift hits both alike."""
    generator = random.Random(seed)
    while True:
        first: SideName = generator.choice(("A", "B"))
        second: SideName = "B" if first == "A" else "A"
        yield from (first, second, second, first)


def paired(blocks: Sequence[Block], figure: Literal["inference_ms", "total_ms"]) -> Ratio | None:
    """B ÷ A over pairs of neighbours, with Student's 95 % interval; None of fewer than two pairs, or without times.

    What lasts longer than a pair, a warm phone for example, is in both of its times, and not in their ratio.
    """
    logarithms = []
    for first, second in zip(blocks[::2], blocks[1::2], strict=False):
        times = {block.side: getattr(block, figure) for block in (first, second)}
        if not times.get("A") or not times.get("B"):
            return None
        logarithms.append(math.log(times["B"] / times["A"]))
    if len(logarithms) < 2:
        return None
    freedom = len(logarithms) - 1
    t = T95[freedom - 1] if freedom <= len(T95) else T95[-1]
    return around(fmean(logarithms), t * stdev(logarithms) / math.sqrt(len(logarithms)))


def is_known(blocks: Sequence[Block], limit: float = LIMIT) -> bool:
    """Whether enough was measured: the interval is on one side of the limit, or half as wide as it on each side.

    Who stops as soon as the interval excludes 1 finds many differences that are none. Here it has to exclude the limit
    as well, or to lie within it, or to be so narrow that more pairs would hardly change the outcome.
    """
    found = best(blocks)
    if found is None or len(blocks) // 2 < LEAST_PAIRS:
        return False
    beyond = found.low > 1 + limit or found.high < 1 / (1 + limit)
    narrow = math.log(found.high / found.value) <= math.log1p(limit) / 2
    return beyond or narrow or change(found, limit) == "same"


def best(blocks: Sequence[Block]) -> Ratio | None:
    """What the outcome is judged by: the run as a whole, or inference where that was not measured."""
    return paired(blocks, "total_ms") or paired(blocks, "inference_ms")


def outcome(blocks: Sequence[Block], limit: float = LIMIT) -> Change:
    """B beside A; `unclear` also where too little was measured."""
    found = best(blocks)
    return "unclear" if found is None else change(found, limit)
