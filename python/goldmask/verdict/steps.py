"""A history of medians as a few level stretches, and the steps between them. Nothing is run or written."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median

from pydantic import Field

from ..contract.schema import Strict, Text
from .latency import LIMIT, MAD_TO_STD, Figure

# A step is so many times as large as its error: one false step in some hundred histories of noise.
STEP_ERRORS = 5.0
# Medians of one and the same thing differ by more than their own errors: a process, a boot, a morning.
LEAST_ERROR = 0.004
# Of fewer jumps from point to point the median may be the step itself.
LEAST_JUMPS = 3


class Point(Strict):
    """One measurement: when, of which commit, and the median over its cases with its interval."""

    at: Text
    commit: Text = ""
    subject: Text = ""
    runtime: Text = ""
    median_ms: float = Field(gt=0)
    low_ms: float
    high_ms: float
    error: float = Field(ge=0, description="standard error of the median's logarithm")


class Step(Strict):
    """Where a history changes: the first point after it, and by what factor."""

    index: int
    factor: float
    commit: Text
    subject: Text
    runtime_before: Text
    runtime_after: Text

    def __str__(self) -> str:
        where = f"{self.commit[:12]} {self.subject}".strip() or f"measurement {self.index + 1}"
        runtime = f", {self.runtime_before} → {self.runtime_after}" if self.runtime_before != self.runtime_after else ""
        return f"{self.factor - 1:+.1%} with {where}{runtime}"


class History(Strict):
    """What was measured of one thing over time, and its steps."""

    name: Text
    points: tuple[Point, ...]
    steps: tuple[Step, ...]


def point_from(
    figures: Mapping[str, Figure], cases: Sequence[str], *, at: str, commit: str, subject: str, runtime: str
) -> Point | None:
    """Figures by case as a point: their geometric means over `cases`; None where one is missing or took no time."""
    known = [figures[case] for case in cases if case in figures]
    if not cases or len(known) < len(cases) or any(not each.low_ms for each in known):
        return None
    return Point(
        at=at,
        commit=commit,
        subject=subject,
        runtime=runtime,
        median_ms=_mean([each.median_ms for each in known]),
        low_ms=_mean([each.low_ms for each in known]),
        high_ms=_mean([each.high_ms for each in known]),
        error=math.sqrt(sum(each.median_error**2 for each in known)) / len(known),
    )


def history(name: str, points: Sequence[Point], limit: float = LIMIT) -> History:
    """The points in their order with the steps found in them."""
    found = sorted(steps([math.log(point.median_ms) for point in points], [point.error for point in points], limit))
    edges = [0, *found, len(points)]
    levels = [_mean([point.median_ms for point in points[a:b]]) for a, b in pairwise(edges)]
    return History(
        name=name,
        points=tuple(points),
        steps=tuple(
            Step(
                index=index,
                factor=levels[number + 1] / levels[number],
                commit=points[index].commit,
                subject=points[index].subject,
                runtime_before=points[index - 1].runtime,
                runtime_after=points[index].runtime,
            )
            for number, index in enumerate(found)
        ),
    )


def steps(values: Sequence[float], errors: Sequence[float], limit: float = LIMIT, begin: int = 0) -> list[int]:
    """Indices at which a series of logarithms steps up or down: the best one, and then within both sides of it.

    A step is `limit` at least, and several times as large as neighbours differ, which steps hardly add to.
    """
    count = len(values)
    jumps = [abs(after - before) for before, after in pairwise(values)]
    scatter = (MAD_TO_STD * median(jumps)) ** 2 / 2 if len(jumps) >= LEAST_JUMPS else 0.0
    variance = max(scatter, fmean(error**2 for error in errors) + LEAST_ERROR**2) if values else 0.0
    best, where = 0.0, 0
    for index in range(1, count):
        before, after = values[:index], values[index:]
        size = abs(fmean(after) - fmean(before))
        strength = size / math.sqrt(variance * (1 / len(before) + 1 / len(after)))
        if size >= math.log1p(limit) and strength > best:
            best, where = strength, index
    if best < STEP_ERRORS:
        return []
    return [
        *steps(values[:where], errors[:where], limit, begin),
        begin + where,
        *steps(values[where:], errors[where:], limit, begin + where),
    ]


def _mean(values: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(fmean(map(math.log, values)))
