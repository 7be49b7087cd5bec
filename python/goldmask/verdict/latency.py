"""Latency as figures with intervals, and whether two of them differ. Nothing is run or written.

Runs of a model are no independent samples: a clock, a temperature, a neighbour lasts for several. The intervals are
those of the stationary bootstrap (Politis and Romano 1994), whose blocks are as long as the runs resemble each other.
SciPy has no bootstrap for such samples, and would make goldmask three times as large; numpy is all that is needed.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field

from ..contract.bundle import Bundle, Predicted
from ..contract.latency import (
    FLAGS,
    MAX_MS,
    Conditions,
    Kind,
    Latency,
    LatencyFlag,
    Megabytes,
    flags_of,
    seen,
)
from ..contract.schema import Count, Many, Strict, Text

Samples = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
# How much the runs resemble each other cannot be seen in fewer.
TOO_FEW = 20
# What a median bears, found with benchmarks/latency.py: runs that are 0.5 alike pass, runs that are 0.9 alike do not.
SPREAD_MAX = 0.10
DRIFT_MAX, DRIFT_ERRORS = 0.03, 4.0
CLOCKS_APART, CLOCK_SHARE = 0.05, 0.2
CORRELATION_MAX = 0.69
RESAMPLES, MANY_SAMPLES, RESAMPLES_OF_MANY = 500, 2000, 100
# Elements of one resampling at a time: it bounds memory.
CHUNK = 1 << 20
LOW, HIGH = 0.025, 0.975
Z95 = 1.959964
# Of normal samples, 1.4826 median absolute deviations are a standard deviation.
MAD_TO_STD = 1.4826
LIMIT = 0.03
# A run is as long as its stages together. The error of a median is as large as those two bounds of a time let it be,
# and e to the power of more than WIDEST is no float.
FigureMs = Annotated[float, Field(ge=0, le=10 * MAX_MS), AfterValidator(seen)]
ERROR_MAX = 1e17
WIDEST = 600.0


class Figure(Strict):
    """A series of runs: its median with a 95 % interval, and percentiles.

    `median_error` is the standard error of the median's logarithm, which is what a later comparison needs of it.
    """

    runs: Count
    median_ms: FigureMs
    low_ms: FigureMs
    high_ms: FigureMs
    median_error: float = Field(ge=0, le=ERROR_MAX)
    p90_ms: FigureMs
    p90_low_ms: FigureMs
    p90_high_ms: FigureMs
    p95_ms: FigureMs
    p99_ms: FigureMs
    mad_ms: FigureMs

    def __str__(self) -> str:
        return f"{self.median_ms:.3g} ms ({self.low_ms:.3g} to {self.high_ms:.3g})"


class MeasuredOn(Strict):
    """Where a latency was measured; `soc` and `governor` are empty where nobody tells."""

    kind: Kind
    device: Text = ""
    soc: Text = ""
    abi: Text = ""
    os: Text = ""
    governor: Text = ""


class BudgetOutcome(Strict):
    """A figure beside its budget; ADVICE is what is not valid, whatever its value."""

    figure: Text
    limit: float
    value: float
    low: float
    high: float
    verdict: Literal["PASS", "WARN", "FAIL", "ADVICE"]
    reason: Text
    source: Text


class Measured(Latency):
    """The latency of a row in report.json: its samples, the figures made of them, and what speaks against them."""

    flags: Many[LatencyFlag] = ()
    unrest: Many[Text] = Field(default=(), description="why it is UNSTABLE")
    drift: float | None = Field(default=None, description="of inference, from the first run to the last ÷ the median")
    inference: Figure | None = None
    preprocess: Figure | None = None
    postprocess: Figure | None = None
    total: Figure | None = None
    memory_init_mb: Megabytes | None = None
    memory_peak_mb: Megabytes | None = None
    memory_steady_mb: Megabytes | None = None
    measured_on: MeasuredOn | None = None
    budgets: Many[BudgetOutcome] = ()
    baseline: Text | None = Field(default=None, description="beside the committed baseline, in one sentence")
    host_ratio: float | None = Field(default=None, description="device ÷ host, of the medians of inference")

    @property
    def ms(self) -> str:
        """Milliseconds of an inference for a table: `14.7 (14.5–15.0)`, or `31.2 cold` of one cold run."""
        found = self.inference
        if not found:
            return "–"
        width = f" ({found.low_ms:.1f}–{found.high_ms:.1f})" if found.low_ms < found.high_ms else ""
        return f"{found.median_ms:.1f}{' cold' if self.is_cold else width}"

    @property
    def is_cold(self) -> bool:
        """Whether it is a single run without any before it."""
        return len(self.inference_ms) == 1 and not self.warmup_ms


class Ratio(NamedTuple):
    """How many times as slow the second side is, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def change(self) -> str:
        """`+4.8 % (+3.9 to +5.7)`."""
        value, low, high = (100 * (each - 1) for each in self)
        return f"{value:+.1f} % ({low:+.1f} to {high:+.1f})"


Change = Literal["slower", "faster", "same", "unclear"]


def measured(bundle: Bundle, result: Predicted) -> Measured | None:
    """The latency of one case of a bundle with its figures; None where the target measured none."""
    latency = result.latency
    if latency is None:
        return None
    target, conditions = result.target or bundle.target, result.conditions or bundle.conditions or Conditions()
    restless = unrest(latency.inference_ms)
    found = {*flags_of(target.kind, bundle.runtime.delegate, conditions)}
    if len(latency.inference_ms) < TOO_FEW:
        found.add("TOO-FEW")
    elif restless:
        found.add("UNSTABLE")
    return Measured(
        **latency.model_dump(),
        flags=tuple(flag for flag in FLAGS if flag in found),
        unrest=restless if "UNSTABLE" in found else (),
        drift=drift_of(latency.inference_ms),
        inference=figure(latency.inference_ms),
        preprocess=figure(latency.preprocess_ms),
        postprocess=figure(latency.postprocess_ms),
        total=figure(latency.totals_ms),
        memory_init_mb=result.memory_init_mb,
        memory_peak_mb=result.memory_peak_mb,
        memory_steady_mb=result.memory_steady_mb,
        measured_on=MeasuredOn(
            kind=target.kind,
            device=conditions.device or target.device,
            soc=conditions.soc or "",
            abi=target.abi,
            os=target.os,
            governor=conditions.governor or "",
        ),
    )


def figure(samples_ms: Sequence[float], seed: int = 0) -> Figure | None:
    """Median, interval and percentiles of a series in the order of its runs; None of none.

    The same samples have the same interval: the resampling is seeded.
    """
    if not samples_ms:
        return None
    if len(samples_ms) == 1:
        only = samples_ms[0]
        names = ("median_ms", "low_ms", "high_ms", "p90_ms", "p90_low_ms", "p90_high_ms", "p95_ms", "p99_ms")
        return Figure(runs=1, median_error=0, mad_ms=0, **dict.fromkeys(names, only))
    samples = np.asarray(samples_ms, np.float64)
    median, p90, p95, p99 = (float(each) for each in np.quantile(samples, (0.5, 0.9, 0.95, 0.99)))
    medians, p90s = _resampled(samples, seed)
    low, high = np.quantile(medians, (LOW, HIGH))
    p90_low, p90_high = np.quantile(p90s, (LOW, HIGH))
    return Figure(
        runs=len(samples),
        median_ms=median,
        low_ms=_within(low, median, below=True),
        high_ms=_within(high, median, below=False),
        median_error=float(medians.std() / median) if seen(median) else 0.0,
        p90_ms=p90,
        p90_low_ms=_within(p90_low, p90, below=True),
        p90_high_ms=_within(p90_high, p90, below=False),
        p95_ms=p95,
        p99_ms=p99,
        mad_ms=float(np.median(np.abs(samples - median))),
    )


def unrest(samples_ms: Sequence[float]) -> tuple[str, ...]:
    """Why another series would have another median, as clauses; nothing where it would not, or nobody can tell."""
    if len(samples_ms) < TOO_FEW:
        return ()
    samples = np.asarray(samples_ms, np.float64)
    median = float(np.median(samples))
    if not median:
        return ()
    found = []
    spread = MAD_TO_STD * float(np.median(np.abs(samples - median))) / median
    if spread > SPREAD_MAX:
        found.append(f"a spread of {spread:.0%} (at most {SPREAD_MAX:.0%})")
    drift, error = _drift(samples)
    if abs(drift) > DRIFT_MAX * median and abs(drift) > DRIFT_ERRORS * error:
        found.append(f"a drift of {drift / median:+.0%} from the first to the last run")
    fast, slow, separation = _two_groups(samples)
    # Of fewer samples a single group falls into two that are further apart, by chance.
    if slow - fast > CLOCKS_APART * median and separation > 2.65 + 8.3 / math.sqrt(len(samples)):
        found.append(f"two clocks: {fast:.3g} ms and {slow:.3g} ms")
    correlation = _correlation(samples)
    if correlation > CORRELATION_MAX:
        found.append(f"each run is like the one before (correlation {correlation:.2f}, at most {CORRELATION_MAX})")
    return tuple(found)


def drift_of(samples_ms: Sequence[float]) -> float | None:
    """By how much a series rises from its first run to its last, as a part of its median; None of too few runs."""
    median = float(np.median(samples_ms)) if len(samples_ms) >= TOO_FEW else 0.0
    return _drift(np.asarray(samples_ms, np.float64))[0] / median if median else None


def ratio(pairs: Iterable[tuple[Figure, Figure]]) -> Ratio:
    """How the second figures relate to the first, as the geometric mean over all pairs.

    Pairs may be of different sizes, images of a model for example: each is held against its own. Raises ValueError
    where there is none, or a median of 0 ms.
    """
    known = list(pairs)
    if not known or any(not each.median_ms for pair in known for each in pair):
        raise ValueError("nothing to compare: a median is 0 ms, or there is none")
    logarithms = [math.log(after.median_ms / before.median_ms) for before, after in known]
    variance = sum(before.median_error**2 + after.median_error**2 for before, after in known)
    return around(sum(logarithms) / len(known), Z95 * math.sqrt(variance) / len(known))


def around(logarithm: float, half_width: float) -> Ratio:
    """The ratio of a logarithm with its interval."""
    half_width = min(half_width, WIDEST)
    return Ratio(math.exp(logarithm), math.exp(logarithm - half_width), math.exp(logarithm + half_width))


def change(found: Ratio, limit: float = LIMIT) -> Change:
    """`slower` where it is by `limit` at least, and significantly; `same` where the interval has no such change."""
    if found.value >= 1 + limit and found.low > 1:
        return "slower"
    if found.value <= 1 / (1 + limit) and found.high < 1:
        return "faster"
    return "same" if 1 / (1 + limit) < found.low and found.high < 1 + limit else "unclear"


def _within(edge: float, value: float, below: bool) -> float:
    """The edge of an interval, on its side of the value and not below zero."""
    return max(0.0, min(float(edge), value)) if below else max(float(edge), value)


def _resampled(samples: Samples, seed: int) -> tuple[Samples, Samples]:
    """Medians and 90th percentiles of resampled series."""
    count = len(samples)
    resamples = RESAMPLES if count <= MANY_SAMPLES else RESAMPLES_OF_MANY
    block, wider = _blocks(samples)
    generator = np.random.default_rng(seed)
    rows = max(1, CHUNK // count)
    medians, p90s = [], []
    for begin in range(0, resamples, rows):
        resampled = samples[_indices(count, min(rows, resamples - begin), block, generator)]
        quantiles = np.quantile(resampled, (0.5, 0.9), axis=1)
        medians.append(quantiles[0])
        p90s.append(quantiles[1])
    centre, p90 = np.quantile(samples, (0.5, 0.9))
    return centre + wider * (np.concatenate(medians) - centre), p90 + wider * (np.concatenate(p90s) - p90)


def _indices(
    count: int, rows: int, block: float, generator: np.random.Generator
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Indices of resampled series: blocks of random beginning and geometric length, `block` on average."""
    begins = generator.random((rows, count)) < 1 / block
    begins[:, 0] = True
    starts = generator.integers(0, count, (rows, count))
    slots = np.arange(count)
    last = np.maximum.accumulate(np.where(begins, slots, 0), axis=1)
    indices: np.ndarray[tuple[int, ...], np.dtype[np.int64]] = np.take_along_axis(starts, last, axis=1) + slots - last
    return indices % count


def _blocks(samples: Samples) -> tuple[float, float]:
    """The mean length of blocks, and how much wider the result has to be than blocks make it.

    The length is the best one for a first-order autoregression (Politis and White 2004). Blocks break what connects
    the runs at each of their ends, which makes intervals of few runs too narrow; the second number makes up for that.
    """
    count = len(samples)
    correlation = _unbiased(samples)
    block = max(1.0, (2 * correlation / (1 - correlation**2)) ** (2 / 3) * count ** (1 / 3))
    kept = (1 - 1 / block) * correlation
    return block, math.sqrt((1 + correlation) / (1 - correlation) * (1 - kept) / (1 + kept))


def _correlation(samples: Samples) -> float:
    """Pearson's correlation of each run with the one before it; 0 where they are all equal."""
    before, after = samples[:-1] - samples[:-1].mean(), samples[1:] - samples[1:].mean()
    size = math.sqrt(float((before**2).sum()) * float((after**2).sum()))
    return float((before * after).sum()) / size if size else 0.0


def _unbiased(samples: Samples) -> float:
    """The correlation of neighbouring runs, from 0 to 0.95; that of few samples is too small (Kendall 1954)."""
    count, correlation = len(samples), _correlation(samples)
    return min(0.95, max(0.0, correlation + (1 + 4 * correlation) / count if count > 4 else 0.0))


def _drift(samples: Samples) -> tuple[float, float]:
    """By how much a straight line through the series rises from its beginning to its end, and the error of that."""
    count = len(samples)
    time = (np.arange(count) - (count - 1) / 2) / count
    centred = samples - samples.mean()
    slope = float((time * centred).sum() / (time**2).sum())
    rest = centred - slope * time
    correlation = _unbiased(rest)
    error = float(rest.std()) / math.sqrt(float((time**2).sum())) * math.sqrt((1 + correlation) / (1 - correlation))
    return slope, error


def _two_groups(samples: Samples) -> tuple[float, float, float]:
    """The means of the two groups that a series falls into best, and their distance in deviations within them.

    Otsu's threshold; each group has a fifth of the samples at least, so that a few slow runs are no second clock.
    """
    ordered = np.sort(samples) - samples.mean()
    count = len(ordered)
    least = math.ceil(CLOCK_SHARE * count)
    sizes = np.arange(least, count - least + 1)
    sums = np.cumsum(ordered)
    below, above = sums[sizes - 1] / sizes, (sums[-1] - sums[sizes - 1]) / (count - sizes)
    within = (float((ordered**2).sum()) - sizes * below**2 - (count - sizes) * above**2) / count
    best = int(np.argmin(within))
    distance = float(above[best] - below[best])
    deviation = math.sqrt(max(float(within[best]), 0.0))
    separation = distance / deviation if deviation > 1e-9 * abs(float(samples.mean())) else math.inf
    mean = float(samples.mean())
    return mean + float(below[best]), mean + float(above[best]), separation if distance else 0.0
