"""What a .tflite file computes: its operations, and the memory its activations need."""

from dataclasses import dataclass
from pathlib import Path

from tensorflow.lite.python import schema_py_generated as schema

_BUILTINS = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
_BYTES = {"FLOAT32": 4, "FLOAT16": 2, "INT32": 4, "INT64": 8, "UINT8": 1, "INT8": 1, "INT16": 2, "BOOL": 1}
_TYPES = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}


@dataclass(frozen=True)
class Operation:
    """One step of the graph. `inputs` and `outputs` are indices of activations, without constants."""

    name: str  # TensorFlow Lite's builtin name, "CUSTOM" for anything a plain interpreter lacks
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """The main subgraph. `sizes` are the bytes of each activation."""

    operations: tuple[Operation, ...]
    sizes: dict[int, int]
    results: tuple[int, ...]


def read_graph(path: Path) -> Graph:
    """The graph of a .tflite file, metadata and associated files skipped."""
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    main = model.subgraphs[0]
    constant = {i for i, tensor in enumerate(main.tensors) if model.buffers[tensor.buffer].data is not None}
    operations = []
    for operator in main.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = _BUILTINS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        inputs = tuple(int(i) for i in operator.inputs if i >= 0 and i not in constant)
        operations.append(Operation(name, inputs, tuple(int(i) for i in operator.outputs)))
    sizes = {i: _size(tensor) for i, tensor in enumerate(main.tensors) if i not in constant}
    return Graph(tuple(operations), sizes, tuple(int(i) for i in main.outputs))


def peak_activation_bytes(graph: Graph) -> int:
    """The most bytes of activations alive at once, in the file's order of operations.

    A lower bound for every runtime: an interpreter adds fragmentation, and kernels their scratch space.
    """
    last_use = {i: len(graph.operations) for i in graph.results}
    for index, operation in enumerate(graph.operations):
        last_use.update({i: max(index, last_use.get(i, 0)) for i in operation.inputs})
    produced = {i for operation in graph.operations for i in operation.outputs}
    alive = {i for i in last_use if i not in produced}  # the graph's inputs
    peak = 0
    for index, operation in enumerate(graph.operations):
        alive.update(operation.outputs)
        peak = max(peak, sum(graph.sizes[i] for i in alive))
        alive = {i for i in alive if last_use.get(i, -1) > index}
    return peak


def _size(tensor: schema.TensorT) -> int:
    count = 1
    for extent in tensor.shape if tensor.shape is not None else ():
        count *= int(extent)
    return count * _BYTES[_TYPES[tensor.type]]
