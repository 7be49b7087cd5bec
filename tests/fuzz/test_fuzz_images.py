"""Input images: PNG, JPEG, WebP and BMP that are damaged, mended, cut, or lie about their size."""

import numpy as np
import pytest
from containers import image_seeds, rearranged
from fuzzing import fuzz, read_or_refuse
from hypothesis import strategies as st
from mutations import changed

from goldmask.contract.image import decode

IMAGES = image_seeds()
REFUSED = {"cmyk.jpeg", "half.png", "tall.png"}


def read_image(data, folder):
    (folder / "image").write_bytes(data)
    pixels = decode(folder / "image")
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size


def of_kind(kind: str) -> st.SearchStrategy[bytes]:
    """Pieces rearranged where the format has pieces, or bytes changed."""
    seeds = tuple(data for name, data in IMAGES.items() if name.endswith(kind))
    if kind == "bmp":
        return changed(seeds)
    pieces = rearranged([(kind, data) for data in seeds])
    return st.one_of(pieces, pieces, changed(seeds))


test_png = fuzz(of_kind("png"))(read_image)
test_jpeg = fuzz(of_kind("jpeg"))(read_image)
test_webp = fuzz(of_kind("webp"))(read_image)
test_bmp = fuzz(of_kind("bmp"))(read_image)


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_that_is_cut_is_whole_or_refused(tmp_path, name):
    """No pixel is made up, wherever a download ended."""
    data, path = IMAGES[name], tmp_path / name
    path.write_bytes(data)
    if name in REFUSED:
        assert not read_or_refuse(lambda _, __: decode(path), None, tmp_path)
        return
    whole = decode(path)

    def same(size: int, _: object) -> None:
        path.write_bytes(data[:size])
        found = decode(path)
        assert found.shape == whole.shape and (found == whole).all(), f"{size} of {len(data)} bytes are another picture"

    # Of the tables and profiles in front of the pixels a few places are enough.
    sizes = {*range(0, len(data), 7), *range(max(0, len(data) - 40), len(data))}
    answered = sum(read_or_refuse(same, size, tmp_path) for size in sizes)
    assert answered < 16, answered  # an end marker, padding, or metadata after the pixels may be missing
