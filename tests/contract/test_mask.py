"""Mask and margin files, and the running top two against sorting."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from goldmask.contract import mask as masks
from goldmask.contract.errors import RunError


def saved(path, data: bytes):
    path.write_bytes(data)
    return path


def test_a_mask_survives_its_file_and_shows_colours(tmp_path):
    classes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = saved(tmp_path / "mask.png", masks.encode_mask(classes))
    assert (masks.read_mask(path) == classes).all()
    with Image.open(path) as image:
        assert image.mode == "P" and image.info == {}
        assert (np.asarray(image.convert("RGB")) == masks.colourise(classes)).all()


def test_the_palette_is_pascal_vocs():
    # Known entries of the devkit's colour map: background, aeroplane, person, tv, and the border of 255.
    known = {0: (0, 0, 0), 1: (128, 0, 0), 15: (192, 128, 128), 20: (0, 64, 128), 255: (224, 224, 192)}
    assert {index: tuple(masks.PALETTE[index].tolist()) for index in known} == known


@given(hnp.arrays(np.float32, (3, 5), elements=st.floats(0, 1e6, width=32)))
def test_a_margin_is_read_back_as_a_lower_bound_within_a_quarter(tmp_path_factory, margin):
    path = saved(tmp_path_factory.mktemp("margin") / "margin.png", masks.encode_margin(margin))
    read = masks.read_margin(path)
    large = margin >= 2.0**-24
    assert (read[large] <= margin[large]).all() and (margin[large] < read[large] * 1.25 + 1e-30).all()
    assert (read[margin == 0] == 0).all() and (read[margin > 0] > 0).all()


@pytest.mark.parametrize("steps", range(8))
def test_whole_steps_up_to_the_tie_limit_are_told_apart(tmp_path, steps):
    path = saved(tmp_path / "margin.png", masks.encode_margin(np.full((1, 1), steps, np.float32)))
    assert (masks.read_margin(path)[0, 0] <= 2) == (steps <= 2)


scores = hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=9)


@given(scores.flatmap(lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(-100, 100, width=32))))
def test_top_two_equals_sorting(values):
    winner, margin = masks.top_two_margin(values)
    ordered = np.sort(values, axis=-1)
    assert (winner == values.argmax(-1)).all()
    assert (margin == ordered[..., -1] - ordered[..., -2]).all()


@given(hnp.arrays(np.int8, (4, 4, 5)))
def test_top_two_of_quantised_scores_counts_steps(values):
    winner, margin = masks.top_two_margin(values)
    ordered = np.sort(values.astype(int), axis=-1)
    assert (winner == values.argmax(-1)).all() and (margin == ordered[..., -1] - ordered[..., -2]).all()


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_nan_scores_have_no_winner(plane):
    values = np.zeros((2, 2, 3), np.float32)
    values[1, 0, plane] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        masks.top_two_margin(values)


def picture(mode: str, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (4, 4)).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not a PNG"),
        (picture("RGB", "JPEG"), "is not a PNG"),
        (picture("RGB"), "not class indices"),
        (
            masks.encode_mask(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))[:1500],
            "cannot be decoded",
        ),
    ],
    ids=["empty", "jpeg", "rgb", "truncated"],
)
def test_what_is_no_mask_is_refused(tmp_path, content, why):
    with pytest.raises(RunError, match=why):
        masks.read_mask(saved(tmp_path / "mask.png", content))
