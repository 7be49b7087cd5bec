"""Errors of soft masks against values worked out by hand, and against the most straightforward way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.measure import label

from goldmask.project.config import Gates, Tolerances
from goldmask.verdict import soft as softs
from goldmask.verdict.soft import EQUAL, SoftMetrics, judge_soft, largest_region, measure_soft

alphas = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12).flatmap(
    lambda shape: st.tuples(*(hnp.arrays(np.float32, shape, elements=st.sampled_from(LEVELS)) for _ in range(2)))
)
# Tenths and what is between them, so that regions come about.
LEVELS = [0.0, 0.05, 0.1, 0.25, 0.3, 0.5, 0.7, 0.85, 1.0]
flags = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20).flatmap(
    lambda shape: hnp.arrays(np.bool_, shape)
)


def test_figures_worked_out_by_hand():
    expected = np.array([[0, 0, 1, 1], [0, 0.5, 1, 1]], np.float32)
    actual = np.array([[0, 0, 1, 0.75], [0, 0.25, 1, 1]], np.float32)
    metrics = measure_soft(expected, actual)
    # Two of eight pixels are off by a quarter.
    assert metrics.mae == 0.0625 and metrics.mse == 0.015625 and metrics.largest == 0.25 and metrics.p99 == 0.25
    assert metrics.sad == 0.0005


def test_connectivity_worked_out_by_hand():
    """Two islands; the smaller loses nothing of its alpha, and is still connected to nothing."""
    expected = np.array([[1, 1, 1, 0, 1]], np.float32)
    actual = np.array([[1, 1, 1, 0, 0]], np.float32)
    # The region of all levels is the three at the left, so the last is connected at level 0: its distance is 1 and 0.
    assert measure_soft(expected, actual).connectivity == 0.001
    # Connected at 0.5, and 0.1 above that is close enough to be no distance: 0.5 → 0.6 costs nothing, 0.5 → 0.7 does.
    bridge = np.array([[1, 1, 0.5]], np.float32)
    assert measure_soft(bridge, np.array([[1, 1, 0.6]], np.float32)).connectivity == 0
    assert measure_soft(bridge, np.array([[1, 1, 0.7]], np.float32)).connectivity == pytest.approx(0.0002)


def test_a_gradient_worked_out_by_hand():
    """A ramp has the same slope everywhere, and what the kernel makes of it is its first moment times the slope."""
    ramp = np.tile(np.linspace(0, 1, 41), (41, 1))
    smooth, slope = softs._gaussian()
    moment = abs((slope * np.arange(-(len(slope) // 2), len(slope) // 2 + 1)).sum()) * smooth.sum()
    assert softs.gradient(ramp)[20, 20] == pytest.approx(moment / 40)
    assert softs.gradient(np.full((9, 9), 0.7)).max() == pytest.approx(0, abs=1e-12)


def test_the_kernel_is_the_benchmarks():
    """Two dimensions at once, as the benchmark's program spells it: 1.4 and a hundredth make 9 × 9."""
    at = np.arange(-4, 5)
    gauss = np.exp(-(at**2) / (2 * 1.4**2)) / (1.4 * np.sqrt(2 * np.pi))
    kernel = np.outer(gauss, -at * gauss / 1.4**2)
    kernel /= np.sqrt((kernel**2).sum())
    alpha = np.random.default_rng(1).random((30, 23))
    across = ndimage.convolve(alpha, kernel, mode="nearest")
    down = ndimage.convolve(alpha, kernel.T, mode="nearest")
    assert np.allclose(softs.gradient(alpha), np.sqrt(across**2 + down**2))


def straightforward(expected, actual):
    """[h, w]: level by level and pixel by pixel, with scikit-image's regions, of which the first of equals counts."""
    connected = np.full(expected.shape, -1.0)
    for step in range(1, 11):
        regions = label((expected >= step / 10) & (actual >= step / 10), connectivity=1)
        sizes = np.bincount(regions.ravel())[1:]
        omega = regions == sizes.argmax() + 1 if len(sizes) else np.zeros(expected.shape, bool)
        connected[(connected == -1) & ~omega] = (step - 1) / 10
    connected[connected == -1] = 1
    phis = []
    for alpha in (expected, actual):
        distance = alpha - connected
        distance[distance < 0.15] = 0
        phis.append(1 - distance)
    return np.abs(phis[0] - phis[1])


@given(alphas)
@settings(max_examples=60)
def test_connectivity_equals_the_straightforward_way(pair):
    expected, actual = (alpha.astype(float) for alpha in pair)
    assert np.allclose(softs.connectivity_errors(expected, actual), straightforward(expected, actual))


@given(flags)
@settings(max_examples=100)
def test_the_largest_region_is_scikit_images(values):
    regions = label(values, connectivity=1)
    sizes = np.bincount(regions.ravel())[1:]
    found = largest_region(values)
    expected = regions == sizes.argmax() + 1 if len(sizes) else np.zeros(values.shape, bool)
    assert np.array_equal(found, expected)


def test_a_spiral_is_one_region():
    """The longest way that labels can have to travel."""
    spiral = np.zeros((41, 41), bool)
    row = column = 0
    dy, dx, length = 0, 1, 40
    while length > 0:
        for _ in range(2):
            for _ in range(length):
                spiral[row, column] = True
                row, column = row + dy, column + dx
            dy, dx = dx, -dy
        length -= 2
    assert np.array_equal(largest_region(spiral), label(spiral, connectivity=1) == 1)


@given(alphas)
@settings(max_examples=30)
def test_plain_errors_equal_numpys(pair):
    expected, actual = pair
    errors = np.abs(expected.astype(float) - actual)
    metrics = measure_soft(expected, actual)
    assert metrics.mae == pytest.approx(errors.mean()) and metrics.largest == pytest.approx(errors.max())
    assert metrics.mse == pytest.approx((errors**2).mean()) and metrics.sad == pytest.approx(errors.sum() / 1000)


def test_99_of_100_pixels_are_within_p99():
    actual = np.zeros((10, 20), np.float32)
    actual[0, :2] = 1
    assert measure_soft(np.zeros_like(actual), actual).p99 == 0
    actual[0, 2] = 1
    assert measure_soft(np.zeros_like(actual), actual).p99 == 1


def test_only_what_is_kept_counts():
    expected, actual = np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)
    actual[0, 0] = 1
    kept = np.ones((4, 4), bool)
    assert measure_soft(expected, actual, kept).largest == 1
    kept[0, 0] = False
    assert measure_soft(expected, actual, kept).largest == 0
    actual[3, 3] = 1
    kept[:2] = False
    assert measure_soft(expected, actual, kept).mae == 1 / 8
    assert measure_soft(expected, actual, np.zeros((4, 4), bool)) == EQUAL == measure_soft(actual, actual)


METRICS = SoftMetrics(mae=0.1, mse=0.2, largest=0.5, p99=0.4, sad=3, gradient=4, connectivity=5)
GATES = {
    "soft_error_max": ("largest", "largest soft error"),
    "soft_p99_max": ("p99", "soft p99"),
    "soft_mae_max": ("mae", "soft MAE"),
    "soft_mse_max": ("mse", "soft MSE"),
    "soft_sad_max": ("sad", "SAD"),
    "soft_gradient_max": ("gradient", "gradient error"),
    "soft_connectivity_max": ("connectivity", "connectivity error"),
}


@pytest.mark.parametrize("gate", GATES)
def test_each_gate_holds_at_its_limit_and_fails_below(gate):
    figure, name = GATES[gate]
    value = getattr(METRICS, figure)
    assert judge_soft(METRICS, Gates.model_validate({gate: value})) == []
    below = value * 0.99
    assert judge_soft(METRICS, Gates.model_validate({gate: below})) == [f"{name} {value:.4g} (at most {below:.4g})"]


def test_a_step_of_an_8_bit_mask_is_allowed_and_more_is_not():
    assert judge_soft(EQUAL.model_copy(update={"largest": 1 / 255}), Tolerances()) == []
    assert judge_soft(EQUAL.model_copy(update={"largest": 1.01 / 255}), Tolerances())
    assert judge_soft(None, Tolerances()) == []
