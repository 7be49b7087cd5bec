"""The tie margin that follows from which pixels flip: enough for them, and not for wrong masks."""

import numpy as np
import pytest

from goldmask.verdict.calibration import calibrate, flips

GOLDEN = np.zeros((100, 100), np.uint8)


def flipped(*pixels: int) -> np.ndarray:
    mask = GOLDEN.copy()
    mask.flat[list(pixels)] = 1
    return mask


def margins(low: float, count: int = 10) -> np.ndarray:
    """A margin map with `count` fragile pixels, which come first."""
    levels = np.full(GOLDEN.shape, 5, np.float32)
    levels.flat[:count] = low
    return levels


def test_a_pixel_counts_once_however_often_it_flips():
    found = flips("one", GOLDEN, [flipped(0, 1), flipped(1, 2), GOLDEN], margins(0.01))
    assert found.margins == pytest.approx([0.01] * 3)


@pytest.mark.parametrize(
    ("unit", "low", "proposed"),
    [("score", 0.0012, 0.0025), ("score", 0.00333, 0.0067), ("step", 3.0, 4.0), ("step", 0.0, 1.0)],
)
def test_the_margin_is_a_little_more_than_was_measured(unit, low, proposed):
    found = calibrate("road", unit, 6, [flips("one", GOLDEN, [flipped(0)], margins(low))])
    assert found.proposed == pytest.approx(proposed) and found.excused == 0.001
    assert f"tie_margin_{unit} = {proposed:g} excuses them and 0.100% of all pixels" in found.sentence()
    assert "1 of 10,000 pixels flip in 6 runs" in found.sentence() and "(one)" in found.sentence()


def test_without_a_flip_nothing_is_proposed():
    found = calibrate("road", "score", 6, [flips("one", GOLDEN, [GOLDEN], margins(0.1))])
    assert found.proposed is None and found.sentence().endswith("the tie margin can stay")


def test_a_margin_that_would_excuse_wrong_masks_is_not_proposed():
    levels = margins(0.01, count=600)
    found = calibrate("road", "score", 6, [flips("one", GOLDEN, [flipped(0)], levels)])
    assert found.proposed is None and "would excuse 6.0% of all pixels: these are no ties" in found.sentence()
    clear = calibrate("road", "score", 6, [flips("one", GOLDEN, [flipped(9999)], levels)])
    assert clear.proposed is None, "a clear pixel that flips is a bug, not a tie"
