"""Decoding rules, orientation, and the fixed-point resize against a second, slow implementation."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pngs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps
from vectors import generate

from goldmask.contract.image import MAX_PIXELS, ImageError, decode, orient, resize
from goldmask.contract.png import CHANNELS


def slow_resize(pixels: list, height: int, width: int) -> list:
    """The resize of docs/images.md in plain integers, one pixel at a time, as Kotlin or Swift would write it."""

    def taps(target: int, size: int, out: int) -> tuple[int, int, int]:
        centre = min(max(((2 * target + 1) * size * 2048) // (2 * out) - 1024, 0), (size - 1) * 2048)
        return centre // 2048, min(centre // 2048 + 1, size - 1), centre % 2048

    source_height, source_width = len(pixels), len(pixels[0])
    if (source_height, source_width) == (height, width):
        return pixels
    rows = []
    for y in range(height):
        top, bottom, down = taps(y, source_height, height)
        row = []
        for x in range(width):
            left, right, along = taps(x, source_width, width)
            row.append(
                [
                    (
                        (pixels[top][left][c] * (2048 - along) + pixels[top][right][c] * along) * (2048 - down)
                        + (pixels[bottom][left][c] * (2048 - along) + pixels[bottom][right][c] * along) * down
                        + 2**21
                    )
                    >> 22
                    for c in range(3)
                ]
            )
        rows.append(row)
    return rows


sides = st.integers(1, 24)


@given(data=st.data(), height=sides, width=sides)
def test_resize_equals_the_slow_one(data, height, width):
    shape = (data.draw(sides), data.draw(sides), 3)
    pixels = data.draw(hnp.arrays(np.uint8, shape))
    assert resize(pixels, height, width).tolist() == slow_resize(pixels.tolist(), height, width)


@given(value=st.integers(0, 255), height=sides, width=sides, to_height=sides, to_width=sides)
def test_resize_keeps_a_flat_colour(value, height, width, to_height, to_width):
    assert (resize(np.full((height, width, 3), value, np.uint8), to_height, to_width) == value).all()


def test_resize_survives_the_largest_picture():
    for shape in ((2, 1 << 24, 3), (1 << 24, 2, 3)):
        assert (resize(np.full(shape, 255, np.uint8), 257, 257) == 255).all()


def test_resize_is_within_a_level_of_real_arithmetic():
    pixels = np.random.default_rng(0).integers(0, 256, (31, 47, 3), dtype=np.uint8)
    y = np.clip((np.arange(20) + 0.5) * 31 / 20 - 0.5, 0, 30)
    x = np.clip((np.arange(60) + 0.5) * 47 / 60 - 0.5, 0, 46)
    (y0, x0), (dy, dx) = (y.astype(int), x.astype(int)), (y % 1, x % 1)
    y1, x1 = np.minimum(y0 + 1, 30), np.minimum(x0 + 1, 46)
    dx, dy = dx[None, :, None], dy[:, None, None]
    top = pixels[y0][:, x0] * (1 - dx) + pixels[y0][:, x1] * dx
    bottom = pixels[y1][:, x0] * (1 - dx) + pixels[y1][:, x1] * dx
    exact = top * (1 - dy) + bottom * dy
    assert np.abs(resize(pixels, 20, 60) - exact).max() <= 1


def test_the_vector_file_is_what_the_code_says():
    assert generate.FILE.read_text("utf-8") == generate.text(), (
        "python tests/vectors/generate.py, then tell Kotlin and Swift"
    )


def test_the_vector_file_is_what_the_slow_resize_says():
    for row in json.loads(generate.FILE.read_text("utf-8"))["resize"]:
        source = np.array(row["source"]).reshape(row["height"], row["width"], 3).tolist()
        resized = slow_resize(source, row["target_height"], row["target_width"])
        assert np.array(resized).ravel().tolist() == row["resized"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_pillow_applies_it(tmp_path, orientation):
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    image.save(path, exif=exif)
    with Image.open(path) as opened:
        assert (decode(path) == np.asarray(ImageOps.exif_transpose(opened))).all()


def test_an_explicit_orientation_replaces_the_files(tmp_path):
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    exif = Image.Exif()
    exif[0x0112] = 3
    path = tmp_path / "turned.png"
    Image.fromarray(pixels).save(path, exif=exif)
    assert (decode(path, 1) == pixels).all()
    assert (decode(path, 6) == orient(pixels, 6)).all()
    assert not (decode(path) == pixels).all()


FORMATS_AND_MODES = [
    (suffix, mode)
    for suffix, modes in {
        "png": ("RGB", "L", "P", "RGBA", "LA", "1"),
        "bmp": ("RGB", "L", "P", "RGBA", "1"),
        "webp": ("RGB", "L", "P", "RGBA", "LA"),
        "jpg": ("RGB", "L"),
    }.items()
    for mode in modes
]


@pytest.mark.parametrize(("suffix", "mode"), FORMATS_AND_MODES)
def test_every_mode_decodes_to_rgb(tmp_path, suffix, mode):
    gray = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))
    image = Image.fromarray(gray).convert(mode)
    path = tmp_path / f"picture.{suffix}"
    image.save(path, **({"lossless": True} if suffix == "webp" else {}))
    pixels = decode(path)
    assert pixels.shape == (32, 32, 3) and pixels.dtype == np.uint8
    if mode != "1":
        assert np.abs(pixels.astype(int) - gray[..., None]).max() <= (6 if suffix == "jpg" else 0)


def test_alpha_is_dropped_not_blended(tmp_path):
    image = Image.new("RGBA", (1, 1), (200, 100, 50, 0))
    image.save(tmp_path / "clear.png")
    assert decode(tmp_path / "clear.png").tolist() == [[[200, 100, 50]]]


def test_palette_transparency_is_dropped(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([200, 100, 50, 1, 2, 3])
    image.save(tmp_path / "clear.png", transparency=b"\x00\x80")
    assert decode(tmp_path / "clear.png")[0, 0].tolist() == [200, 100, 50]


def test_sixteen_bit_gray_keeps_its_high_byte(tmp_path):
    Image.fromarray(np.array([[0x12FF, 0xFF00]], np.uint16)).save(tmp_path / "deep.png")
    assert decode(tmp_path / "deep.png").tolist() == [[[0x12] * 3, [0xFF] * 3]]


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size, and has one pixel."""
    return pngs.png(np.zeros((1, 1, 3), np.uint8), colour=2, claims=(width, height))


def jpeg(mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (64, 64)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"GIF89a" + bytes(100), "not a JPEG, PNG, BMP or WebP"),
        (b"<html></html>", "not a JPEG, PNG, BMP or WebP"),
        (jpeg()[:300], "is damaged: it ends"),
        (jpeg("CMYK"), "CMYK"),
        (png(30000, 30000), "pixels"),
        (png(9000, 9000), f"limit is {MAX_PIXELS:,}"),
        (png(1, 65_536), "65,535 a side"),
        (png(4, 4), "rows are missing"),
    ],
    ids=["empty", "gif", "html", "truncated", "cmyk", "bomb", "large", "tall", "no pixels"],
)
def test_bad_images_are_one_sentence(tmp_path: Path, content: bytes, why: str):
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=why) as caught:
        decode(path)
    assert "\n" not in caught.value.what


@pytest.mark.parametrize("colour", CHANNELS)
@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_without_all_its_rows_is_damaged(colour, interlaced):
    """Pillow paints them black."""
    samples = np.ones((9, 7, CHANNELS[colour]), np.uint8)
    assert decode("photo.png", data=pngs.png(samples, colour=colour, interlaced=interlaced)).shape == (9, 7, 3)
    whole = len(pngs.packed(samples, 8, interlaced))
    for kept in (whole // 9, whole // 2, whole - 1):
        with pytest.raises(ImageError, match="photo.png is damaged: rows are missing"):
            decode("photo.png", data=pngs.png(samples, colour=colour, interlaced=interlaced, pixel_bytes=kept))


def test_a_png_with_a_wrong_checksum_is_damaged():
    samples = np.ones((9, 7), np.uint8)
    with pytest.raises(ImageError, match="the checksum of its chunk IDAT is wrong"):
        decode("photo.png", data=pngs.png(samples, spoilt=b"IDAT"))


def half(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(2).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(
        stream, kind, **options
    )
    return stream.getvalue()[: stream.tell() // 2]


@pytest.mark.parametrize(
    "data", [half("WEBP"), half("WEBP", lossless=True), half("BMP")], ids=["lossy", "lossless", "bmp"]
)
def test_half_a_webp_or_bmp_is_damaged(data):
    with pytest.raises(ImageError, match="photo is damaged"):
        decode("photo", data=data)


def test_an_image_is_a_file_within_bounds(tmp_path):
    with (tmp_path / "sparse.png").open("wb") as stream:
        stream.truncate(8 << 30)
    os.mkfifo(tmp_path / "pipe.png")
    for name, why in (("sparse.png", "it has 8,589,934,592 bytes"), ("pipe.png", "it is a named pipe")):
        with pytest.raises(ImageError, match=why):
            decode(tmp_path / name)
