"""The operators of a .tflite file: what each reads and writes, and the cuts of the graph that can run by themselves."""

import mmap
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..contract.errors import UsageError, printable
from ..contract.tensor_runs import Cut
from .tflite import MAX_BUFFERS, MAX_DIMENSIONS, MAX_TABLES, bounded, damaged, map_file, string_of

if TYPE_CHECKING:
    import tflite

MAX_OPERATORS = 1 << 16
MAX_TENSORS = 1 << 17
# Tensors that one operator reads or writes.
MAX_ENDS = 1 << 12
MAX_CHANNELS = 1 << 16
MAX_NAME, SHOWN_NAME = 1000, 48
TENSOR_NAME, OPERATOR_CODE_CUSTOM = 3, 1
CUSTOM = 32
# Of TensorFlow Lite's types, those whose values can be compared.
NUMERIC = frozenset({
    "float32", "float16", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool",
})  # fmt: skip
# A tensor that an operator writes, by the operator's number and which of its outputs it is.
Slot = tuple[int, int]


@dataclass(frozen=True)
class GraphTensor:
    """A tensor: its shape as the file gives it (-1: known only when it runs), and one scale for each channel or none.

    `constant` is where its values are in the file, (offset, bytes), or None.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    constant: tuple[int, int] | None
    variable: bool

    @property
    def bytes(self) -> int:
        """Bytes of its values, as far as its shape is known; 0 for types that are not numbers."""
        elements = np.prod([max(1, size) for size in self.shape], dtype=np.float64)
        return int(elements) * np.dtype(self.dtype).itemsize if self.is_numeric else 0

    @property
    def is_numeric(self) -> bool:
        """Whether its values can be compared."""
        return self.dtype in NUMERIC


@dataclass(frozen=True)
class GraphOperator:
    """An operator: its number in the order of execution, from 0, its type, and the tensors that it reads and writes."""

    number: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """The one subgraph of a model, its operators in the order of execution."""

    path: Path
    tensors: tuple[GraphTensor, ...]
    operators: tuple[GraphOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @cached_property
    def makers(self) -> dict[int, Slot]:
        """Which operator writes a tensor."""
        return {
            tensor: (operator.number, place)
            for operator in self.operators
            for place, tensor in enumerate(operator.outputs)
        }

    @cached_property
    def fixed(self) -> frozenset[int]:
        """Tensors that no input reaches: weights that operators unpack, from half floats for example."""
        known: set[int] = set()
        for operator in self.operators:
            if all(self.tensors[each].constant or each in known for each in operator.inputs):
                known.update(operator.outputs)
        return frozenset(known)

    def name(self, number: int) -> str:
        """An operator for people: `#12 CONV_2D (block3/project)`, with the end of its first output's name."""
        operator = self.operators[number]
        # Of operators that a converter has joined, the name is a list of theirs.
        name = self.tensors[operator.outputs[0]].name.split(";")[0]
        return f"#{number} {operator.kind} ({name if len(name) <= SHOWN_NAME else '…' + name[1 - SHOWN_NAME :]})"

    def tensor(self, slot: Slot) -> int:
        """The tensor that is an output of an operator."""
        return self.operators[slot[0]].outputs[slot[1]]

    def crossing(self, count: int) -> tuple[Slot, ...]:
        """What the first `count` operators hand on: all outputs of the last of them, then what later ones read.

        A difference that they make is in one of these tensors, unless nothing ever reads it.
        """
        last = self.operators[count - 1]
        needed = set(self.outputs).union(*(operator.inputs for operator in self.operators[count:]))
        found = [(last.number, place) for place in range(len(last.outputs))]
        for operator in self.operators[: count - 1]:
            for place, tensor in enumerate(operator.outputs):
                if tensor in needed and tensor not in self.fixed:
                    found.append((operator.number, place))
        return tuple(slot for slot in found if self.tensors[self.tensor(slot)].is_numeric)

    def every(self) -> tuple[Slot, ...]:
        """All outputs of all operators, but for unpacked weights."""
        slots = [(operator.number, place) for operator in self.operators for place in range(len(operator.outputs))]
        tensors = {slot: self.tensor(slot) for slot in slots}
        return tuple(slot for slot, each in tensors.items() if self.tensors[each].is_numeric and each not in self.fixed)

    def cut(self, slots: Sequence[Slot]) -> Cut:
        """The operators that the outputs `slots` need, from the model's own inputs.

        A cut keeps an input even where nothing reads it: Java's API runs no model without one.
        """
        outputs = [self.tensor(slot) for slot in slots]
        waiting, kept, read = list(outputs), set[int](), set[int]()
        while waiting:
            tensor = waiting.pop()
            if tensor not in self.makers:
                read.add(tensor)
            elif (number := self.makers[tensor][0]) not in kept:
                kept.add(number)
                waiting.extend(self.operators[number].inputs)
        return Cut(
            operators=tuple(sorted(kept)),
            inputs=tuple(each for each in self.inputs if each in read) or self.inputs[:1],
            outputs=tuple(outputs),
        )

    def alone(self, number: int) -> Cut:
        """One operator, with what unpacks its weights; what else it reads are the inputs."""
        waiting, kept, inputs = [number], set[int](), dict[int, None]()
        while waiting:
            kept.add(now := waiting.pop())
            for tensor in self.operators[now].inputs:
                if tensor in self.fixed:
                    waiting.append(self.makers[tensor][0])
                elif not self._given(tensor):
                    inputs[tensor] = None
        outputs = tuple(each for each in self.operators[number].outputs if self.tensors[each].is_numeric)
        return Cut(operators=tuple(sorted(kept)), inputs=tuple(inputs) or self.inputs[:1], outputs=outputs)

    def apart(self, slots: Sequence[Slot]) -> Cut:
        """The operators of `slots`, each by itself: all that they read is among the inputs."""
        cuts = [self.alone(number) for number in dict.fromkeys(number for number, _ in slots)]
        return Cut(
            operators=tuple(sorted({each for cut in cuts for each in cut.operators})),
            inputs=tuple(dict.fromkeys(each for cut in cuts for each in cut.inputs)),
            outputs=tuple(self.tensor(slot) for slot in slots),
        )

    def _given(self, tensor: int) -> bool:
        """Whether a tensor needs no value from outside: it has one in the file, has no elements, or starts as zeros."""
        found = self.tensors[tensor]
        return found.constant is not None or found.variable or 0 in found.shape


def load_graph(path: Path) -> Graph:
    """The graph of `path`. Raises UsageError for a damaged file, and for one that cannot be cut, with the reason."""
    data = map_file(path)
    try:
        graph = _parse(data, path)
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise damaged(path) from error
    _check(graph)
    return graph


def constant_bytes(graph: Graph, number: int) -> list[bytes]:
    """The constants that an operator reads, in order."""
    data = map_file(graph.path)
    places = [graph.tensors[each].constant for each in graph.operators[number].inputs]
    return [data[start : start + size] for start, size in filter(None, places)]


def changed(a: Graph, b: Graph, number: int) -> list[str]:
    """What two files themselves say of an operator differently: its type, what it reads, shapes, weights."""
    one, other = a.operators[number], b.operators[number]
    found = [f"its type ({one.kind}, {other.kind})"] if one.kind != other.kind else []
    if (one.inputs, one.outputs) != (other.inputs, other.outputs):
        found.append("the tensors that it reads and writes")
        return found
    pairs = [(a.tensors[each], b.tensors[each]) for each in (*one.inputs, *one.outputs)]
    if any(x.shape != y.shape or x.dtype != y.dtype for x, y in pairs):
        found.append("shapes or types of its tensors")
    if any((x.scales, x.zero_points, x.axis) != (y.scales, y.zero_points, y.axis) for x, y in pairs):
        found.append("a quantisation")
    if constant_bytes(a, number) != constant_bytes(b, number):
        found.append("its weights")
    return found


def check_pair(a: Graph, b: Graph) -> None:
    """Raise UsageError where the operators of two files cannot be compared one by one."""
    for one, other in zip(a.operators, b.operators, strict=False):
        if len(one.outputs) != len(other.outputs) or (len(a.operators) != len(b.operators) and one.kind != other.kind):
            where = f"the first that differs is {a.name(one.number)} against {b.name(other.number)}"
            break
    else:
        where = "one begins as the other"
    if len(a.operators) != len(b.operators) or "against" in where:
        raise UsageError(
            f"{a.path} has {len(a.operators)} operators and {b.path} {len(b.operators)}; {where}: operators are "
            "compared one by one, and these are different graphs",
            fix="./goldmask compare --across compares the masks of different models",
        )
    ends = [[(graph.tensors[each].dtype, graph.tensors[each].shape) for each in graph.inputs] for graph in (a, b)]
    if ends[0] != ends[1]:
        raise UsageError(f"{a.path} and {b.path} have different inputs, so that no input is the same for both")


def _parse(data: mmap.mmap, path: Path) -> Graph:
    """The first subgraph, every length held against a bound and every index against its vector."""
    import tflite

    model = tflite.Model.GetRootAs(data, 0)
    bounded(model.BuffersLength(), MAX_BUFFERS)
    bounded(model.OperatorCodesLength(), MAX_TABLES * MAX_TABLES)
    if model.SubgraphsLength() > 1:
        raise UsageError(
            f"{path} has {model.SubgraphsLength()} subgraphs: operators are compared in models of one, without loops "
            "and branches",
            fix="export the model without control flow",
        )
    subgraph = model.Subgraphs(0)
    dtypes = _names(tflite.TensorType)
    tensors = tuple(
        _tensor(model, index, dtypes, data, path) for index in range(bounded(subgraph.TensorsLength(), MAX_TENSORS))
    )
    kinds = _kinds(model)
    operators = []
    for number in range(bounded(subgraph.OperatorsLength(), MAX_OPERATORS)):
        operator = subgraph.Operators(number)
        inputs = _indices(operator.InputsLength(), operator.Inputs, len(tensors), optional=True)
        outputs = _indices(operator.OutputsLength(), operator.Outputs, len(tensors))
        operators.append(GraphOperator(number, kinds[operator.OpcodeIndex()], inputs, outputs))
    return Graph(
        path=path,
        tensors=tensors,
        operators=tuple(operators),
        inputs=_indices(subgraph.InputsLength(), subgraph.Inputs, len(tensors)),
        outputs=_indices(subgraph.OutputsLength(), subgraph.Outputs, len(tensors)),
    )


def _names(enumeration: type) -> dict[int, str]:
    return {value: name.lower() for name, value in vars(enumeration).items() if isinstance(value, int)}


def _kinds(model: "tflite.Model") -> list[str]:
    """The types of operators, by the index that operators refer to."""
    import tflite

    names = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
    kinds = []
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        # Files from before 2020 have the number in a byte only.
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        custom = string_of(code._tab, OPERATOR_CODE_CUSTOM) if number == CUSTOM else ""
        kinds.append(custom or names.get(number, f"operator type {number}"))
    return kinds


def _indices(length: int, at: Callable[[int], int], tensors: int, *, optional: bool = False) -> tuple[int, ...]:
    """Numbers of tensors; an optional input that is left out is -1 in the file, and is not among them."""
    found = [int(at(place)) for place in range(bounded(length, MAX_ENDS))]
    if any(not (-1 if optional else 0) <= each < tensors for each in found):
        raise ValueError("a tensor that is not there")
    return tuple(each for each in found if each >= 0)


def _tensor(model: "tflite.Model", index: int, dtypes: dict[int, str], data: mmap.mmap, path: Path) -> GraphTensor:
    tensor = model.Subgraphs(0).Tensors(index)
    signature = tensor.ShapeSignatureLength()
    at, length = (tensor.ShapeSignature, signature) if signature else (tensor.Shape, tensor.ShapeLength())
    quantisation = tensor.Quantization()
    scales = bounded(quantisation.ScaleLength(), MAX_CHANNELS) if quantisation else 0
    zero_points = bounded(quantisation.ZeroPointLength(), MAX_CHANNELS) if quantisation else 0
    buffer = model.Buffers(tensor.Buffer()) if tensor.Buffer() < model.BuffersLength() else None
    if buffer is None:
        raise ValueError("a buffer that is not there")
    if buffer.Offset() > 1:
        raise UsageError(f"{path} keeps its weights outside its tables, as files of 2 GB do; it cannot be cut")
    size = buffer.DataLength()
    start = buffer._tab.Vector(buffer._tab.Offset(4)) if size else 0
    if start + size > len(data):
        raise damaged(path)
    return GraphTensor(
        name=printable(string_of(tensor._tab, TENSOR_NAME), MAX_NAME),
        dtype=dtypes.get(tensor.Type(), f"type {tensor.Type()}"),
        shape=tuple(int(at(axis)) for axis in range(bounded(length, MAX_DIMENSIONS))),
        scales=tuple(float(quantisation.Scale(index)) for index in range(scales)),
        zero_points=tuple(int(quantisation.ZeroPoint(index)) for index in range(zero_points)),
        axis=int(quantisation.QuantizedDimension()) if quantisation else 0,
        constant=(start, size) if size else None,
        variable=bool(tensor.IsVariable()),
    )


def _check(graph: Graph) -> None:
    """Raise UsageError for a graph whose operators cannot run in their order, or whose inputs have no fixed size."""
    path = graph.path
    if not graph.operators or not graph.inputs:
        raise UsageError(
            f"{path} has no {'operators' if graph.inputs else 'inputs'}, so that there is nothing to compare"
        )
    ready = {*graph.inputs, *(n for n, tensor in enumerate(graph.tensors) if tensor.constant or tensor.variable)}
    for operator in graph.operators:
        if not operator.outputs:
            raise UsageError(f"{path}: operator #{operator.number} {operator.kind} writes no tensor")
        for tensor in operator.inputs:
            # A tensor without elements has no values in the file either.
            if tensor not in ready and 0 not in graph.tensors[tensor].shape:
                raise UsageError(
                    f"{path}: {graph.name(operator.number)} reads tensor {tensor}, which nothing has written by then",
                    fix="download the model file again",
                )
        for tensor in operator.outputs:
            if tensor in ready:
                raise UsageError(
                    f"{path}: {graph.name(operator.number)} writes tensor {tensor}, which is written already",
                    fix="download the model file again",
                )
            ready.add(tensor)
    for tensor in graph.inputs:
        found = graph.tensors[tensor]
        if any(size < 1 for size in found.shape) or not found.is_numeric:
            shape = ",".join(map(str, found.shape))
            raise UsageError(
                f"{path}: its input {found.name} is {found.dtype}[{shape}]; operators are compared where the size of "
                "every input is fixed",
                fix="export the model with a fixed input size",
            )
    if any(each not in ready for each in graph.outputs):
        raise UsageError(f"{path} has an output that no operator writes", fix="download the model file again")
