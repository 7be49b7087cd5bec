"""Every image of the grid against the pixels that are known to be right, and what must not count against what does."""

import base64
import io
import json
from pathlib import Path

import image_grid
import numpy as np
import pytest
from PIL import Image
from vectors import generate_images

from goldmask.contract.image import ImageError, decode, orient
from goldmask.contract.jpeg import strip

pytestmark = pytest.mark.filterwarnings("error")


def pixels_of(data: bytes):
    """What `decode` makes of a file's bytes."""
    return decode(Path("it"), data=data)


def test_every_kind_with_each_orientation_and_profile():
    """What is lossless has known pixels; of what is lossy, orientation and profile change nothing but the turning."""
    kinds, lossy = set(), {}
    for name, data, right in image_grid.grid():
        kinds.add(name.split("-")[0].rstrip("0123456789"))
        pixels = pixels_of(data)
        if right is None:
            kind, _, variant = name.rpartition("-")
            orientation = int(variant[0])
            plain = lossy.setdefault(kind, pixels)
            right = orient(plain, orientation)
            near = image_grid.RGB if "gray" not in kind else image_grid.RGB[..., :1]
            assert np.abs(plain.astype(int) - near).mean() < 12, name
        assert np.array_equal(pixels, right), name
    assert kinds == {"png", "jpeg", "webp", "bmp"}


def test_a_wrong_pixel_or_turn_would_be_seen():
    """The twin: the grid's own pixels differ where a byte, an orientation or a channel does."""
    files = {name: (data, right) for name, data, right in image_grid.grid() if right is not None}
    data, right = files["png2-8-6"]
    assert not np.array_equal(pixels_of(data), orient(right, 2))
    assert not np.array_equal(pixels_of(data), right[..., ::-1])
    assert not np.array_equal(pixels_of(files["png2-8-5"][0]), right)
    rounded = np.round(image_grid.DEEP[..., :3] / 257)
    assert not np.array_equal(pixels_of(files["png2-16-0"][0]), rounded)


def test_metadata_that_counts_and_metadata_that_does_not():
    plain = {name: pixels_of(write(b"", b"", b"")) for name, write in image_grid.writers().items()}
    for name, data, orientation in image_grid.metadata():
        assert np.array_equal(pixels_of(data), orient(plain[name.split("-")[0]], orientation)), name


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in image_grid.refused()])
def test_what_is_refused(data):
    with pytest.raises(ImageError) as caught:
        pixels_of(data)
    assert caught.value.what.startswith("it is ") and "\n" not in caught.value.what and caught.value.fix


def test_a_gray_corner_is_not_a_missing_row():
    """Whole JPEGs that end in what decoders paint where data is missing: their data is longer than they need."""
    for name, data in image_grid.ends_in_gray():
        assert pixels_of(data)[-1, -1].tolist() == [128, 128, 128], name
        with pytest.raises(ImageError, match="rows are missing"):
            pixels_of(data[: data.index(b"\xff\xda") + 14] + b"\xff\xd9")


def test_the_vectors_are_what_the_code_says():
    files = json.loads(generate_images.FILE.read_text("utf-8"))["files"]
    assert len(files) > 150
    for file in files:
        data = base64.b64decode(file["file"])
        assert {"name": file["name"], "file": file["file"], **generate_images.outcome(data)} == file


def test_pillow_is_given_no_metadata():
    for name, write in image_grid.writers().items():
        bare = write(b"", b"", b"")
        full = write(image_grid.exif(1), image_grid.xmp(6), image_grid.by_table())
        if name == "jpeg":
            assert strip(full).data == strip(bare).data
            assert b"Exif" not in strip(full).data and b"xap" not in strip(full).data


def test_pillow_would_have_warned():
    """The twin of this file's filter: the same bytes, opened by Pillow itself."""
    data = dict(image_grid.refused())["png-warned"]
    with pytest.raises(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(data))
