"""What an app hands on of the way to its mask, for a reference to predict from: its pixels, its input tensor.

Raw bytes, in taps/ of a bundle: `<case>.resized.bin` has RGB row by row, `<case>.tensor.bin` the model's input,
little-endian. There is no header to believe; how many bytes there are follows from the model.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .bundle import Predicted, Request, verified
from .errors import RunError
from .image import Pixels
from .options import TapName
from .tensors import InputSpec

STAGES: tuple[TapName, ...] = ("resized", "tensor")
FIX = "run the target again, or correct what the app hands on (docs/scaling.md)"
# An input tensor in one row.
Values = np.ndarray[tuple[int], np.dtype[np.float32 | np.uint8 | np.int8]]


@dataclass(frozen=True)
class HandedOn:
    """uint8 [height, width, 3], and the bytes of an input tensor; None where an app hands no such thing on."""

    resized: Pixels | None
    tensor: bytes | None


def handed_on_bytes(request: Request) -> int:
    """How many bytes the apps that answer `request` may hand on for each case."""
    spec = request.model.input
    sizes = {"resized": 3 * spec.height * spec.width, "tensor": _tensor_bytes(spec)}
    return sum(sizes[name] for name in request.options.taps if name in sizes)


def read_handed_on(folder: Path, result: Predicted, request: Request) -> HandedOn:
    """What a case of a bundle, an answer to `request`, hands on.

    Raises RunError where a file is missing, of another size than the model's input, or not the stage's own bytes.
    """
    spec = request.model.input
    shape = (spec.height, spec.width, 3)
    resized = _bytes_of(folder, result, "resized", math.prod(shape))
    tensor = _bytes_of(folder, result, "tensor", _tensor_bytes(spec))
    if tensor is not None and not np.isfinite(tensor_of(tensor, spec.dtype)).all():
        raise RunError("the tensor that the app hands on has values that are no numbers", fix=FIX)
    return HandedOn(None if resized is None else np.frombuffer(resized, np.uint8).reshape(shape), tensor)


def tensor_of(data: bytes, dtype: str) -> Values:
    """The values of a tensor's bytes, in one row."""
    return np.frombuffer(data, np.dtype(dtype).newbyteorder("<"))


def _tensor_bytes(spec: InputSpec) -> int:
    return math.prod(spec.shape) * np.dtype(spec.dtype).itemsize


def _bytes_of(folder: Path, result: Predicted, stage: TapName, size: int) -> bytes | None:
    tap = result.taps.get(stage)
    if tap is None:
        return None
    if tap.sha256 != getattr(result.stages, stage):
        raise RunError(f"what the app hands on as {stage} is not what its stages name (sha256 differs)", fix=FIX)
    data, _ = verified(folder, tap.file, tap.sha256, size)
    if len(data) != size:
        raise RunError(f"the app hands on {len(data):,} bytes as {stage}; the model takes {size:,}", fix=FIX)
    return data
