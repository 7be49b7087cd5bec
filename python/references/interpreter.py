# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#   "ai-edge-litert==2.3.0",
#   "annotated-types==0.8.0",
#   "backports-strenum==1.3.1",
#   "flatbuffers==25.12.19",
#   "ml-dtypes==0.6.0",
#   "numpy==2.4.6",
#   "pillow==13.0.0",
#   "protobuf==7.36.2",
#   "pydantic==2.14.3",
#   "pydantic-core==2.50.4",
#   "tqdm==4.70.1",
#   "typing-extensions==4.16.0",
#   "typing-inspection==0.4.5",
# ]
# ///
"""The `lib_interpreter` reference: our pre- and post-processing around the LiteRT Interpreter.

uv run --script python/references/interpreter.py request.json --out DIR
uv run --script python/references/interpreter.py tensors tensors.json --out DIR
uv run --script python/references/interpreter.py submodels cuts.json --out DIR
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from goldmask.contract.bundle import Request, RuntimeInfo
from goldmask.contract.engine import (
    DELEGATE_OPERATOR,
    Output,
    Segmented,
    StageError,
    delegated_nodes,
    main,
    mask_from_output,
)
from goldmask.contract.image import Pixels, Tensor, resize, to_tensor
from goldmask.contract.mask import Mask, Scores
from goldmask.contract.submodels import main as write_submodels
from goldmask.contract.tensor_runs import TensorRequest, Values, load, run_all


class InterpreterEngine:
    """A model in a TFLite Interpreter; `interpreters` is the module that has Interpreter and OpResolverType."""

    def __init__(self, request: Request, interpreters: ModuleType, runtime: str, version: str) -> None:
        options = request.options
        if options.resize != "fixed":
            raise StageError("init", f"resize {options.resize!r} is for apps; the reference has the fixed-point one")
        self._interpreter = _opened(request.model.file, options.threads, options.delegate, interpreters)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[request.model.output.index]
        self._model = request.model
        self.runtime = _ran(self._interpreter, options.threads, runtime, version)

    def predict(self, tensor: Tensor) -> tuple[Mask, Scores | None]:
        """The mask of an input tensor, and its scores as float32 unless they are classes. Raises StageError."""
        output = self._infer(tensor)
        mask, _, _ = mask_from_output(output, self._model.output.kind, with_margin=False)
        return mask, output[0].astype(np.float32) if output.ndim == 4 else None

    def _infer(self, tensor: Tensor) -> Output:
        try:
            self._interpreter.set_tensor(self._input["index"], tensor)
            self._interpreter.invoke()
            # A view of the runtime's own memory, good until the next invoke(): scores are megabytes to copy.
            output: Output = self._interpreter.tensor(self._output["index"])()
        except (RuntimeError, ValueError) as error:
            raise StageError("inference", str(error)) from error
        return output

    def segment(self, pixels: Pixels, with_margin: bool) -> Segmented:
        """The mask of `pixels`. Raises StageError."""
        began = time.perf_counter()
        spec = self._model.input
        scale, zero_point = self._input["quantization"]
        resized = resize(pixels, spec.height, spec.width)
        tensor = to_tensor(resized, spec.dtype, spec.mean, spec.std, scale, zero_point)
        return self._predict(tensor, resized, with_margin, began)

    def segment_tensor(self, data: bytes, with_margin: bool) -> Segmented:
        """The mask of the model's input, little-endian. Raises StageError."""
        began = time.perf_counter()
        dtype, shape = np.dtype(self._input["dtype"]), tuple(self._input["shape"])
        if len(data) != dtype.itemsize * math.prod(shape):
            wanted = " × ".join(map(str, shape))
            raise StageError("preprocess", f"{len(data):,} bytes are no {dtype} tensor of {wanted}")
        return self._predict(np.frombuffer(data, dtype).reshape(shape), None, with_margin, began)

    def _predict(self, tensor: Tensor, resized: Pixels | None, with_margin: bool, began: float) -> Segmented:
        prepared = time.perf_counter()
        output = self._infer(tensor)
        inferred = time.perf_counter()
        mask, margin, unit = mask_from_output(output, self._model.output.kind, with_margin)
        return Segmented(
            mask=mask,
            margin=margin,
            unit=unit,
            resized=resized,
            tensor=tensor,
            preprocess_ms=(prepared - began) * 1e3,
            inference_ms=(inferred - prepared) * 1e3,
            postprocess_ms=(time.perf_counter() - inferred) * 1e3,
        )


def tensors_main(words: list[str], interpreters: ModuleType, runtime: str, version: str) -> None:
    """The command line that runs models on tensors: `tensors.json --out DIR`."""
    parser = argparse.ArgumentParser(description="Runs the models of a goldmask tensors.json and writes values.json.")
    parser.add_argument("request", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the folder for values")
    arguments = parser.parse_args(words)
    request = load(arguments.request, TensorRequest)
    run = partial(run_model, request, interpreters, runtime, version)
    run_all(request, arguments.request.parent, arguments.out, run)


def run_model(
    request: TensorRequest, interpreters: ModuleType, runtime: str, version: str, model: Path, inputs: Sequence[Values]
) -> tuple[RuntimeInfo, list[Values]]:
    """Run one model once: what really ran, and the values of its outputs."""
    interpreter = _opened(str(model), request.threads, request.delegate, interpreters)
    for detail, values in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    outputs = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
    return _ran(interpreter, request.threads, runtime, version), outputs


def _opened(file: str, threads: int, delegate: str, interpreters: ModuleType) -> Any:
    """An interpreter with its tensors allocated."""
    # BUILTIN_REF would be slower still; what phones call "CPU" is the optimised kernels without a delegate.
    resolver = interpreters.OpResolverType
    interpreter = interpreters.Interpreter(
        file,
        num_threads=threads,
        experimental_op_resolver_type=(
            resolver.AUTO if delegate == "xnnpack" else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
    )
    interpreter.allocate_tensors()
    return interpreter


def _ran(interpreter: Any, threads: int, runtime: str, version: str) -> RuntimeInfo:
    """What really runs in an interpreter."""
    # A delegate shows as an op of the graph it has rewritten; the log would only say that one was created.
    operators = interpreter._get_ops_details()
    outputs = [detail["index"] for detail in interpreter.get_output_details()]
    return RuntimeInfo(
        name=runtime,
        version=version,
        delegate="xnnpack" if any(each["op_name"] == DELEGATE_OPERATOR for each in operators) else "cpu",
        threads=threads,
        nodes=delegated_nodes(operators, outputs),
    )


if __name__ == "__main__":
    from importlib.metadata import version

    from ai_edge_litert import interpreter as litert

    NAME, VERSION = "LiteRT Interpreter", version("ai-edge-litert")
    match sys.argv[1:]:
        case ["tensors", *words]:
            tensors_main(words, litert, NAME, VERSION)
        case ["submodels", *words]:
            from ai_edge_litert import schema_py_generated

            write_submodels(schema_py_generated, words)
        case _:
            main(lambda request: InterpreterEngine(request, litert, NAME, VERSION), ("ai-edge-litert",))
