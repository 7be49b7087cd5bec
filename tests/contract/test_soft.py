"""Soft masks: what a file of them stores, what is no such file, and what a model's values become."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pngs import png

from goldmask.contract import mask as masks
from goldmask.contract import soft as softs
from goldmask.contract.errors import RunError
from goldmask.contract.png import GRAY

PATH = Path("soft.png")
RAMP = np.linspace(0, 1, 12 * 7, dtype=np.float32).reshape(7, 12)


@given(hnp.arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32)))
def test_a_soft_mask_is_read_back_within_half_a_step(values):
    read = softs.decode_soft(softs.encode_soft(values), PATH, softs.SCALE)
    assert read.dtype == np.float32 and np.abs(read.astype(float) - values).max() <= softs.SCALE / 2 + 1e-7


def test_black_white_and_half_are_what_they_are():
    read = softs.decode_soft(softs.encode_soft(np.array([[0, 0.5, 1]], np.float32)), PATH, softs.SCALE)
    assert read.tolist() == [[0.0, pytest.approx(0.5, abs=1e-5), 1.0]]


def test_the_scale_says_what_a_step_is_worth():
    data = png(np.array([[0, 100], [200, 255]]), 16, GRAY)
    assert softs.decode_soft(data, PATH, 1 / 255).tolist() == [
        [0, pytest.approx(100 / 255)],
        [pytest.approx(200 / 255), 1],
    ]


def test_samples_are_not_changed_by_interlacing_or_transparency():
    stored = (RAMP * 65535).astype(np.uint16)
    for interlaced in (False, True):
        data = png(stored, 16, GRAY, interlaced=interlaced, before=((b"tRNS", b"\0\1"), (b"gAMA", b"\0\0\1\0")))
        assert np.array_equal(softs.decode_soft(data, PATH, 1), stored)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"GIF89a", "is not a PNG"),
        (png(np.ones((3, 4)), 8, GRAY), "is a 8-bit gray picture, not a soft mask"),
        (png(np.ones((3, 4, 3)), 16, 2), "is a 16-bit RGB picture, not a soft mask"),
        (png(np.ones((3, 4)), 8, 3), "is a 8-bit palette picture, not a soft mask"),
        (png(np.ones((3, 4)), 16, GRAY, pixel_bytes=9), "is damaged: rows are missing, it has 9 of 27 bytes"),
        (png(np.ones((3, 4)), 16, GRAY, more=b"\0"), "goes on after the last row"),
        (png(np.ones((3, 4)), 16, GRAY, spoilt=b"IDAT"), "the checksum of its chunk IDAT is wrong"),
        (png(np.ones((3, 4)), 16, GRAY, end=False), "ends before its last chunk"),
        (png(np.ones((1, 1)), 16, GRAY, claims=(1 << 15, 1 << 15)), "claims 32768×32768 pixels"),
        (png(np.ones((1, 1)), 16, GRAY, claims=(1, 1 << 21)), "claims 1×2097152 pixels"),
    ],
)
def test_what_is_no_soft_mask_is_refused(data, what):
    with pytest.raises(RunError, match=what):
        softs.decode_soft(data, PATH, softs.SCALE)


def test_a_soft_mask_taken_for_a_category_mask_has_classes_that_no_model_has():
    assert masks.decode_mask(softs.encode_soft(RAMP), PATH).max() == 65535


def test_the_sigmoid_of_known_logits():
    logits = np.array([[0, np.log(3), -1000, 1000, -np.inf, np.inf]], np.float32)
    assert softs.sigmoid(logits).tolist() == [[0.5, pytest.approx(0.75), 0, 1, 0, 1]]


def test_the_softmax_of_known_scores():
    scores = np.array([[[0, np.log(3)], [1000, 1000], [0, -1000]]], np.float32)
    assert softs.softmax(scores, 1).tolist() == [[pytest.approx(0.75), 0.5, 0]]
    assert softs.softmax(scores, 0).tolist() == [[pytest.approx(0.25), 0.5, 1]]


@pytest.mark.parametrize("value", [np.nan, 1.01, -0.01, np.inf])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(ValueError, match="which are no probabilities"):
        softs.probabilities(np.array([[0.5, value]], np.float32))
    assert softs.probabilities(np.array([[1.0005, -0.0005]], np.float32)).tolist() == [[1, 0]]


def test_nan_is_no_score():
    for values in (lambda: softs.sigmoid(np.array([[np.nan]])), lambda: softs.softmax(np.array([[[0, np.nan]]]), 0)):
        with pytest.raises(ValueError, match="NaN"):
            values()


def test_the_mask_begins_at_its_threshold():
    mask, margin = softs.category(np.array([[0.25, 0.5, 0.75]], np.float32), 0.5)
    assert mask.tolist() == [[0, 1, 1]] and margin.tolist() == [[0.25, 0, 0.25]]
