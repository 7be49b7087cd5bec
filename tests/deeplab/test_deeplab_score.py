import numpy as np
import pytest

from deeplab.score import Scores, Tally

TRUTH = np.zeros((40, 40), np.uint8)
TRUTH[5:20, 5:20] = 1
TRUTH[22:38, 10:30] = 2


def scores(prediction: np.ndarray, truth: np.ndarray = TRUTH) -> Scores:
    tally = Tally(4)
    tally.add(truth, prediction)
    return tally.scores()


def test_equal_masks_score_one_and_absent_classes_do_not_count():
    result = scores(TRUTH)
    assert (result.miou, result.boundary_f, result.pixel_accuracy) == (1, 1, 1)
    assert result.class_iou == (1, 1, 1, None)


def test_iou_by_hand():
    prediction = TRUTH.copy()
    prediction[5:20, 5:20] = 0
    prediction[5:20, 5:10] = 1
    assert scores(prediction).class_iou[1] == pytest.approx(5 / 15)


@pytest.mark.parametrize(
    "prediction",
    [
        np.roll(TRUTH, 3, axis=0),
        TRUTH.T.copy(),
        np.zeros_like(TRUTH),
        np.where(TRUTH == 1, 2, np.where(TRUTH == 2, 1, TRUTH)).astype(np.uint8),
    ],
    ids=["shifted", "transposed", "empty", "labels swapped"],
)
def test_wrong_masks_score_low(prediction):
    assert scores(prediction).miou < 0.8
    assert scores(prediction).boundary_f < 0.8


def test_boundary_f_forgives_one_pixel_and_not_two():
    assert scores(np.roll(TRUTH, 1, axis=0)).boundary_f == 1
    assert scores(np.roll(TRUTH, 2, axis=0)).boundary_f < 1


def test_counts_add_up_over_images():
    tally = Tally(4)
    tally.add(TRUTH, TRUTH)
    tally.add(TRUTH, np.zeros_like(TRUTH))
    result = tally.scores()
    assert result.images == 2
    assert result.class_iou[1] == pytest.approx(0.5)
