"""What a .tflite file says of itself: tensors, quantisation, metadata and labels, read without running it."""

import io
import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import flatbuffers.encode
import flatbuffers.number_types
import flatbuffers.table
import numpy as np

from ..contract.errors import UsageError
from ..contract.files import is_html, open_file

IDENTIFIER = b"TFL3"
METADATA_NAME = "TFLITE_METADATA"
MAX_BYTES = 1 << 31
MAX_LABEL_BYTES = 1 << 20
MAX_ARCHIVE_BYTES = 4 << 20
MAX_METADATA_BYTES = 16 << 20
MAX_NAME_BYTES = 1 << 12
MAX_BUFFERS = 1 << 17
MAX_TABLES = 1 << 8
MAX_DIMENSIONS = 8
SMALLEST_SCALE, LARGEST_SCALE = (float(each) for each in (np.finfo(np.float32).tiny, np.finfo(np.float32).max))
STEPS, ANY_STEP = {"int8": range(-128, 128), "uint8": range(256)}, range(-(1 << 31), 1 << 31)
ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error)
# TensorFlow Lite's tools store. Python's bzip2 and LZMA unpack 4 kB to a gigabyte, whatever size the archive claims.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Operators that run other subgraphs: CALL, IF, WHILE, CALL_ONCE and their kin of StableHLO.
CALLING = frozenset({31, 118, 119, 129, 174, 190, 198, 199, 200, 206})
# Field numbers of metadata_schema.fbs 1.x (tflite-support). Read by number because the only package that carries
# the schema's bindings, tflite-support itself, cannot be installed beside this program (see docs/references.md).
MODEL_SUBGRAPHS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS = 3, 2, 3
TENSOR_PROCESS_UNITS, TENSOR_ASSOCIATED_FILES = 4, 6
PROCESS_UNIT_TYPE, PROCESS_UNIT_OPTIONS, NORMALIZATION = 0, 1, 1
NORMALIZATION_MEAN, NORMALIZATION_STD = 0, 1
FILE_NAME, FILE_TYPE = 0, 2
# Of schema.fbs, whose own bindings do not bound what they read.
TENSOR_NAME, METADATA_ENTRY_NAME, SIGNATURE_KEY, CUSTOM_CODE = 3, 0, 2, 1
CUSTOM = 32
LABEL_FILE_TYPES = (2, 3)  # TENSOR_AXIS_LABELS for scores, TENSOR_VALUE_LABELS for class maps


@dataclass(frozen=True)
class Tensor:
    """One input or output: its name, shape, dtype, and quantisation (scale 0.0 where there is none).

    `alias` is its name in a signature, which runtimes know it by there.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    alias: str = ""

    def __str__(self) -> str:
        quantised = f", quantised (scale {self.scale:.6g}, zero point {self.zero_point})" if self.scale else ""
        return f"{self.name} {self.dtype}[{','.join(map(str, self.shape))}]{quantised}"


@dataclass(frozen=True)
class Signature:
    """One way to run a model: the inputs and outputs of a subgraph, in the subgraph's order."""

    key: str
    subgraph: int
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class Graph(TypedDict):
    """What the tables of a file say, beside its metadata."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    signatures: tuple[Signature, ...]
    stray_subgraphs: int
    custom_operators: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """A model as its file describes it; what the tensors mean is not decided here (reading.py).

    `mean` and `std` are None and `labels` is empty where the file has no such metadata. `inputs` and `outputs` are
    those of the first subgraph; `stray_subgraphs` are those beside it that no operator can call, and no signature
    names. `custom_operators` are those that are not TensorFlow Lite's own.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    labels: tuple[str, ...]
    has_metadata: bool
    signatures: tuple[Signature, ...] = ()
    stray_subgraphs: int = 0
    custom_operators: tuple[str, ...] = ()


def inspect(path: Path) -> Description:
    """Read `path`. Raises UsageError that names the file where it is no model, or a damaged one."""
    data = map_file(path)
    try:
        graph, metadata = _parse(data, path)
        mean, std, label_file = _metadata(metadata) if metadata else (None, None, None)
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise damaged(path) from error
    return Description(
        **graph,
        mean=mean,
        std=std,
        labels=_labels(data, label_file, path) if label_file else (),
        has_metadata=metadata is not None,
    )


def map_file(path: Path) -> mmap.mmap:
    """The file, mapped: of two gigabytes of weights a few kilobytes are looked at."""
    try:
        with open_file(path) as stream:
            size, head = os.fstat(stream.fileno()).st_size, stream.read(512)
            if size > MAX_BYTES:
                raise UsageError(f"{path} has {size:,} bytes; a .tflite file cannot be larger than {MAX_BYTES:,}")
            if head[4:8] == IDENTIFIER:
                return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", fix="./goldmask models.list") from error
    what = "an HTML page" if is_html(head) else "something else"
    what = "empty" if not head else what
    raise UsageError(f"{path} is not a .tflite model: it is {what}", fix="download the model file itself")


def damaged(path: Path) -> UsageError:
    """The error for a file that is a model no longer."""
    return UsageError(f"{path} is a truncated or damaged .tflite model", fix="download the model file again")


def _parse(data: mmap.mmap, path: Path) -> tuple[Graph, bytes | None]:
    """What the graph says, and the metadata buffer, with every length that is followed held against a bound."""
    import tflite

    dtypes = {value: name.lower() for name, value in vars(tflite.TensorType).items() if isinstance(value, int)}
    model = tflite.Model.GetRootAs(data, 0)
    for index in range(bounded(model.BuffersLength(), MAX_BUFFERS)):
        buffer = model.Buffers(index)
        # A cut file keeps its tables, which come first, and loses weights: only their extent tells.
        if buffer.DataLength() and buffer._tab.Vector(buffer._tab.Offset(4)) + buffer.DataLength() > len(data):
            raise damaged(path)
    if model.SubgraphsLength() < 1:
        raise damaged(path)

    def tensor(graph: tflite.SubGraph, index: int, alias: str = "") -> Tensor:
        found = graph.Tensors(index)
        bounded(max(found.ShapeSignatureLength(), found.ShapeLength()), MAX_DIMENSIONS)
        signature = found.ShapeSignatureAsNumpy() if found.ShapeSignatureLength() else found.ShapeAsNumpy()
        dtype = dtypes.get(found.Type(), f"type {found.Type()}")
        quantisation = found.Quantization()
        scales = quantisation.ScaleLength() if quantisation else 0
        scale = float(quantisation.Scale(0)) if scales == 1 else 0.0
        zero_point = int(quantisation.ZeroPoint(0)) if scales == 1 and quantisation.ZeroPointLength() else 0
        # A subnormal scale has no reciprocal in float32.
        if scale and not (SMALLEST_SCALE <= scale <= LARGEST_SCALE and zero_point in STEPS.get(dtype, ANY_STEP)):
            raise ValueError("a quantisation that no tensor has")
        return Tensor(
            name=string_of(found._tab, TENSOR_NAME),
            shape=tuple(int(size) for size in np.atleast_1d(signature)),
            dtype=dtype,
            scale=scale,
            zero_point=zero_point,
            alias=alias,
        )

    def ends(
        graph: tflite.SubGraph, ins: Mapping[int, str], outs: Mapping[int, str]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The inputs and outputs of a subgraph, with their names in a signature."""
        indices = [graph.Inputs(i) for i in range(bounded(graph.InputsLength(), MAX_TABLES))]
        inputs = tuple(tensor(graph, index, ins.get(index, "")) for index in indices)
        indices = [graph.Outputs(i) for i in range(bounded(graph.OutputsLength(), MAX_TABLES))]
        return inputs, tuple(tensor(graph, index, outs.get(index, "")) for index in indices)

    def signature(found: tflite.SignatureDef) -> Signature:
        subgraph = int(found.SubgraphIndex())
        if subgraph >= model.SubgraphsLength():
            raise ValueError("a signature of a subgraph that is not there")
        names = [
            {int(each(i).TensorIndex()): string_of(each(i)._tab, 0) for i in range(bounded(count(), MAX_TABLES))}
            for each, count in ((found.Inputs, found.InputsLength), (found.Outputs, found.OutputsLength))
        ]
        return Signature(string_of(found._tab, SIGNATURE_KEY), subgraph, *ends(model.Subgraphs(subgraph), *names))

    inputs, outputs = ends(model.Subgraphs(0), {}, {})
    metadata = None
    for index in range(bounded(model.MetadataLength(), MAX_TABLES)):
        entry = model.Metadata(index)
        buffer = model.Buffers(entry.Buffer())
        if string_of(entry._tab, METADATA_ENTRY_NAME) == METADATA_NAME and buffer.DataLength():
            bounded(buffer.DataLength(), MAX_METADATA_BYTES)
            metadata = buffer.DataAsNumpy().tobytes()
    signatures = tuple(
        signature(model.SignatureDefs(index)) for index in range(bounded(model.SignatureDefsLength(), MAX_TABLES))
    )
    codes = [model.OperatorCodes(index) for index in range(bounded(model.OperatorCodesLength(), MAX_BUFFERS))]
    operators = [(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), code) for code in codes]
    calls = any(kind in CALLING for kind, _ in operators)
    reached = {0, *(each.subgraph for each in signatures)}
    return Graph(
        inputs=inputs,
        outputs=outputs,
        signatures=signatures,
        stray_subgraphs=0 if calls else model.SubgraphsLength() - len(reached),
        custom_operators=tuple(string_of(code._tab, CUSTOM_CODE) for kind, code in operators if kind == CUSTOM),
    ), metadata


def bounded(count: int, most: int) -> int:
    """A length from the file, refused when it is more than any model has: in a file of zeros all may be true."""
    if count > most:
        raise ValueError("a vector longer than any model has")
    return count


def _metadata(buffer: bytes) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None, str | None]:
    """The first input's normalisation and the name of the first output's label file."""
    root = flatbuffers.table.Table(buffer, flatbuffers.encode.Get(flatbuffers.packer.uoffset, buffer, 0))
    subgraph = next(_tables(root, MODEL_SUBGRAPHS), None)
    if subgraph is None:
        return None, None, None
    mean = std = label_file = None
    for tensor in list(_tables(subgraph, SUBGRAPH_INPUTS))[:1]:
        for unit in _tables(tensor, TENSOR_PROCESS_UNITS):
            options = _field(unit, PROCESS_UNIT_OPTIONS)
            if options and _scalar(unit, PROCESS_UNIT_TYPE) == NORMALIZATION:
                table = flatbuffers.table.Table(buffer, unit.Indirect(unit.Pos + options))
                mean, std = _floats(table, NORMALIZATION_MEAN), _floats(table, NORMALIZATION_STD)
    for tensor in _tables(subgraph, SUBGRAPH_OUTPUTS):
        for file in _tables(tensor, TENSOR_ASSOCIATED_FILES):
            if label_file is None and _scalar(file, FILE_TYPE) in LABEL_FILE_TYPES and _field(file, FILE_NAME):
                label_file = string_of(file, FILE_NAME)
    return mean, std, label_file


def _field(table: flatbuffers.table.Table, number: int) -> int:
    offset: int = table.Offset(4 + 2 * number)
    return offset


def string_of(table: flatbuffers.table.Table, number: int) -> str:
    """The text of a string field, of at most MAX_NAME_BYTES; empty where the table has none."""
    offset = _field(table, number)
    if not offset:
        return ""
    start = table.Indirect(table.Pos + offset)
    length = bounded(table.Get(flatbuffers.number_types.Uint32Flags, start), MAX_NAME_BYTES)
    return bytes(table.Bytes[start + 4 : start + 4 + length]).decode("utf-8", "replace")


def _scalar(table: flatbuffers.table.Table, number: int) -> int:
    offset = _field(table, number)
    return table.Get(flatbuffers.number_types.Uint8Flags, table.Pos + offset) if offset else 0


def _tables(table: flatbuffers.table.Table, number: int) -> Iterator[flatbuffers.table.Table]:
    """The tables of a vector field."""
    offset = _field(table, number)
    if offset:
        start = table.Vector(offset)
        for index in range(bounded(table.VectorLen(offset), MAX_TABLES)):
            yield flatbuffers.table.Table(table.Bytes, table.Indirect(start + 4 * index))


def _floats(table: flatbuffers.table.Table, number: int) -> tuple[float, ...] | None:
    offset = _field(table, number)
    if not offset or not table.VectorLen(offset):
        return None
    count = bounded(table.VectorLen(offset), MAX_TABLES)
    return tuple(float(value) for value in np.frombuffer(table.Bytes, "<f4", count, table.Vector(offset)))


def _labels(data: mmap.mmap, name: str, path: Path) -> tuple[str, ...]:
    """The lines of the label file; associated files are a zip archive at the end of the model."""
    try:
        with zipfile.ZipFile(io.BytesIO(data[-MAX_ARCHIVE_BYTES:])) as archive:
            member = archive.getinfo(name)
            if member.file_size > MAX_LABEL_BYTES:
                raise UsageError(f"{path}: its label file {name} is larger than {MAX_LABEL_BYTES:,} bytes")
            if member.compress_type not in COMPRESSIONS:
                raise UsageError(f"{path}: its label file {name} is neither stored nor deflated, as the format has it")
            # Not archive.read, which inflates all that is there before it looks at how much there should be.
            with archive.open(member) as stream:
                text = stream.read(MAX_LABEL_BYTES + 1).decode("utf-8-sig", "replace")
    except (KeyError, EOFError, RuntimeError, OSError, ValueError, struct.error, *ARCHIVE_ERRORS) as error:
        raise UsageError(f"{path}: its metadata names a label file {name!r} that it does not carry") from error
    # A line is a class, blank or not. str.splitlines would also split within a name that has a U+2028.
    return tuple(line.strip() for line in text.removesuffix("\n").split("\n")) if text.strip() else ()
