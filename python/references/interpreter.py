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

from goldmask.contract.bundle import Request, RequestModel, RuntimeInfo
from goldmask.contract.engine import (
    DELEGATE_OPERATOR,
    Segmented,
    StageError,
    delegated_nodes,
    main,
)
from goldmask.contract.image import Pixels, resize
from goldmask.contract.input_tensor import Tensor, to_tensor
from goldmask.contract.mask import Mask, Scores
from goldmask.contract.output_mask import Output, scores_of
from goldmask.contract.read_output import read_output
from goldmask.contract.submodels import main as write_submodels
from goldmask.contract.tensor_runs import TensorRequest, Values, load, run_all
from goldmask.contract.tensors import Constant


class InterpreterEngine:
    """A model in a TFLite Interpreter; `interpreters` is the module that has Interpreter and OpResolverType."""

    def __init__(self, request: Request, interpreters: ModuleType, runtime: str, version: str) -> None:
        options = request.options
        if options.resize != "fixed":
            raise StageError("init", f"resize {options.resize!r} is for apps; the reference has the fixed-point one")
        self._interpreter = _created(request.model.file, options.threads, options.delegate, interpreters)
        self._model = request.model
        graph = _Signature if self._model.signature else _Graph
        self._graph = graph(self._interpreter, self._model)
        self.runtime = _ran(self._interpreter, options.threads, runtime, version)

    def predict(self, tensor: Tensor) -> tuple[Mask, Scores | None]:
        """The mask of an input tensor, and its scores as float32 unless they are classes. Raises StageError."""
        output, spec = self._infer(tensor), self._model.output
        mask = read_output(output, spec, with_margin=False).mask
        return mask, scores_of(output, spec).astype(np.float32) if spec.kind == "logits" else None

    def _infer(self, tensor: Tensor) -> Output:
        try:
            return self._graph.run(tensor)
        except (RuntimeError, ValueError) as error:
            raise StageError("inference", str(error)) from error

    def segment(self, pixels: Pixels, with_margin: bool) -> Segmented:
        """The mask of `pixels`. Raises StageError."""
        began = time.perf_counter()
        spec = self._model.input
        resized = resize(pixels, spec.height, spec.width)
        tensor = to_tensor(resized, spec, *self._graph.quantisation)
        return self._predict(tensor, resized, with_margin, began)

    def segment_tensor(self, data: bytes, with_margin: bool) -> Segmented:
        """The mask of the model's input, little-endian. Raises StageError."""
        began = time.perf_counter()
        dtype, shape = np.dtype(self._model.input.dtype), self._model.input.shape
        if len(data) != dtype.itemsize * math.prod(shape):
            wanted = " × ".join(map(str, shape))
            raise StageError("preprocess", f"{len(data):,} bytes are no {dtype} tensor of {wanted}")
        return self._predict(np.frombuffer(data, dtype).reshape(shape), None, with_margin, began)

    def _predict(self, tensor: Tensor, resized: Pixels | None, with_margin: bool, began: float) -> Segmented:
        prepared = time.perf_counter()
        output = self._infer(tensor)
        inferred = time.perf_counter()
        read = read_output(output, self._model.output, with_margin)
        return Segmented(
            mask=read.mask,
            margin=read.margin,
            unit=read.unit,
            soft=read.soft,
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
    interpreter = _created(file, threads, delegate, interpreters)
    interpreter.allocate_tensors()
    return interpreter


def _created(file: str, threads: int, delegate: str, interpreters: ModuleType) -> Any:
    """An interpreter whose inputs may still be resized."""
    # BUILTIN_REF would be slower still; what phones call "CPU" is the optimised kernels without a delegate.
    resolver = interpreters.OpResolverType
    return interpreters.Interpreter(
        file,
        num_threads=threads,
        experimental_op_resolver_type=(
            resolver.AUTO if delegate == "xnnpack" else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
    )


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


class _Graph:
    """The first subgraph: its image, its constants and the output that makes the mask."""

    def __init__(self, interpreter: Any, model: RequestModel) -> None:
        self._interpreter = interpreter
        inputs = interpreter.get_input_details()
        image = inputs[model.input.index]
        if list(image["shape"]) != (wanted := list(model.input.shape)):
            if -1 not in image["shape_signature"]:
                raise StageError("init", f"the input is {image['shape'].tolist()}, not {wanted}")
            interpreter.resize_tensor_input(image["index"], wanted, strict=True)
        interpreter.allocate_tensors()
        self.quantisation: tuple[float, int] = image["quantization"]
        self._image: int = image["index"]
        self._constants = [(inputs[each.index]["index"], _held(each, inputs[each.index])) for each in model.constants]
        self._output: int = interpreter.get_output_details()[model.output.index]["index"]

    def run(self, tensor: Tensor) -> Output:
        """The output for an image."""
        self._interpreter.set_tensor(self._image, tensor)
        for index, values in self._constants:  # each time: the memory of an input that was used is used again
            self._interpreter.set_tensor(index, values)
        self._interpreter.invoke()
        # A view of the runtime's own memory, good until the next invoke(): scores are megabytes to copy.
        output: Output = self._interpreter.tensor(self._output)()
        return output


class _Signature:
    """A signature of another subgraph, by the names of its tensors."""

    def __init__(self, interpreter: Any, model: RequestModel) -> None:
        interpreter.allocate_tensors()
        self._runner = interpreter.get_signature_runner(model.signature)
        inputs = self._runner.get_input_details()
        self.quantisation: tuple[float, int] = inputs[model.input.name]["quantization"]
        self._image, self._output = str(model.input.name), str(model.output.name)
        self._constants = {each.name: _held(each, inputs[each.name]) for each in model.constants}

    def run(self, tensor: Tensor) -> Output:
        """The output for an image."""
        output: Output = self._runner(**{self._image: tensor}, **self._constants)[self._output]
        return output


def _held(constant: Constant, detail: dict[str, Any]) -> Any:
    """What an input holds; one value stands for all."""
    values = np.array(constant.values).astype(detail["dtype"])
    shape = [max(1, side) for side in detail["shape"]]
    return np.broadcast_to(values, shape) if values.size == 1 else values.reshape(shape)


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
