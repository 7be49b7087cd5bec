"""What outputs of each kind become as soft masks, by values that are known."""

import numpy as np
import pytest

from goldmask.contract.soft_output import is_soft, soft_from_scores, threshold_of
from goldmask.contract.tensors import OutputSpec


def spec(kind: str, **rest) -> OutputSpec:
    return OutputSpec.model_validate({"index": 0, "kind": kind} | rest)


def pixels(*values) -> np.ndarray:
    """A row of pixels with one value each, float32 [1, w, 1]."""
    return np.array(values, np.float32).reshape(1, -1, 1)


def test_a_probability_is_taken_as_it_is():
    made = soft_from_scores(pixels(0, 0.25, 0.5, 1), spec("probability"))
    assert made.soft.tolist() == [[0, 0.25, 0.5, 1]] and made.mask.tolist() == [[0, 0, 1, 1]]
    assert made.margin.tolist() == [[0.5, 0.25, 0, 0.5]]


def test_a_logit_has_a_sigmoid():
    made = soft_from_scores(pixels(0, np.log(3), -np.log(3)), spec("logit"))
    assert made.soft.tolist() == [[0.5, pytest.approx(0.75), pytest.approx(0.25)]]
    assert made.mask.tolist() == [[1, 1, 0]]


def test_two_classes_have_a_softmax_and_the_foreground_is_declared():
    scores = np.array([[[0, np.log(3)], [2, 2], [5, 0]]], np.float32)
    one, other = (soft_from_scores(scores, spec("logit", foreground=index)) for index in (1, 0))
    assert one.soft.tolist() == [[pytest.approx(0.75), 0.5, pytest.approx(1 / (1 + np.exp(5)))]]
    assert np.allclose(one.soft + other.soft, 1) and one.mask.tolist() == [[1, 1, 0]]


def test_the_threshold_is_the_models():
    assert threshold_of(spec("probability")) == 0.5
    made = soft_from_scores(pixels(0.1, 0.2, 0.3), spec("probability", threshold=0.2))
    assert made.mask.tolist() == [[0, 1, 1]] and made.margin.tolist()[0][1] == 0


def test_steps_of_a_quantised_probability_are_worth_their_scale():
    made = soft_from_scores(
        np.array([[[0], [128], [255]]], np.uint8), spec("probability", scale=1 / 256)
    )  # fmt: skip
    assert made.soft.tolist() == [[0, 0.5, 255 / 256]] and made.margin.tolist() == [[128, 0, 127]]
    int8 = soft_from_scores(np.array([[[-128], [0]]], np.int8), spec("probability", scale=1 / 256, zero_point=-128))
    assert int8.soft.tolist() == [[0, 0.5]]


def test_the_margin_of_quantised_scores_counts_their_steps():
    logit = soft_from_scores(np.array([[[10], [0], [-3]]], np.int8), spec("logit", scale=0.25))
    assert logit.margin.tolist() == [[pytest.approx(10, rel=1e-3), 0, pytest.approx(3, rel=1e-3)]]
    scores = np.array([[[0, 4], [4, 0]]], np.uint8)
    assert soft_from_scores(scores, spec("logit", scale=0.5, foreground=1)).margin.tolist() == [
        [pytest.approx(4, rel=1e-3), pytest.approx(4, rel=1e-3)]
    ]


@pytest.mark.parametrize(
    ("scores", "asked", "reason"),
    [
        (pixels(2), spec("probability"), "no probabilities"),
        (pixels(np.nan), spec("probability"), "no probabilities"),
        (pixels(np.nan), spec("logit"), "NaN"),
        (np.zeros((1, 1, 2), np.float32), spec("probability"), "has 2 values for each pixel, and one is asked for"),
        (np.zeros((1, 1, 2), np.float32), spec("logit", foreground=2), "and class 2 is asked for"),
        (np.zeros((1, 1, 1), np.uint8), spec("probability"), "uint8 without a scale"),
    ],
)
def test_what_is_no_soft_mask_is_refused(scores, asked, reason):
    with pytest.raises(ValueError, match=reason):
        soft_from_scores(scores, asked)


def test_only_some_kinds_are_soft():
    assert is_soft(spec("probability")) and is_soft(spec("logit"))
    assert not is_soft(spec("logits")) and not is_soft(spec("classes"))
