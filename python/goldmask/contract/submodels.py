"""Parts of a .tflite model as models of their own, by the schema's object API that LiteRT's package carries.

That API is generated from the schema of the very runtime beside it, and so knows every operator that it can run; the
package `tflite`, with which goldmask itself reads models, has classes for reading only. Weights that no operator of a
part reads are left out. The other values are those of the file.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Protocol, TypeVar

import numpy as np

from .tensor_runs import Cut, Cuts, load

IDENTIFIER = b"TFL3"
# schema.fbs: force_align of Buffer.data. The generated classes do not keep it, and kernels may.
ALIGNMENT = 16
NONE = -1

Numbers = Iterable[int] | None
Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
Table = TypeVar("Table")


class Operator(Protocol):
    """An OperatorT of the schema."""

    opcodeIndex: int
    inputs: Numbers
    outputs: Numbers
    intermediates: Numbers


class Buffer(Protocol):
    """A BufferT of the schema."""

    data: Bytes | None


class Model(Protocol):
    """A ModelT of the schema."""

    buffers: Sequence[Buffer]

    def Pack(self, builder: object) -> int:
        """Write it; the answer is its offset."""


class Builder(Protocol):
    """A Builder of flatbuffers."""

    head: int
    Bytes: bytearray

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:
        """Begin a vector, at its end."""

    def EndVector(self) -> int:
        """End it; the answer is its offset."""


def main(schema: ModuleType, words: list[str]) -> None:
    """The command line: `cuts.json --out DIR`."""
    parser = argparse.ArgumentParser(description="Writes sub-models of .tflite models.")
    parser.add_argument("cuts", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the folder for sub-models")
    arguments = parser.parse_args(words)
    for cut_model in load(arguments.cuts, Cuts).models:
        model = SubModels((arguments.cuts.parent / cut_model.model).read_bytes(), schema)
        for each in cut_model.cuts:
            path = arguments.out / each.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(model.cut(each.cut))


class SubModels:
    """A model that can be cut. `schema` is a `schema_py_generated`; ValueError for what it does not know."""

    def __init__(self, data: bytes, schema: ModuleType) -> None:
        self._schema = schema
        model = schema.Model.GetRootAs(data, 0)
        operators = [model.Subgraphs(0).Operators(n) for n in range(model.Subgraphs(0).OperatorsLength())]
        self.model = schema.ModelT.InitFromObj(model)
        graph = self.model.subgraphs[0]
        for number, (raw, read) in enumerate(zip(operators, graph.operators or [], strict=True)):
            for options, kept in (
                (raw.BuiltinOptions(), read.builtinOptions),
                (raw.BuiltinOptions2(), read.builtinOptions2),
            ):
                if options is not None and kept is None:
                    raise ValueError(f"operator {number} has options that this version of LiteRT does not know")
            if read.largeCustomOptionsSize:
                raise ValueError(f"operator {number} has its options outside the file's tables")

    def cut(self, cut: Cut) -> bytes:
        """The .tflite file of some operators.

        What an operator writes and the cut has as an input is written to a tensor of its own: with all that operators
        read among the inputs, each runs by itself.
        """
        schema, model, graph = self._schema, self.model, self.model.subgraphs[0]
        chosen: Sequence[Operator] = [graph.operators[number] for number in cut.operators]
        used = sorted({*cut.inputs, *cut.outputs, *(each for operator in chosen for each in _ends(operator))})
        tensors = {old: new for new, old in enumerate(used)}
        apart = sorted({int(each) for operator in chosen for each in operator.outputs or ()}.intersection(cut.inputs))
        written = tensors | {old: len(used) + new for new, old in enumerate(apart)}
        # The first buffer is empty by the format's rule; tensors without values refer to it.
        buffers, tables = {0: 0}, [schema.BufferT()]
        for old in used:
            index = graph.tensors[old].buffer
            data = model.buffers[index].data
            if index not in buffers:
                buffers[index] = len(tables) if data is not None and len(data) else 0
                if buffers[index]:
                    tables.append(schema.BufferT(data=data))
        codes = {old: new for new, old in enumerate(sorted({operator.opcodeIndex for operator in chosen}))}
        part = schema.ModelT(
            version=model.version,
            operatorCodes=[model.operatorCodes[old] for old in codes],
            subgraphs=[
                schema.SubGraphT(
                    tensors=[
                        *(_copy(graph.tensors[old], buffer=buffers[graph.tensors[old].buffer]) for old in used),
                        *(_copy(graph.tensors[old], buffer=0) for old in apart),
                    ],
                    inputs=_numbers(cut.inputs, tensors),
                    outputs=_numbers(cut.outputs, written),
                    operators=[
                        _copy(
                            operator,
                            opcodeIndex=codes[operator.opcodeIndex],
                            inputs=_numbers(operator.inputs, tensors),
                            outputs=_numbers(operator.outputs, written),
                            intermediates=_numbers(operator.intermediates, tensors),
                        )
                        for operator in chosen
                    ],
                    name="main",
                )
            ],
            description="cut by goldmask",
            buffers=tables,
        )
        return packed(part, schema)


def packed(model: Model, schema: ModuleType) -> bytes:
    """The .tflite file of a ModelT of `schema`, its buffers where the format wants them."""
    tables = [
        table if table.data is None else AlignedBuffer(schema, np.asarray(table.data, np.uint8))
        for table in model.buffers
    ]
    # The generated module has flatbuffers; this room needs numpy alone.
    builder = schema.flatbuffers.Builder(1 << 16)
    builder.Finish(_copy(model, buffers=tables).Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _ends(operator: Operator) -> Iterable[int]:
    for numbers in (operator.inputs, operator.outputs, operator.intermediates):
        yield from (int(each) for each in (() if numbers is None else numbers) if each != NONE)


def _numbers(old: Numbers, new: dict[int, int]) -> np.ndarray[tuple[int], np.dtype[np.int32]] | None:
    return None if old is None else np.array([new.get(int(each), NONE) for each in old], np.int32)


def _copy(value: Table, **changes: object) -> Table:
    """A copy of an object of the schema with other fields, made of the same objects within."""
    copied = type(value)()
    vars(copied).update(vars(value) | changes)
    return copied


class AlignedBuffer:
    """A buffer whose bytes lie where the format wants them; packed as a BufferT is."""

    def __init__(self, schema: ModuleType, data: Bytes) -> None:
        self._schema, self._data = schema, data

    def Pack(self, builder: Builder) -> int:
        """Write it; the answer is its offset."""
        size = len(self._data)
        builder.StartVector(1, size, ALIGNMENT)
        builder.head -= size
        builder.Bytes[builder.head : builder.head + size] = self._data.tobytes()
        vector = builder.EndVector()
        self._schema.BufferStart(builder)
        self._schema.BufferAddData(builder, vector)
        return int(self._schema.BufferEnd(builder))
