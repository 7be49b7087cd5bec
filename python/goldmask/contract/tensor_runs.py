"""Runs of models on tensors instead of images: what is asked, what came out, and the files of values between them.

`goldmask diagnose --ops` cuts a model and runs what it cut so; masks are not made. A file of values is their bytes,
row by row and little-endian, and JSON beside it has type and shape, so that Java can write one as well.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field, model_validator

from .bundle import RelativePath, RuntimeInfo, to_json
from .errors import RunError
from .files import read_file, write_atomically
from .options import Delegate
from .schema import InvalidJson, Many, Name, Strict, Text, parse_json

CUTS_FILE, REQUEST_FILE, VALUES_FILE = "cuts.json", "tensors.json", "values.json"
MAX_JSON_BYTES = 64 << 20
MAX_BYTES = 1 << 32

Dtype = Literal[
    "float32", "float16", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"
]
Values = np.ndarray[
    tuple[int, ...],
    np.dtype[
        np.float16 | np.float32 | np.float64 | np.bool
        | np.int8 | np.int16 | np.int32 | np.int64 | np.uint8 | np.uint16 | np.uint32 | np.uint64
    ],
]  # fmt: skip
Size = int
Index = int


class Cut(Strict):
    """Operators of a graph that can run by themselves: which, on which tensors, and which tensors come out."""

    operators: Many[Index] = Field(min_length=1)
    inputs: Many[Index] = ()
    outputs: Many[Index] = Field(min_length=1)


class SubModel(Strict):
    """A cut and the file that it becomes."""

    file: RelativePath
    cut: Cut


class CutModel(Strict):
    """A model and what is cut of it."""

    model: str
    cuts: Many[SubModel] = Field(min_length=1)


class Cuts(Strict):
    """cuts.json: sub-models to write."""

    models: Many[CutModel] = Field(min_length=1)


class ValuesFile(Strict):
    """The values of one tensor; `file` is absolute or relative to the JSON that names it."""

    file: str
    dtype: Dtype
    shape: Many[Size] = Field(max_length=8)

    @model_validator(mode="after")
    def _bounded(self) -> "ValuesFile":
        if any(size < 0 for size in self.shape) or self.bytes > MAX_BYTES:
            raise ValueError("a tensor of more than 4 GB, or of less than nothing")
        return self

    @property
    def bytes(self) -> int:
        """Bytes of all values."""
        elements = 1
        for size in self.shape:
            elements *= size
        return elements * np.dtype(self.dtype).itemsize


class ModelRun(Strict):
    """One model to run once, and the values of its inputs in the model's order."""

    name: Name
    model: str
    inputs: Many[ValuesFile] = ()


class TensorRequest(Strict):
    """tensors.json: models to run, each by itself, and how."""

    threads: int = Field(ge=1, le=64)
    delegate: Delegate
    runs: Many[ModelRun] = Field(min_length=1)


class RunValues(Strict):
    """What a run gave: the values of each output in the model's order, or why there are none."""

    name: Name
    runtime: RuntimeInfo | None = None
    outputs: Many[ValuesFile] = ()
    error: Text = ""


class TensorResults(Strict):
    """values.json: what came out, run by run."""

    runs: Many[RunValues]


Contract = TypeVar("Contract", Cuts, TensorRequest, TensorResults)


def save(value: Contract, path: Path) -> None:
    """Write one of the files."""
    write_atomically(path, to_json(value))


def load(path: Path, kind: type[Contract]) -> Contract:
    """Read one of the files. Raises RunError where it is missing or not what it should be."""
    try:
        return parse_json(read_file(path, MAX_JSON_BYTES), kind)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", fix="run the command again") from error
    except InvalidJson as error:
        raise RunError(f"{path} is not what goldmask writes: {error}", fix="run the command again") from error


def save_values(values: Values, path: Path) -> ValuesFile:
    """Write the values of a tensor; the answer names the file by its path from where `path` is."""
    # Every platform goldmask runs on is little-endian.
    path.write_bytes(np.ascontiguousarray(values).data)
    return ValuesFile.model_validate({"file": path.name, "dtype": str(values.dtype), "shape": values.shape})


def load_values(file: ValuesFile, folder: Path) -> Values:
    """The values of a tensor. Raises RunError where the file has others than its type and shape say."""
    path = folder / file.file
    try:
        data = read_file(path, MAX_BYTES)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", fix="run the command again") from error
    if len(data) != file.bytes:
        raise RunError(
            f"{path} has {len(data):,} bytes, and {file.dtype}{list(file.shape)} has {file.bytes:,}",
            fix="run the command again",
        )
    return np.frombuffer(data, file.dtype).reshape(file.shape)


def run_all(
    request: TensorRequest,
    base: Path,
    out: Path,
    run: Callable[[Path, Sequence[Values]], tuple[RuntimeInfo, Sequence[Values]]],
) -> TensorResults:
    """Run every model of `request`, whose relative paths start at `base`, and write what comes out to `out`.

    A run that fails has its reason in the results; the others go on.
    """
    out.mkdir(parents=True, exist_ok=True)
    results: list[RunValues] = []
    for each in request.runs:
        try:
            inputs = [load_values(file, base) for file in each.inputs]
            runtime, outputs = run(base / each.model, inputs)
            files = [save_values(values, out / f"{each.name}-{index}.bin") for index, values in enumerate(outputs)]
            results.append(RunValues(name=each.name, runtime=runtime, outputs=tuple(files)))
        except (OSError, ValueError, RuntimeError, TypeError, RunError) as error:
            message = error.what if isinstance(error, RunError) else str(error)
            results.append(RunValues(name=each.name, error=" ".join(message.split()) or type(error).__name__))
    found = TensorResults(runs=tuple(results))
    save(found, out / VALUES_FILE)
    return found
