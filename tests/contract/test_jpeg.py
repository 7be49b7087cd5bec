"""JPEGs whose end marker comes too early, and whole ones of every sort that must not be taken for them."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from goldmask.contract.image import ImageError, decode
from goldmask.contract.jpeg import has_all_blocks

NOISY = np.random.default_rng(5).integers(0, 255, (75, 109, 3), dtype=np.uint8)
FLAT = np.full((75, 109, 3), 128, np.uint8)
END = b"\xff\xd9"
SORTS = {
    "4:2:0": {},
    "4:4:4": {"subsampling": 0},
    "gray": {"mode": "L"},
    "restarts": {"restart_marker_blocks": 3},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True, "quality": 30},
}


def jpeg(pixels: np.ndarray = NOISY, mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("pixels", [NOISY, FLAT], ids=["noisy", "flat"])
@pytest.mark.parametrize("sort", SORTS)
def test_a_whole_one_has_all_blocks(pixels, sort):
    data = jpeg(pixels, **SORTS[sort])
    assert has_all_blocks(data)
    assert has_all_blocks(data + b"a video follows" + END)
    assert decode("photo.jpg", data=data).shape == (75, 109, 3)


@pytest.mark.parametrize("sort", [name for name in SORTS if name != "progressive"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_one_that_ends_early_has_not(sort, kept):
    data = jpeg(**SORTS[sort])
    scan = data.index(b"\xff\xda")
    short = data[: scan + 20 + int((len(data) - scan - 22) * kept)].rstrip(b"\xff") + END
    assert not has_all_blocks(short)
    with pytest.raises(ImageError, match="photo.jpg is damaged: rows are missing"):
        decode("photo.jpg", data=short)


def test_the_first_scan_of_a_progressive_one_has_all_rows():
    """Without the later scans it is coarse, which is what the file says; without half the first, rows are missing."""
    data = jpeg(progressive=True)
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xda", first + 2)
    tables = data.rindex(b"\xff\xc4", 0, second)
    assert has_all_blocks(data[: min(tables, second)] + END)
    assert not has_all_blocks(data[: (first + min(tables, second)) // 2] + END)


def test_a_height_that_the_blocks_do_not_fill(tmp_path):
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 2] = struct.pack(">H", 75 * 3)
    assert not has_all_blocks(bytes(data))


def test_a_thumbnail_has_an_end_marker_of_its_own():
    thumbnail = jpeg(FLAT)
    assert END in thumbnail
    data = jpeg(exif=b"Exif\0\0" + thumbnail)
    assert has_all_blocks(data)
    assert not has_all_blocks(data[: (data.rindex(b"\xff\xda") + len(data)) // 2] + END)


def test_what_has_no_end_is_damaged():
    for cut in (2, 200):
        with pytest.raises(ImageError, match="photo.jpg is damaged: it ends before its end marker"):
            decode("photo.jpg", data=jpeg()[:-cut])


def test_a_scan_over_and_over_is_refused_before_it_is_decoded():
    data = jpeg(progressive=True)
    last = data.rindex(b"\xff\xda")
    assert has_all_blocks(data[:-2] + data[last:-2] * 50 + END)
    with pytest.raises(ImageError, match="it has more than 100 scans"):
        decode("photo.jpg", data=data[:-2] + data[last:-2] * 100 + END)
