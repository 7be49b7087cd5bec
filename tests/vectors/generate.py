"""Writes preprocess.json, the vectors that hold Python's, Kotlin's and Swift's pre-processing together.

python tests/vectors/generate.py

Small pictures as flat lists of integers, so that any language reads them with its JSON parser. Tensors of floats are
given as their IEEE-754 bits, because a decimal number would leave room for doubt.
"""

import json
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("preprocess.json")
sys.path.insert(0, str(FILE.parents[2] / "python"))

from goldmask.contract.image import orient, resize  # noqa: E402 - after the path that makes it importable
from goldmask.contract.input_tensor import to_tensor  # noqa: E402
from goldmask.contract.tensors import InputSpec  # noqa: E402

# (source width, height, target width, height): up, down, one axis only, to and from one pixel, uneven, identity.
SIZES = (
    (1, 1, 3, 2), (2, 2, 4, 4), (4, 4, 2, 2), (5, 3, 4, 7), (7, 5, 1, 1), (8, 8, 8, 8),
    (9, 2, 3, 2), (17, 23, 8, 8), (3, 11, 11, 3), (32, 1, 5, 1), (13, 13, 12, 14),
)  # fmt: skip


def picture(width: int, height: int, seed: int) -> np.ndarray:
    """uint8 [height, width, 3] noise with both extremes in it."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[0, 0], pixels[-1, -1] = 0, 255
    return pixels


def vectors() -> dict:
    """The whole file as a JSON value."""
    resizes = []
    for seed, (width, height, target_width, target_height) in enumerate(SIZES):
        source = picture(width, height, seed)
        resizes.append(
            {
                "width": width,
                "height": height,
                "target_width": target_width,
                "target_height": target_height,
                "source": source.ravel().tolist(),
                "resized": resize(source, target_height, target_width).ravel().tolist(),
            }
        )
    levels = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    tensors = []
    for dtype, mean, std, scale, zero_point in (
        ("float32", (127.5,), (127.5,), 0.0, 0),
        ("float32", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 0.0, 0),
        ("float32", (0.0,), (255.0,), 0.0, 0),
        ("uint8", (127.5,), (127.5,), 1 / 127.5, 128),
        ("int8", (127.5,), (127.5,), 1 / 127.5, 0),
        ("int8", (0.0,), (1.0,), 1.0, -128),
        ("int8", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375), 0.018658, -14),
    ):
        spec = InputSpec(height=256, width=1, dtype=dtype, mean=mean, std=std)
        tensor = to_tensor(levels, spec, scale, zero_point)
        values = tensor.view(np.uint32) if dtype == "float32" else tensor
        tensors.append(
            {
                "dtype": dtype,
                "mean": mean,
                "std": std,
                "scale_bits": int(np.float32(scale).view(np.uint32)),
                "zero_point": zero_point,
                "values": values.ravel().tolist(),
            }
        )
    source = picture(3, 2, 99)
    orientations = [{"orientation": value, "upright": orient(source, value).ravel().tolist()} for value in range(1, 9)]
    return {
        "schema": 1,
        "resize": resizes,
        "tensor": {"pixels": "256 gray pixels, 0 to 255, as RGB; float32 values as their bits", "cases": tensors},
        "orient": {"width": 3, "height": 2, "source": source.ravel().tolist(), "cases": orientations},
    }


def text() -> str:
    """The file's text: a line for each vector."""
    data = vectors()
    data["resize"] = [_Line(row) for row in data["resize"]]
    data["tensor"]["cases"] = [_Line(row) for row in data["tensor"]["cases"]]
    data["orient"]["cases"] = [_Line(row) for row in data["orient"]["cases"]]
    lines: list[str] = []

    def hold(row: "_Line") -> str:
        lines.append(json.dumps(row.value, separators=(",", ":")))
        return f"\0{len(lines) - 1}\0"

    whole = json.dumps(data, indent=1, default=hold)
    for index, line in enumerate(lines):
        whole = whole.replace(f'"\\u0000{index}\\u0000"', line)
    return whole + "\n"


class _Line:
    """A value that stays on one line."""

    def __init__(self, value: dict) -> None:
        self.value = value


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
