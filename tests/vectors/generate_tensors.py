"""Writes tensors.json, the vectors that hold Python's, Kotlin's and Swift's image tensors and masks together.

python tests/vectors/generate_tensors.py

Tensors are given by their bytes in hexadecimal, little-endian, as they lie in memory; masks as lists of class numbers.
A vector with an `error` is an output that makes no mask, and the error is a word of the sentence that says why.
"""

import json
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("tensors.json")
sys.path.insert(0, str(FILE.parents[2] / "python"))

from goldmask.contract.input_tensor import to_tensor  # noqa: E402 - after the path that makes it importable
from goldmask.contract.output_mask import mask_from_output  # noqa: E402
from goldmask.contract.tensors import InputSpec, OutputSpec  # noqa: E402

HEIGHT, WIDTH = 5, 7
IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
ONE_TO_ONE = {"mean": (127.5,), "std": (127.5,)}
ZERO_TO_ONE = {"mean": (0.0,), "std": (255.0,)}
AS_THEY_ARE = {"mean": (0.0,), "std": (1.0,)}
FOUR = {"mean": (123.675, 116.28, 103.53, 0.0), "std": (58.395, 57.12, 57.375, 255.0)}

# What differs from an image of RGB, channels last; scale and zero point.
INPUTS = (
    ({"dtype": "float32", "layout": "nchw", **IMAGENET}, 0, 0),
    ({"dtype": "float32", "channels": "bgr", **IMAGENET}, 0, 0),
    ({"dtype": "float32", "channels": "bgr", "layout": "nchw", **IMAGENET}, 0, 0),
    ({"dtype": "float32", "channels": "gray", **ONE_TO_ONE}, 0, 0),
    ({"dtype": "float32", "channels": "gray", "layout": "nchw", **ZERO_TO_ONE}, 0, 0),
    ({"dtype": "float32", "fourth": "zero", **ONE_TO_ONE}, 0, 0),
    ({"dtype": "float32", "fourth": "alpha", **FOUR}, 0, 0),
    ({"dtype": "float32", "fourth": "previous mask", "layout": "nchw", **ONE_TO_ONE}, 0, 0),
    ({"dtype": "float32", "channels": "gray", "fourth": "alpha", **ONE_TO_ONE}, 0, 0),
    ({"dtype": "float16", **IMAGENET}, 0, 0),
    ({"dtype": "float16", "layout": "nchw", "fourth": "alpha", **AS_THEY_ARE}, 0, 0),
    ({"dtype": "float16", "mean": (0.0,), "std": (1.0e6,)}, 0, 0),
    ({"dtype": "float16", "mean": (0.0,), "std": (0.003,)}, 0, 0),
    ({"dtype": "int16", **ONE_TO_ONE}, 1 / 32767, 0),
    ({"dtype": "int16", "channels": "bgr", "fourth": "zero", **IMAGENET}, 0.0001, 0),
    ({"dtype": "int16", **AS_THEY_ARE}, 0, 0),
    ({"dtype": "int32", **AS_THEY_ARE}, 0, 0),
    ({"dtype": "int32", "mean": (127.5,), "std": (1e-9,)}, 0, 0),
    ({"dtype": "uint8", "channels": "bgr", **ONE_TO_ONE}, 1 / 127.5, 128),
    ({"dtype": "uint8", "layout": "nchw", "fourth": "alpha", **ONE_TO_ONE}, 1 / 127.5, 128),
    ({"dtype": "uint8", "fourth": "previous mask", **ONE_TO_ONE}, 1 / 127.5, 128),
    ({"dtype": "uint8", "steps": "normalised", **ZERO_TO_ONE}, 0.00294117, 0),
    ({"dtype": "uint8", "steps": "normalised", "fourth": "zero", **IMAGENET}, 0.0186, 114),
    ({"dtype": "int8", "channels": "bgr", "layout": "nchw", **IMAGENET}, 0.018658, -14),
    ({"dtype": "int8", "channels": "gray", **ZERO_TO_ONE}, 1 / 255, -128),
)


def image() -> np.ndarray:
    """uint8 [HEIGHT, WIDTH, 3] noise with both extremes in it."""
    pixels = np.random.default_rng(19).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[0, 0], pixels[-1, -1] = 0, 255
    return pixels


def scores(classes: int, dtype: str, seed: int) -> np.ndarray:
    """[2, 3, classes], with ties in it."""
    values = np.random.default_rng(seed).integers(-9, 9, (2, 3, classes))
    return (values + (9 if dtype == "uint8" else 0)).astype(dtype)


def outputs() -> list[tuple[dict, np.ndarray]]:
    """(what request.json says, tensor) of each output."""
    sized = {"height": 2, "width": 3}
    found: list[tuple[dict, np.ndarray]] = []
    for seed, dtype in enumerate(("float32", "float16", "uint8", "int8", "int16")):
        last = scores(4, dtype, seed)
        first = np.ascontiguousarray(np.moveaxis(last, -1, 0))
        found += [
            ({"kind": "logits"}, last[None]),
            ({"kind": "logits", "layout": "nchw"}, first[None]),
            ({"kind": "logits", **sized, "classes": 4}, last.reshape(1, 6, 4)),
            ({"kind": "logits", **sized, "classes": 4, "layout": "nchw"}, first.reshape(4, 6)),
        ]
    numbers = np.array([[0, 1, 2], [3, 200, 255]])
    for dtype in ("uint8", "int16", "int32", "int64", "float32"):
        map_ = numbers.astype(dtype)
        found += [
            ({"kind": "classes"}, map_[None]),
            ({"kind": "classes", **sized, "classes": 256, "ignore": 255}, map_),
            ({"kind": "classes", **sized}, map_[None, :, :, None]),
        ]
    found += [
        ({"kind": "classes"}, np.array([[[0, 1, 127]]], np.int8)),
        ({"kind": "classes", "classes": 1000}, np.array([[[0, 255, 256, 999]]], np.int32)),
        ({"kind": "classes", "classes": 9, "ignore": 65535}, np.array([[[0, 8, 65535]]], np.int64)),
        ({"kind": "logits"}, np.random.default_rng(7).random((1, 2, 2, 300), np.float32)),
        ({"kind": "classes"}, np.array([[[0, -1]]], np.int32)),
        ({"kind": "classes"}, np.array([[[0, -1]]], np.int8)),
        ({"kind": "classes"}, np.array([[[0, 256]]], np.int16)),
        ({"kind": "classes", "classes": 1000}, np.array([[[0, 65536]]], np.int64)),
        ({"kind": "classes"}, np.array([[[0, 1 << 40]]], np.int64)),
        ({"kind": "classes"}, np.array([[[0, 1.5]]], np.float32)),
        ({"kind": "classes"}, np.array([[[0, np.nan]]], np.float32)),
        ({"kind": "classes"}, np.array([[[0, -0.5]]], np.float32)),
        ({"kind": "logits", "layout": "nchw"}, np.array([[[[0.0]], [[np.nan]]]], np.float32)),
        ({"kind": "logits", **sized, "classes": 4}, np.zeros((1, 6, 5), np.float32)),
        ({"kind": "logits"}, np.zeros((6, 5), np.float32)),
        ({"kind": "classes", **sized}, np.zeros((1, 2, 4), np.uint8)),
    ]
    return found


def vectors() -> dict:
    """The whole file as a JSON value."""
    pixels = image()
    inputs = []
    for given, scale, zero_point in INPUTS:
        spec = InputSpec(height=HEIGHT, width=WIDTH, **given)
        tensor = to_tensor(pixels, spec, float(np.float32(scale)), zero_point)
        bits = int(np.float32(scale).view(np.uint32))
        inputs.append({**given, "scale_bits": bits, "zero_point": zero_point, "bytes": tensor.tobytes().hex()})
    masks = []
    for given, tensor in outputs():
        row = {**given, "shape": tensor.shape, "dtype": tensor.dtype.name, "bytes": tensor.tobytes().hex()}
        try:
            mask = mask_from_output(tensor, OutputSpec(index=0, **given))[0]
            row |= {"depth": 8 * mask.itemsize, "size": mask.shape[::-1], "mask": mask.ravel().tolist()}
        except ValueError as error:
            word = next(word for word in ("NaN", "whole", "masks hold", "the output is") if word in str(error))
            row["error"] = word
        masks.append(row)
    return {
        "schema": 1,
        "height": HEIGHT,
        "width": WIDTH,
        "pixels": pixels.ravel().tolist(),
        "inputs": inputs,
        "outputs": masks,
    }


def text() -> str:
    """The file's text: a line for each vector."""
    data = vectors()
    rows = {key: [json.dumps(row, separators=(",", ":")) for row in data.pop(key)] for key in ("inputs", "outputs")}
    head = json.dumps(data, separators=(",", ":"))[:-1]
    lists = ",\n".join(f'"{key}":[\n{",".join(chr(10) + row for row in rows[key]).lstrip(chr(10))}\n]' for key in rows)
    return f"{head},\n{lists}}}\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
