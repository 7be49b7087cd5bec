"""How often a slowdown is found, and how often one is told that is none, on series whose truth is known.

Series of 10 ms with a spread of 3 %, first-order autoregressive. `python benchmarks/latency.py` makes a thousand pairs
of each kind and prints the table of docs/latency.md; exit code 1 where a requirement is not met. `--small`
makes a few, and requires nothing.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from goldmask.verdict.latency import Samples, change, figure, ratio, unrest

SPREAD, MEDIAN_MS = 0.03, 10.0
SERIES, FEW_SERIES = 1000, 2
SLOWDOWN, DRIFT, OTHER_CLOCK = 1.05, 0.10, 1.15
# After each run the clock changes with this probability.
CLOCK_CHANGES = 0.2
WARM_UP = 100


@dataclass(frozen=True)
class Cell:
    """A kind of series, and what is required of how pairs of it end: of a hundred, at least or at most so many."""

    name: str
    runs: int
    slowdown: float
    make: Callable[[int, np.random.Generator], Samples]
    required: dict[str, tuple[int, int]]


def autoregressive(phi: float) -> Callable[[int, np.random.Generator], Samples]:
    """Makes series in which each run is like the one before, by `phi`."""

    def make(runs: int, generator: np.random.Generator) -> Samples:
        noise = generator.standard_normal(runs + WARM_UP)
        for index in range(1, len(noise)):
            noise[index] = phi * noise[index - 1] + (1 - phi**2) ** 0.5 * noise[index]
        return MEDIAN_MS * (1 + SPREAD * noise[WARM_UP:])

    return make


def drifting(runs: int, generator: np.random.Generator) -> Samples:
    """A series that becomes slower, by a tenth in all."""
    return autoregressive(0)(runs, generator) * np.linspace(1, 1 + DRIFT, runs)


def two_clocks(runs: int, generator: np.random.Generator) -> Samples:
    """A series with two speeds, a seventh apart, each for a few runs at a time."""
    clock = np.cumsum(generator.random(runs) < CLOCK_CHANGES) % 2
    return autoregressive(0)(runs, generator) * np.where(clock, OTHER_CLOCK, 1.0)


def cells() -> Iterator[Cell]:
    """Everything that is required."""
    for runs in (50, 500):
        for phi in (0.0, 0.5):
            found = 90 if (phi, runs) == (0.5, 50) else 95
            yield Cell(f"φ {phi}, 5 % slower", runs, SLOWDOWN, autoregressive(phi), {"slower": (found, 100)})
            yield Cell(f"φ {phi}, A/A", runs, 1, autoregressive(phi), {"slower": (0, 5)})
        for name, make in (("φ 0.9", autoregressive(0.9)), ("drift", drifting), ("two clocks", two_clocks)):
            yield Cell(f"{name}, A/A", runs, 1, make, {"UNSTABLE": (90, 100), "slower": (0, 0)})


def outcome(before: Samples, after: Samples) -> str:
    """How a series ends beside the one of before."""
    if unrest(before.tolist()) or unrest(after.tolist()):
        return "UNSTABLE"
    figures = figure(before.tolist()), figure(after.tolist())
    assert figures[0] and figures[1]
    return change(ratio([(figures[0], figures[1])]))


def outcomes(cell: Cell, series: int, seed: int = 0) -> Counter[str]:
    """How pairs of series of a cell end, the second of which is slower, or is not."""
    generator = np.random.default_rng(seed)
    pairs = ((cell.make(cell.runs, generator), cell.make(cell.runs, generator)) for _ in range(series))
    return Counter(outcome(before, after * cell.slowdown) for before, after in pairs)


def broken(cell: Cell, found: Counter[str]) -> list[str]:
    """What is required and not met, as clauses."""
    total = sum(found.values())
    return [
        f"{name} {100 * found[name] / total:.1f} of 100, {low} to {high} required"
        for name, (low, high) in cell.required.items()
        if not low <= 100 * found[name] / total <= high
    ]


def main(words: list[str]) -> int:
    """Print the table; 1 where anything is not met."""
    series = FEW_SERIES if "--small" in words else SERIES
    print("| series | runs | slower | faster | same | unclear | UNSTABLE |\n|---|---|---|---|---|---|---|")
    wrong = []
    for cell in cells():
        found = outcomes(cell, series)
        shares = " | ".join(
            f"{100 * found[name] / series:.1f}" for name in ("slower", "faster", "same", "unclear", "UNSTABLE")
        )
        print(f"| {cell.name} | {cell.runs} | {shares} |", flush=True)
        wrong += [f"{cell.name}, {cell.runs} runs: {clause}" for clause in broken(cell, found)]
    if "--small" in words:
        return 0
    print("\n".join(wrong), file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
