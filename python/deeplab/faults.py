"""Faults that a seed puts into one operator of a .tflite file, for `goldmask diagnose --ops` to find."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from goldmask.contract.submodels import packed

BUILTIN, ACTIVATION, OPTIONS = schema.BuiltinOperator, schema.ActivationFunctionType, schema.BuiltinOptions
WEIGHTED = (BUILTIN.CONV_2D, BUILTIN.DEPTHWISE_CONV_2D, BUILTIN.FULLY_CONNECTED)
DTYPES = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT8: np.int8, schema.TensorType.UINT8: np.uint8}


@dataclass(frozen=True)
class Fault:
    """A model with a fault: the file, the number of the operator that has it, and what it is."""

    data: bytes
    number: int
    what: str


def put_fault(data: bytes, seed: int) -> Fault:
    """Change the weights of one operator of a model, or replace an operator; the seed chooses both."""
    generator = np.random.default_rng(seed)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    candidates: list[tuple[int, str, Callable[[], None]]] = []
    for number, operator in enumerate(model.subgraphs[0].operators):
        candidates += [(number, *change) for change in _changes(model, operator)]
    # Half of the faults are of either kind, though most operators have weights.
    weights = [each for each in candidates if each[1].startswith("weights")]
    replaced = [each for each in candidates if each not in weights]
    kind = weights if (seed % 2 == 0 or not replaced) and weights else replaced
    number, what, change = kind[int(generator.integers(len(kind)))]
    change()
    return Fault(packed(model, schema), number, what)


def _changes(model: Any, operator: Any) -> list[tuple[str, Callable[[], None]]]:
    """The faults that an operator can have."""
    graph, code = model.subgraphs[0], model.operatorCodes[operator.opcodeIndex].builtinCode
    is_float = graph.tensors[operator.outputs[0]].type == schema.TensorType.FLOAT32
    found: list[tuple[str, Callable[[], None]]] = []
    if code in WEIGHTED:
        tensor = graph.tensors[operator.inputs[1]]
        buffer = model.buffers[tensor.buffer]
        if tensor.type in DTYPES and buffer.data is not None and len(buffer.data):
            values = buffer.data.view(DTYPES[tensor.type])
            found.append(("weights in the opposite order", partial(_store, buffer, values[::-1])))
            if is_float and tensor.type == schema.TensorType.FLOAT32:
                found.append(("weights times 1.05", partial(_store, buffer, values * np.float32(1.05))))
        options = operator.builtinOptions
        if is_float and options.fusedActivationFunction == ACTIVATION.RELU6:
            found.append(("no activation", partial(setattr, options, "fusedActivationFunction", ACTIVATION.NONE)))
    others = {
        BUILTIN.ADD: ("SUB", OPTIONS.SubOptions, schema.SubOptionsT),
        BUILTIN.RESIZE_BILINEAR: (
            "RESIZE_NEAREST_NEIGHBOR",
            OPTIONS.ResizeNearestNeighborOptions,
            schema.ResizeNearestNeighborOptionsT,
        ),
    }
    # A map of one cell, as pooling makes, is resized to the same by every rule.
    is_cell = code == BUILTIN.RESIZE_BILINEAR and list(graph.tensors[operator.inputs[0]].shape[1:3]) == [1, 1]
    if code in others and not is_cell:
        name, kind, options_of = others[code]
        found.append((f"replaced by {name}", partial(_replace, model, operator, name, kind, options_of())))
    if code == BUILTIN.MEAN:
        kind, options = OPTIONS.ReducerOptions, operator.builtinOptions
        found.append(("replaced by REDUCE_MAX", partial(_replace, model, operator, "REDUCE_MAX", kind, options)))
    return found


def _store(buffer: Any, values: np.ndarray) -> None:
    buffer.data = np.ascontiguousarray(values).view(np.uint8)


def _replace(model: Any, operator: Any, name: str, kind: int, options: Any) -> None:
    """Make an operator one of another type; what was fused into it stays."""
    if hasattr(options, "fusedActivationFunction"):
        options.fusedActivationFunction = operator.builtinOptions.fusedActivationFunction
    code = getattr(BUILTIN, name)
    model.operatorCodes.append(schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=1))
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.builtinOptionsType, operator.builtinOptions = kind, options
