"""The first operator of a graph whose output differs between two sides, and by how much each one does: pure.

A side runs the first operators of a graph, a prefix, and hands out all tensors that later ones read. Where these agree
for one operator less, the last operator is the one at which the sides part.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..contract.tensor_runs import Values

# What one operator's rounding makes, and what that grows to over a network, in shares of a tensor's range
# (docs/diagnosis.md has the measurements): in float32; in half floats and where weights are int8 and activations
# floats; in quantised models, whose runtimes round to either neighbour.
FLOAT_LIMIT, HALF_LIMIT, QUANTISED_LIMIT = 1e-4, 2e-2, 0.15
STEP_LIMIT = 1.0
HALF_DELEGATES = frozenset({"gpu", "nnapi", "coreml", "metal"})
WORST = 5


@dataclass(frozen=True)
class Quantisation:
    """How integers stand for real numbers: a scale and zero point for all, or one for each index of `axis`."""

    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0

    def real(self, values: Values) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """The real numbers that `values` stand for, float64 of the same shape."""
        wide = values.astype(np.float64)
        if not self.scales:
            return wide
        shape = [1] * values.ndim
        if len(self.scales) > 1 and values.ndim > self.axis:
            shape[self.axis] = len(self.scales)
        scales = np.asarray(self.scales, np.float64).reshape(shape if len(self.scales) > 1 else ())
        zeros = np.asarray(self.zero_points or (0,), np.float64)
        zeros = zeros.reshape(shape) if len(zeros) > 1 else zeros.reshape(())
        return (wide - zeros) * scales


@dataclass(frozen=True)
class Limit:
    """What two sides may differ by, as a share of the tensor's range.

    Of quantised tensors it is `quantised`, and `steps` quantisation steps in addition.
    """

    share: float
    quantised: float
    steps: float

    def __str__(self) -> str:
        if not any((self.share, self.quantised, self.steps)):
            return "any difference"
        return (
            f"{100 * self.share:.3g} % of a tensor's range ({100 * self.quantised:.3g} % and {self.steps:g} step of "
            "a quantised one)"
        )


@dataclass(frozen=True)
class Limits:
    """What an operator may differ by with the same input, `own`, and where it is in the graph, `grown`."""

    own: Limit
    grown: Limit


@dataclass(frozen=True)
class Difference:
    """Two sides' values of one tensor: the largest difference and the root of the mean square, in real units.

    `extent` is the range of side A's values and zero. `step` is the size of a quantisation step, 0 where there is none.
    Where values are counts or classes, as an ARG_MAX has them, `share` is how many differ, not by how much.
    """

    largest: float
    rms: float
    extent: float
    step: float
    differing: int
    of: int
    counts: bool = False
    why: str = ""

    @property
    def share(self) -> float:
        """The largest difference as a share of the range; of counts, the share of values that differ."""
        if self.counts and not self.why:
            return self.differing / self.of if self.of else 0.0
        if self.largest == 0:
            return 0.0
        return self.largest / self.extent if self.extent else math.inf

    @property
    def steps(self) -> float | None:
        """The largest difference in quantisation steps; None where the tensor has none."""
        return self.largest / self.step if self.step else None

    def exceeds(self, limit: Limit) -> bool:
        """Whether it is beyond what the sides may differ by."""
        if self.why or math.isinf(self.largest):
            return True
        if self.counts:
            return self.share > limit.share
        if self.step:
            return self.largest > limit.quantised * self.extent + limit.steps * self.step * (1 + 1e-6)
        return self.largest > limit.share * self.extent

    def __str__(self) -> str:
        if self.why:
            return self.why
        if not self.differing:
            return "the same"
        if self.counts:
            return f"{self.differing:,} of {self.of:,} values differ"
        steps = f", {self.steps:.3g} steps" if self.steps is not None else ""
        return f"{self.largest:.3g} at most, {100 * self.share:.3g} % of its range{steps}"


def difference(a: Values, b: Values, of_a: Quantisation, of_b: Quantisation) -> Difference:
    """Side B's values held against side A's, in real units. NaN equals NaN, and an infinity the same one."""
    if a.shape != b.shape:
        why = f"shape {list(a.shape)} against {list(b.shape)}"
        return Difference(math.inf, math.inf, 0, 0, a.size, a.size, why=why)
    # Of a tensor without axes numpy would make a number that cannot be written to.
    one, other = np.atleast_1d(of_a.real(a)), np.atleast_1d(of_b.real(b))
    counts = a.dtype.kind in "biu" and not of_a.scales
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(one - other)
        apart[(one == other) | (np.isnan(one) & np.isnan(other))] = 0
        apart[np.isnan(apart)] = math.inf
        finite = one[np.isfinite(one)]
        extent = float(max(finite.max(), 0) - min(finite.min(), 0)) if finite.size else 0.0
        rms = float(np.sqrt(np.mean(np.square(apart)))) if apart.size else 0.0
    return Difference(
        largest=float(apart.max()) if apart.size else 0.0,
        rms=rms,
        extent=extent,
        step=max(of_a.scales, default=0.0) if a.dtype.kind in "iu" else 0.0,
        differing=int(np.count_nonzero(apart)),
        of=a.size,
        counts=counts,
    )


def limits_of(same_runtime: bool, is_coarse: bool, threshold: float | None = None) -> Limits:
    """The limits; between two files on one runtime nothing may differ, else what rounding makes.

    `is_coarse` is for a delegate that computes in half floats, and for weights in int8 with activations in floats. A
    `threshold` of the user, a share of a tensor's range, takes the place of all shares.
    """
    steps = 0.0 if same_runtime else STEP_LIMIT
    if threshold is not None:
        given = Limit(threshold, threshold, steps)
        return Limits(given, given)
    if same_runtime:
        return Limits(Limit(0.0, 0.0, 0.0), Limit(0.0, 0.0, 0.0))
    share = HALF_LIMIT if is_coarse else FLOAT_LIMIT
    return Limits(Limit(share, 0.0, steps), Limit(share, QUANTISED_LIMIT, steps))


def most_runs(operators: int) -> int:
    """Runs a side where one run with all intermediate outputs points at the operator: log2(n) + 2."""
    return int(math.log2(operators) + 2)


@dataclass(frozen=True)
class Search:
    """What was found: how many operators the model has up to and with the one at which the sides part, or None.

    `traced` says whether it is the one at which the run with all intermediate outputs pointed, `own` whether it is the
    operator's own difference with the same input that is beyond its limit.
    """

    first: int | None
    traced: bool
    own: bool = False


def find_first(operators: int, traced: int | None, has_trace: bool, differs: Callable[[int], bool]) -> Search:
    """Bisect prefixes of 1 to `operators` operators; `differs` says whether a prefix does, run by itself.

    `traced` is where the run with all intermediate outputs shows the first difference. Such a run is not what the
    model does: a delegate keeps tensors that it else never makes. So the prefix up to there must differ when it is run
    by itself, and the one before must not; only where that fails is the rest bisected. Differences may vanish on their
    way, so what is found is a place where they begin, and the first one only as far as the trace shows it.
    """
    low, high = 0, operators
    if traced is not None:
        if differs(traced):
            if traced == 1 or not differs(traced - 1):
                return Search(traced, True)
            high = traced - 1
        else:
            low = traced
            if low == operators or not differs(operators):
                return Search(None, False)
    elif not differs(operators):
        return Search(None, has_trace)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if differs(middle) else (middle, high)
    return Search(high, False)


@dataclass(frozen=True)
class Grown:
    """How much one operator's output differs where it is in the graph, and, `own`, with the same input.

    `own` is None where the operators did not run by themselves. `inputs` is the share of the most different input.
    """

    number: int
    name: str
    output: Difference
    inputs: float
    own: Difference | None

    @property
    def added(self) -> float:
        """What the operator itself does to the difference, as a share of its output's range."""
        return self.own.share if self.own else self.output.share - self.inputs


def growth(
    names: Sequence[str],
    inputs: Sequence[Sequence[int]],
    outputs: Mapping[int, tuple[int, Difference]],
    own: Mapping[int, tuple[int, Difference]],
) -> list[Grown]:
    """A row for each operator with an output in `outputs`, by tensor: (the operator's number, the difference).

    `own` has the same with the same input. `inputs` are the tensors that each operator reads. Of several outputs the
    one that differs most counts.
    """
    shares = {tensor: found.share for tensor, (_, found) in outputs.items()}
    largest, by_itself = _largest(outputs), _largest(own)
    return [
        Grown(
            number,
            names[number],
            largest[number],
            max((shares.get(each, 0.0) for each in inputs[number]), default=0.0),
            by_itself.get(number),
        )
        for number in sorted(largest)
    ]


def _largest(differences: Mapping[int, tuple[int, Difference]]) -> dict[int, Difference]:
    """The largest difference of each operator."""
    found: dict[int, Difference] = {}
    for number, each in differences.values():
        if number not in found or each.share > found[number].share:
            found[number] = each
    return found


def worst(rows: Sequence[Grown], most: int = WORST) -> list[Grown]:
    """The operators that differ most by themselves, the worst first; those that do not are left out."""
    adding = [row for row in rows if row.added > 0]
    return sorted(adding, key=lambda row: row.added, reverse=True)[:most]
