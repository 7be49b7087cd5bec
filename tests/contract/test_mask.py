"""Mask and margin files, and the running top two against sorting."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pngs import packed, png

from goldmask.contract import mask as masks
from goldmask.contract.errors import RunError
from goldmask.contract.png import GRAY, HEADER, PALETTE, SIGNATURE, chunk

MASK = Path("mask.png")


def saved(path, data: bytes):
    path.write_bytes(data)
    return path


def test_a_mask_survives_its_file_and_shows_colours(tmp_path):
    classes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = saved(tmp_path / "mask.png", masks.encode_mask(classes))
    assert (masks.read_mask(path) == classes).all()
    with Image.open(path) as image:
        assert image.mode == "P" and image.info == {}
        assert (np.asarray(image.convert("RGB")) == masks.PALETTE[classes]).all()


def test_the_palette_is_pascal_vocs():
    # Known entries of the devkit's colour map: background, aeroplane, person, tv, and the border of 255.
    known = {0: (0, 0, 0), 1: (128, 0, 0), 15: (192, 128, 128), 20: (0, 64, 128), 255: (224, 224, 192)}
    assert {index: tuple(masks.PALETTE[index].tolist()) for index in known} == known


@given(hnp.arrays(np.float32, (3, 5), elements=st.floats(0, 1e6, width=32)))
def test_a_margin_is_read_back_as_a_lower_bound_within_a_quarter(margin):
    read = masks.decode_margin(masks.encode_margin(margin), MASK)
    large = margin >= 2.0**-24
    assert (read[large] <= margin[large]).all() and (margin[large] < read[large] * 1.25 + 1e-30).all()
    assert (read[margin == 0] == 0).all() and (read[margin > 0] > 0).all()


@pytest.mark.parametrize("steps", range(8))
def test_whole_steps_up_to_the_tie_limit_are_told_apart(steps):
    data = masks.encode_margin(np.full((1, 1), steps, np.float32))
    assert (masks.decode_margin(data, MASK)[0, 0] <= 2) == (steps <= 2)


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


CODES = np.arange(17 * 13, dtype=np.uint8).reshape(13, 17)
KINDS = [
    (depth, colour, interlaced) for depth in (1, 2, 4, 8) for colour in (GRAY, PALETTE) for interlaced in (False, True)
]


@pytest.mark.parametrize(("depth", "colour", "interlaced"), KINDS)
def test_classes_are_the_samples_as_they_are_stored(depth, colour, interlaced):
    stored = (CODES.astype(int) % (1 << depth)).astype(np.uint8)
    see_through = ((b"tRNS", b"\0\1"),)
    data = png(stored, depth, colour, interlaced=interlaced, before=see_through if colour == GRAY else ())
    assert (masks.decode_mask(data, MASK) == stored).all()
    assert (masks.decode_mask(data + b"whatever follows", MASK) == stored).all()


@pytest.mark.parametrize("mode", ["P", "L"])
def test_filtered_rows_are_undone(mode):
    """Their twin above: rows without a filter are not given to Pillow at all."""
    stored = np.add.outer(np.arange(40), np.arange(30)).astype(np.uint8)
    for filtered in range(5):
        line = {0: stored, 1: np.diff(stored, axis=1, prepend=0), 2: np.diff(stored, axis=0, prepend=0)}.get(filtered)
        if line is None:
            stream = io.BytesIO()
            Image.fromarray(stored).convert(mode).save(stream, "PNG")  # with whatever filters Pillow likes
            data = stream.getvalue()
        else:
            rows = np.concatenate([np.full((40, 1), filtered), line], axis=1).astype(np.uint8).tobytes()
            data = png(stored, pixel_bytes=0, more=rows)
        assert (masks.decode_mask(data, MASK) == stored).all()


@pytest.mark.parametrize(("depth", "colour", "interlaced"), KINDS)
def test_missing_rows_are_damage_and_not_class_0(depth, colour, interlaced):
    ones = np.ones((13, 17), np.uint8)
    whole = len(packed(ones, depth, interlaced))
    for kept in {0, 1, whole // 13, whole // 2, whole - 1}:
        data = png(ones, depth, colour, interlaced=interlaced, pixel_bytes=kept)
        with pytest.raises(RunError, match=rf"mask\.png is damaged: rows are missing, it has {kept} of {whole} bytes"):
            masks.decode_mask(data, MASK)


ONES = np.ones((8, 8), np.uint8)
WHOLE = png(ONES)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is not a PNG"),
        (b"\xff\xd8\xff\xe0 a JPEG", "is not a PNG"),
        (WHOLE[:20], "damaged: it ends within a chunk"),
        (WHOLE[:33], "damaged: it ends before its last chunk"),
        (WHOLE[:50], "damaged: it ends within a chunk"),
        (png(ONES, end=False), "damaged: it ends before its last chunk"),
        (png(ONES, spoilt=b"IHDR"), "damaged: the checksum of its chunk IHDR is wrong"),
        (png(ONES, spoilt=b"IDAT"), "damaged: the checksum of its chunk IDAT is wrong"),
        (png(ONES, more=b"\0" * 9), "damaged: its compressed data goes on after the last row"),
        (png(ONES, before=((b"IHDR", HEADER.pack(9, 9, 8, 0, 0, 0, 0)),)), "damaged: it has two headers"),
        (png(ONES, before=((b"aaaa", b""),) * 70_000), "damaged: it has more than 65,536 chunks"),
        (png(ONES, claims=(0, 8)), "damaged: its header says what no PNG can be"),
        (WHOLE.replace(zlib.compress(packed(ONES), 9), b"no stream"), "damaged"),
        (png(ONES, claims=(1 << 16, 1 << 16)), "claims 65536×65536 pixels"),
        (png(ONES, claims=(1, (1 << 20) + 1)), "claims 1×1048577 pixels"),
        (png(np.ones((8, 8, 3)), colour=2), "is a 8-bit RGB picture, not class indices"),
        (png(np.ones((8, 8, 2)), colour=4), "is a 8-bit gray and alpha picture, not class indices"),
    ],
)
def test_what_is_no_mask_is_refused(data, why):
    with pytest.raises(RunError, match=why):
        masks.decode_mask(data, MASK)


@pytest.mark.parametrize("cut", [1, 4])
def test_a_stream_without_its_checksum_is_refused(cut):
    stream = zlib.compress(packed(ONES))[:-cut]
    data = SIGNATURE + b"".join(
        chunk(kind, body)
        for kind, body in ((b"IHDR", HEADER.pack(8, 8, 8, 0, 0, 0, 0)), (b"IDAT", stream), (b"IEND", b""))
    )
    with pytest.raises(RunError, match="its compressed data has no end"):
        masks.decode_mask(data, MASK)


def test_a_palette_is_no_margin_map():
    with pytest.raises(RunError, match="not the codes of a margin map"):
        masks.decode_margin(png(ONES, colour=PALETTE), MASK)


def test_a_size_is_read_without_decoding():
    """A million rows in two kilobytes: they are not even there."""
    data = png(ONES, claims=(1, 1_000_000))
    assert masks.mask_size(data, MASK) == (1, 1_000_000)
    with pytest.raises(RunError, match="rows are missing, it has 72 of 2,000,000 bytes"):
        masks.decode_mask(data, MASK)


def test_more_than_a_piece_is_inflated_piece_by_piece(monkeypatch):
    monkeypatch.setattr("goldmask.contract.png.PIECE_BYTES", 7)
    assert (masks.decode_mask(png(CODES), MASK) == CODES).all()


@pytest.mark.parametrize("height", [1, 3])
def test_a_mask_of_16_bits_survives_as_a_grayscale_png(tmp_path, height):
    mask = np.arange(0, 65536, 5461, np.uint16).reshape(1, -1).repeat(height, axis=0)
    data = masks.encode_mask(mask)
    (tmp_path / "m.png").write_bytes(data)
    assert np.array_equal(masks.read_mask(tmp_path / "m.png"), mask)
    assert masks.read_mask(tmp_path / "m.png").dtype == np.uint16
    with Image.open(tmp_path / "m.png") as image:
        assert image.mode == "I;16" and image.size == mask.shape[::-1]


def test_the_filtered_rows_of_a_16_bit_mask_are_pillows():
    mask = np.random.default_rng(4).integers(0, 65536, (7, 9)).astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "PNG")
    assert np.array_equal(masks.decode_mask(stream.getvalue(), Path("m.png")), mask)
