"""The kernels by which apps scale: Android's in every bit, and for each what is not it."""

import hashlib
import sys

import numpy as np
import pytest
from PIL import Image

from goldmask.contract.errors import EnvironmentMissing
from goldmask.verdict.kernels import OwnScaling, scale

OURS = ("fixed", "platform bilinear", "pillow box", "pillow bilinear", "pillow bicubic", "pillow lanczos")
OPENCV = ("opencv linear", "opencv area", "opencv cubic")


def noise(width: int, height: int) -> np.ndarray:
    """Pixels that look random and are the same with every NumPy."""
    index = np.arange(3 * width * height, dtype=np.uint64)
    return ((index * 2654435761 >> 13) & 255).astype(np.uint8).reshape(height, width, 3)


def picture(width: int = 160, height: int = 120) -> np.ndarray:
    """Smooth, with one edge: where a wrong kernel is hardest to see."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], axis=-1)
    pixels[(x - 50) ** 2 + (y - 60) ** 2 < 900] = (220, 40, 90)
    return pixels.astype(np.uint8)


def distance(actual: np.ndarray, expected: np.ndarray, kernel: str) -> OwnScaling:
    levels = np.abs(actual.astype(np.float32) - expected)
    return OwnScaling(kernel=kernel, levels_max=levels.max(), levels_mean=levels.mean(), flips=0)


@pytest.mark.parametrize(
    ("width", "height", "sha256"),
    [
        # recorded: Bitmap.createScaledBitmap(noise, 129, 129, true) of Android 14 by Robolectric 4.16
        (512, 512, "b3ec735b17ccf1edd0f5605fecb80836a45fb4417aa9ff448667c2d60e8d5162"),
        (257, 257, "7440c814fb39fcbe404d324f274439a028d487487ed66add1ba37152b619b888"),
        (640, 480, "7bfdedb282e72382ad179f9a8ea0780146801759f8c697257f3511e26e46baf8"),
        (480, 640, "66085e29013c94bff9e48d7e00ad3578e37cb865ba07fcd9cf9f663c43100959"),
        (100, 80, "a042ac8f88dd8c6536efec7661f06a2ed065c2b630e29b444366cdc5d7769bf5"),
        (1000, 7, "0f2fdbb4fbd66b0cb4cdfefaa27b9cedd469283d5d7e8bbd0de21ad87bdfb347"),
        (131, 129, "07fee2cca8ffd8d16c14e12ffdf74d877b024268f64c9f16f42bcd7e153ee155"),
        (3, 400, "761a793cd3a5933ed07d489268faea046bb056df07c129185b58e14441faf389"),
    ],
)
def test_androids_own_scaling_in_every_bit(width, height, sha256):
    assert hashlib.sha256(scale(noise(width, height), 129, 129, "platform bilinear").tobytes()).hexdigest() == sha256


@pytest.mark.parametrize("kernel", [*OURS, *OPENCV])
def test_each_kernel_makes_the_size_that_was_asked_for_and_is_within_its_own_limits(kernel):
    scaled = scale(picture(), 33, 65, kernel)
    assert scaled.shape == (33, 65, 3) and scaled.dtype == np.uint8
    assert distance(scaled, scale(picture(), 33, 65, kernel), kernel).is_within


@pytest.mark.parametrize("kernel", [*OURS, *OPENCV])
@pytest.mark.parametrize("bug", ["nearest", "crop", "flip", "bgr", "letterbox", "half a pixel"])
def test_what_no_kernel_does_is_out_of_its_limits(kernel, bug):
    source = picture()
    small = Image.fromarray(source)
    wrong = {
        "nearest": lambda: np.asarray(small.resize((65, 33), Image.Resampling.NEAREST)),
        "crop": lambda: scale(source[2:-2, 2:-2], 33, 65, kernel),
        "flip": lambda: scale(source, 33, 65, kernel)[:, ::-1],
        "bgr": lambda: scale(source, 33, 65, kernel)[..., ::-1],
        "letterbox": lambda: np.pad(scale(source, 33, 45, kernel), ((0, 0), (10, 10), (0, 0))),
        "half a pixel": lambda: scale(np.roll(source, 1, axis=1), 33, 65, kernel),
    }[bug]()
    assert not distance(wrong, scale(source, 33, 65, kernel), kernel).is_within


@pytest.mark.parametrize(
    ("levels_max", "levels_mean", "is_within"),
    [(2, 0.25, True), (3, 0.01, False), (2, 0.26, False)],
)
def test_the_limits(levels_max, levels_mean, is_within):
    own = OwnScaling(kernel="opencv area", levels_max=levels_max, levels_mean=levels_mean, flips=3)
    assert own.is_within == is_within


def test_without_opencv_its_kernels_are_an_error_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(EnvironmentMissing, match="'opencv area' needs OpenCV") as caught:
        scale(picture(), 33, 65, "opencv area")
    assert caught.value.fix == "uv pip install 'goldmask[opencv]'"
