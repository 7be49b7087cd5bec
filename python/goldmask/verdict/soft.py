"""How two soft masks of one size differ, in numbers: plain errors, and those of the matting literature.

SAD, MSE, gradient and connectivity error are those of Rhemann et al., "A Perceptually Motivated Online Benchmark for
Image Matting", CVPR 2009. Their regions of unknown alpha are the whole image here.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import Field

from ..contract.bundle import Predicted, soft_bytes, soft_of
from ..contract.mask import Mask
from ..contract.schema import Strict
from ..contract.soft import Soft
from ..project.config import Gates

Values = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Taps = np.ndarray[tuple[int], np.dtype[np.float64]]
Indices = np.ndarray[tuple[int], np.dtype[np.intp]]
# Of the gradient error: the derivative of a Gaussian of this sigma (CVPR 2009, section 4), cut where it is below a
# hundredth, as the benchmark's own program does.
SIGMA, CUT = 1.4, 1e-2
# Of the connectivity error (section 4): the steps at which connected regions are looked for, and what is no distance.
LEVELS, CLOSE = 10, 0.15
# SAD, gradient and connectivity errors are sums, given in thousands as the literature does.
THOUSAND = 1000.0


class SoftMetrics(Strict):
    """How two soft masks differ. `mae`, `mse`, `largest` and `p99` are of probabilities, 0 to 1; sums in thousands."""

    mae: float = Field(ge=0, le=1, description="mean absolute error")
    mse: float = Field(ge=0, le=1, description="mean squared error")
    largest: float = Field(ge=0, le=1, description="largest absolute error")
    p99: float = Field(ge=0, le=1, description="what 99 of 100 pixels are within")
    sad: float = Field(ge=0, description="sum of absolute errors, in thousands")
    gradient: float = Field(ge=0, description="sum of squared errors of the gradient's magnitude, in thousands")
    connectivity: float = Field(ge=0, description="sum of errors of connectedness, in thousands")


@dataclass(frozen=True)
class SoftPair:
    """The golden's soft mask and another of its size, float32 [h, w]."""

    expected: Soft
    actual: Soft


EQUAL = SoftMetrics(mae=0, mse=0, largest=0, p99=0, sad=0, gradient=0, connectivity=0)


def unlike_soft(wanted: Predicted, result: Predicted) -> str:
    """Why the soft mask of a result is none to hold against a golden's, as a clause; empty where it is one."""
    if wanted.soft and not result.soft:
        return "the golden has a soft mask, the bundle has none"
    if wanted.soft and result.soft and wanted.soft.threshold != result.soft.threshold:
        return f"the golden's threshold is {wanted.soft.threshold:g}, the bundle's {result.soft.threshold:g}"
    return ""


def soft_pair(expected: Soft, wanted: Predicted, folder: Path, result: Predicted, mask: Mask) -> SoftPair | None:
    """The golden's soft mask with that of a result, whose category mask is `mask`; None where it has none.

    Raises RunError.
    """
    was, now = wanted.soft, result.soft
    if was and now and (was.sha256, was.scale, wanted.mask_sha256) == (now.sha256, now.scale, result.mask_sha256):
        soft_bytes(folder, result, now)  # equal bytes are an equal mask, once they are known to be those
        return SoftPair(expected, expected)
    actual = soft_of(folder, result, mask)
    return None if actual is None else SoftPair(expected, actual)


def measure_soft(expected: Soft, actual: Soft, kept: Flags | None = None) -> SoftMetrics:
    """All metrics of two soft masks of one shape, float [h, w] from 0 to 1; of the pixels that are `kept` only."""
    if np.array_equal(expected, actual):
        return EQUAL
    was, now = expected.astype(np.float64), actual.astype(np.float64)
    counted = np.ones(was.shape, bool) if kept is None else kept
    if not counted.any():
        return EQUAL
    errors = np.abs(now - was)[counted]
    return SoftMetrics(
        mae=float(errors.mean()),
        mse=float((errors * errors).mean()),
        largest=float(errors.max()),
        p99=float(np.quantile(errors, 0.99, method="inverted_cdf")),
        sad=float(errors.sum()) / THOUSAND,
        gradient=float(((gradient(now) - gradient(was)) ** 2)[counted].sum()) / THOUSAND,
        connectivity=float(connectivity_errors(was, now)[counted].sum()) / THOUSAND,
    )


def judge_soft(metrics: SoftMetrics | None, gates: Gates) -> list[str]:
    """Every gate that is not met, as a clause with the number measured and the number required."""
    if metrics is None:
        return []
    return [
        f"{name} {value:.4g} (at most {most:.4g})"
        for name, value, most in (
            ("largest soft error", metrics.largest, gates.soft_error_max),
            ("soft p99", metrics.p99, gates.soft_p99_max),
            ("soft MAE", metrics.mae, gates.soft_mae_max),
            ("soft MSE", metrics.mse, gates.soft_mse_max),
            ("SAD", metrics.sad, gates.soft_sad_max),
            ("gradient error", metrics.gradient, gates.soft_gradient_max),
            ("connectivity error", metrics.connectivity, gates.soft_connectivity_max),
        )
        if most is not None and value > most
    ]


def gradient(alpha: Values) -> Values:
    """[h, w]: the magnitude of the gradient, by derivatives of a Gaussian; what is beyond the rim equals the rim."""
    smooth, slope = _gaussian()
    across, down = _along(_along(alpha, smooth, 0), slope, 1), _along(_along(alpha, slope, 0), smooth, 1)
    return np.hypot(across, down)


def connectivity_errors(expected: Values, actual: Values) -> Values:
    """[h, w]: how differently far each pixel is connected to what is foreground in both.

    That is the largest region, 4-connected, of the pixels whose alpha is at least a level in both masks. A pixel's
    connectedness is the highest level at which it is in that region; only what its alpha is above that by `CLOSE`
    or more makes it less connected.
    """
    connected = np.ones(expected.shape)
    still = np.ones(expected.shape, bool)
    both = np.minimum(expected, actual)
    for step in range(1, LEVELS + 1):
        region = largest_region(both >= step / LEVELS)
        connected[still & ~region] = (step - 1) / LEVELS
        still &= region
    before, after = (1 - distance * (distance >= CLOSE) for distance in (expected - connected, actual - connected))
    return np.abs(before - after)


def largest_region(flags: Flags) -> Flags:
    """[h, w]: the largest of the regions of `flags` whose pixels touch above, below, left or right."""
    height, width = flags.shape
    # Each row's runs, in a frame that ends every one of them; then runs of neighbouring rows that overlap are joined.
    framed = np.zeros((height, width + 2), np.int8)
    framed[:, 1:-1] = flags
    steps = np.diff(framed, axis=1)
    row, begin = np.nonzero(steps == 1)
    end = np.nonzero(steps == -1)[1]
    if not len(row):
        return np.zeros(flags.shape, bool)
    first, last = row * (width + 1) + begin, row * (width + 1) + end
    # Of each run, those of the row above that end behind its begin and begin before its end.
    low = np.searchsorted(last, first - (width + 1), side="right")
    high = np.searchsorted(first, last - (width + 1), side="left")
    touching = np.maximum(high - low, 0)
    lower = np.repeat(np.arange(len(row)), touching)
    upper = np.arange(len(lower)) - np.repeat(np.cumsum(touching) - touching, touching) + np.repeat(low, touching)
    region = _joined(len(row), lower, upper)
    sizes = np.bincount(region, weights=end - begin)
    chosen = region == sizes.argmax()
    ends = np.zeros((height, width + 1), np.int8)
    ends[row[chosen], begin[chosen]] = 1
    ends[row[chosen], end[chosen]] = -1
    return np.cumsum(ends, axis=1)[:, :width].astype(bool)


def _joined(count: int, one: Indices, other: Indices) -> Indices:
    """[count]: for each of so many things the lowest number of those that pairs (one, other) join it with."""
    root = np.arange(count)
    while True:
        before = root.copy()
        np.minimum.at(root, before[one], before[other])
        np.minimum.at(root, before[other], before[one])
        root = root[root]
        while not np.array_equal(root, root[root]):
            root = root[root]
        if np.array_equal(root[one], root[other]):
            return root


@lru_cache(maxsize=1)
def _gaussian() -> tuple[Taps, Taps]:
    """A Gaussian and its derivative, scaled so that the squares of the kernel which they span add up to 1."""
    half = int(np.ceil(SIGMA * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * SIGMA * CUT))))
    at = np.arange(-half, half + 1, dtype=np.float64)
    smooth = np.exp(-at * at / (2 * SIGMA * SIGMA)) / (SIGMA * np.sqrt(2 * np.pi))
    slope = -at * smooth / (SIGMA * SIGMA)
    return smooth / np.sqrt((smooth**2).sum()), slope / np.sqrt((slope**2).sum())


def _along(values: Values, taps: Taps, axis: int) -> Values:
    half = len(taps) // 2
    pad = [(half, half) if index == axis else (0, 0) for index in range(2)]
    padded = np.pad(values, pad, mode="edge")
    length = values.shape[axis]
    total = np.zeros(values.shape)
    for index, tap in enumerate(taps[::-1]):  # a convolution turns its kernel
        total += tap * (padded[index : index + length] if axis == 0 else padded[:, index : index + length])
    return total
