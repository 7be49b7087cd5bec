"""Writes soft.json, the vectors that hold Python's and Kotlin's soft masks together.

python tests/vectors/generate_soft.py

Tensors are given by their bytes in hexadecimal, little-endian, as they lie in memory; soft masks in steps of 1/65535.
A vector with an `error` is an output that makes no soft mask, and the error is a word of the sentence that says why.
"""

import json
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("soft.json")
sys.path.insert(0, str(FILE.parents[2] / "python"))

from goldmask.contract.output_mask import Output, scores_of  # noqa: E402 - after the path that makes it importable
from goldmask.contract.soft import MAX_SAMPLE  # noqa: E402
from goldmask.contract.soft_output import SoftOutput, soft_from_scores  # noqa: E402
from goldmask.contract.tensors import OutputSpec  # noqa: E402

HEIGHT, WIDTH = 2, 3
ONE, TWO, FIRST = (1, HEIGHT, WIDTH, 1), (1, HEIGHT, WIDTH, 2), (1, 3, HEIGHT, WIDTH)
SIZED = {"height": HEIGHT, "width": WIDTH}
PROBABILITIES = (0, 0.25, 0.5, 0.75, 1, 0.49999)
LOGITS = (0, 1, 30, -1, -30, 0.125)
STEPS = (0, 1, 127, 128, 200, 255)


def row(kind: str, shape: tuple[int, ...], dtype: str, values: tuple[float, ...], error: str = "", **spec) -> dict:
    """A vector without what is expected of it; `values` are repeated to fill the shape."""
    tensor = np.resize(np.array(values, dtype), shape)
    found = {"kind": kind, "shape": list(shape), "dtype": dtype, "bytes": tensor.tobytes().hex(), **spec}
    return found | ({"error": error} if error else {})


ROWS = (
    row("probability", ONE, "float32", PROBABILITIES),
    row("probability", ONE, "float32", PROBABILITIES, threshold=0.25),
    row("probability", (1, HEIGHT, WIDTH), "float32", PROBABILITIES, **SIZED, classes=1),
    row("probability", TWO, "float32", (0.75, 0.25, 0.5, 0.5, 0, 1), foreground=1),
    row("probability", ONE, "uint8", STEPS, scale=1 / 256, threshold=0.5),
    row("probability", ONE, "int8", (-128, -1, 0, 1, 100, 127), scale=1 / 256, zero_point=-128),
    row("logit", ONE, "float32", LOGITS),
    row("logit", ONE, "int8", (-128, -10, 0, 3, 100, 127), scale=0.125, zero_point=3),
    row("logit", TWO, "float32", LOGITS, foreground=1),
    row("logit", TWO, "float32", LOGITS, foreground=0),
    row("logit", FIRST, "float32", (*LOGITS, 2, -2, 0.5), layout="nchw", foreground=2),
    row("logit", TWO, "uint8", (0, 1, 128, 127, 200, 255), scale=0.0625, foreground=1),
    row("probability", ONE, "float32", (0, 1.5), error="no probab"),
    row("logit", ONE, "float32", (0, float("nan")), error="NaN"),
    row("probability", TWO, "float32", PROBABILITIES, error="has 2 values for each pixel"),
    row("probability", ONE, "uint8", STEPS, error="without a scale"),
)


def read(vector: dict) -> SoftOutput:
    """What Python makes of a vector. Raises ValueError."""
    tensor: Output = np.frombuffer(bytes.fromhex(vector["bytes"]), vector["dtype"]).reshape(vector["shape"])
    given = {key: vector[key] for key in OutputSpec.model_fields if key in vector}
    spec = OutputSpec.model_validate({"index": 0, **given})
    return soft_from_scores(scores_of(tensor, spec), spec)


def steps(made: SoftOutput) -> list[int]:
    """A soft mask's samples, as encode_soft rounds them."""
    return np.floor(made.soft.astype(np.float64) * MAX_SAMPLE + 0.5).astype(int).ravel().tolist()


def vectors() -> dict:
    """All that soft.json has."""
    found = []
    for each in ROWS:
        if "error" not in each:
            made = read(each)
            each = each | {"steps": steps(made), "mask": made.mask.ravel().tolist()}
        found.append(each)
    return {"schema": 1, "width": WIDTH, "height": HEIGHT, "outputs": found}


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n", "utf-8")
