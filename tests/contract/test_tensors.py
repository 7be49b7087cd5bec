"""Every kind of image tensor and of output: vectors that other platforms read too, held against a slow twin."""

import json
import math
import struct

import numpy as np
import pytest
from vectors import generate_tensors

from goldmask.contract.input_tensor import to_tensor
from goldmask.contract.output_mask import mask_from_output
from goldmask.contract.tensors import InputSpec, OutputSpec

FORMATS = {"float32": "f", "float16": "e", "uint8": "B", "int8": "b", "int16": "h", "int32": "i"}
RANGES = {"uint8": (0, 255), "int8": (-128, 127), "int16": (-32768, 32767), "int32": (-(2**31), 2147483520)}


def spec(**given: object) -> InputSpec:
    return InputSpec(**{"height": 1, "width": 1, "dtype": "float32", "mean": (0.0,), "std": (1.0,)} | given)


def test_the_vector_file_is_what_the_code_says():
    assert generate_tensors.FILE.read_text("utf-8") == generate_tensors.text(), (
        "python tests/vectors/generate_tensors.py, then tell Kotlin and Swift"
    )


def slow_element(given: dict, value: float, scale: float, zero_point: int) -> bytes:
    """One element of a tensor, in Python's own numbers, each step rounded to float32 as on every platform."""
    single = np.float32
    if given["dtype"] == "float16":
        try:
            return struct.pack("<e", value)
        except OverflowError:
            return struct.pack("<H", 0x7C00 if value > 0 else 0xFC00)
    if given["dtype"] == "float32":
        return struct.pack("<f", value)
    level = float(single(value) / single(scale)) if scale else value
    rounded = math.copysign(math.floor(float(single(abs(level)) + single(0.5))), level)
    lowest, highest = RANGES[given["dtype"]]
    step = int(min(max(float(single(rounded) + single(zero_point)), lowest), highest))
    return struct.pack(f"<{FORMATS[given['dtype']]}", step)


def slow_tensor(given: dict, pixels: list, scale: float, zero_point: int) -> bytes:
    takes_pixels = given["dtype"] == "uint8" and given.get("steps", "pixels") == "pixels"

    def element(pixel: int, channel: int) -> bytes:
        if takes_pixels:
            return bytes([pixel])
        mean, std = (np.float32(given[key][channel % len(given[key])]) for key in ("mean", "std"))
        return slow_element(given, float((np.float32(pixel) - mean) / std), scale, zero_point)

    planes = []
    for red, green, blue in pixels:
        channels = [red, green, blue]
        if given.get("channels") == "bgr":
            channels = [blue, green, red]
        if given.get("channels") == "gray":
            channels = [(19595 * red + 38470 * green + 7471 * blue + 32768) // 65536]
        row = [element(pixel, channel) for channel, pixel in enumerate(channels)]
        if given.get("fourth") == "alpha":
            row.append(element(255, len(channels)))
        elif given.get("fourth"):
            row.append(slow_element(given, 0.0, scale, zero_point))
        planes.append(row)
    if given.get("layout") == "nchw":
        planes = list(zip(*planes, strict=True))
    return b"".join(value for row in planes for value in row)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_the_vector_file_is_what_a_slow_program_says():
    data = json.loads(generate_tensors.FILE.read_text("utf-8"))
    pixels = [data["pixels"][at : at + 3] for at in range(0, len(data["pixels"]), 3)]
    assert len(data["inputs"]) == len(generate_tensors.INPUTS)
    for row in data["inputs"]:
        scale = struct.unpack("<f", struct.pack("<I", row["scale_bits"]))[0]
        assert slow_tensor(row, pixels, scale, row["zero_point"]).hex() == row["bytes"], row


def test_int8_rounds_half_away_and_clamps():
    pixels = np.array([[[0, 127, 255]]], np.uint8)
    assert to_tensor(pixels, spec(dtype="int8", mean=(127.0,)), 2.0, 0).tolist() == [[[[-64, 0, 64]]]]
    assert to_tensor(pixels, spec(dtype="int8"), 1.0, 0).tolist() == [[[[0, 127, 127]]]]


def test_a_float_tensor_has_a_mean_for_each_channel_in_the_tensors_order():
    pixels, std = np.array([[[10, 20, 30]]], np.uint8), (1.0, 2.0, 4.0)
    assert to_tensor(pixels, spec(mean=(10.0, 10.0, 10.0), std=std)).tolist() == [[[[0.0, 5.0, 5.0]]]]
    blue_first = spec(mean=(10.0, 10.0, 10.0), std=std, channels="bgr")
    assert to_tensor(pixels, blue_first).tolist() == [[[[20.0, 5.0, 0.0]]]]


def test_layouts_and_orders_are_told_apart():
    """The twins: what the app would get that reads a declaration the other way."""
    pixels = generate_tensors.image()
    plain = to_tensor(pixels, spec(**generate_tensors.IMAGENET))
    for other in ({"layout": "nchw"}, {"channels": "bgr"}):
        assert to_tensor(pixels, spec(**generate_tensors.IMAGENET, **other)).tobytes() != plain.tobytes()


def test_gray_pixels_stay_what_they_are():
    gray = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    assert to_tensor(gray, spec(channels="gray")).ravel().tolist() == list(range(256))


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_the_lowest_index_of_equal_scores_wins_in_either_layout(layout):
    scores = np.array([[[[1, 1, 0], [0, 2, 2]]]], np.float32)
    tensor = scores if layout == "nhwc" else np.moveaxis(scores, -1, 1).copy()
    mask, margin = mask_from_output(tensor, OutputSpec(index=0, kind="logits", layout=layout))
    assert (mask.tolist(), margin.tolist()) == ([[0, 1]], [[0.0, 0.0]])


def test_scores_read_in_the_other_layout_are_another_mask():
    scores = np.random.default_rng(3).random((1, 4, 4, 4), np.float32)
    masks = [
        mask_from_output(scores, OutputSpec(index=0, kind="logits", layout=layout))[0] for layout in ("nhwc", "nchw")
    ]
    assert (masks[0] != masks[1]).any()


def test_a_map_of_more_classes_than_a_byte_holds_is_of_16_bits():
    numbers = np.array([[[0, 300, 65535]]], np.int32)
    wide = OutputSpec(index=0, kind="classes", classes=1 << 16)
    mask, margin = mask_from_output(numbers, wide)
    assert (mask.dtype, mask.tolist(), margin) == (np.uint16, [[0, 300, 65535]], None)
    with pytest.raises(ValueError, match="values 0 to 65535; masks hold 0 to 255"):
        mask_from_output(numbers, OutputSpec(index=0, kind="classes", classes=256))


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([0, 0.25], "a value 0.25; class numbers are whole"),
        ([0, math.nan], "nan"),
        ([0, math.inf], "inf"),
        ([-1], "-1"),
    ],
)
def test_fractions_and_worse_are_no_classes(values, why):
    with pytest.raises(ValueError, match=why):
        mask_from_output(np.array([values], np.float32), OutputSpec(index=0, kind="classes"))
