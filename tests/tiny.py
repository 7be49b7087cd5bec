"""Tiny segmentation models for tests, written tensor by tensor: a real .tflite in a few hundred bytes.

Each of them scores three classes by the red, green and blue of a pixel, so a test knows the right mask by looking
at its picture.
"""

import io
import zipfile
from dataclasses import dataclass, field

import flatbuffers
import numpy as np
import tflite

CODES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "int8": 9, "float16": 1}
CONV_2D, ARG_MAX, ADD, CAST, CUSTOM = 3, 56, 0, 53, 32


@dataclass
class Graph:
    """Tensors and operators as they are added; `build` makes the file."""

    tensors: list[tuple] = field(default_factory=list)
    operators: list[tuple] = field(default_factory=list)

    def tensor(self, name, shape, dtype, scale=None, zero_point=0, data=None) -> int:
        """Add a tensor; `data` makes it a constant. Returns its index."""
        self.tensors.append((name, shape, dtype, scale, zero_point, data))
        return len(self.tensors) - 1

    def operator(self, code, inputs, outputs) -> None:
        """Add an operator: the number of one of TensorFlow Lite's own, or the name of a custom one."""
        self.operators.append((code, inputs, outputs))

    def build(self, inputs, outputs, metadata: bytes | None = None) -> bytes:
        """The .tflite file."""
        builder = flatbuffers.Builder(4096)
        buffers = [self._buffer(builder, None)]
        entries = []
        if metadata is not None:
            buffers.append(self._buffer(builder, np.frombuffer(metadata, np.uint8)))
            entries.append(self._metadata(builder, len(buffers) - 1))
        tensors = []
        for name, shape, dtype, scale, zero_point, data in self.tensors:
            buffers.append(self._buffer(builder, data))
            tensors.append(self._tensor(builder, name, shape, dtype, scale, zero_point, len(buffers) - 1))
        codes = sorted({code for code, _, _ in self.operators}, key=lambda code: (isinstance(code, str), code))
        operators = [self._operator(builder, codes.index(code), code, ins, outs) for code, ins, outs in self.operators]
        opcodes = [self._opcode(builder, code) for code in codes]
        tensors_vector = _vector(builder, tensors)
        operators_vector = _vector(builder, operators)
        input_vector, output_vector = _ints(builder, inputs), _ints(builder, outputs)
        tflite.SubGraphStart(builder)
        tflite.SubGraphAddTensors(builder, tensors_vector)
        tflite.SubGraphAddInputs(builder, input_vector)
        tflite.SubGraphAddOutputs(builder, output_vector)
        tflite.SubGraphAddOperators(builder, operators_vector)
        graph = tflite.SubGraphEnd(builder)
        graphs, opcode_vector, buffer_vector, metadata_vector = (
            _vector(builder, each) for each in ([graph], opcodes, buffers, entries)
        )
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, 3)
        tflite.ModelAddOperatorCodes(builder, opcode_vector)
        tflite.ModelAddSubgraphs(builder, graphs)
        tflite.ModelAddBuffers(builder, buffer_vector)
        tflite.ModelAddMetadata(builder, metadata_vector)
        builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    @staticmethod
    def _buffer(builder, data) -> int:
        content = builder.CreateNumpyVector(np.frombuffer(data.tobytes(), np.uint8)) if data is not None else None
        tflite.BufferStart(builder)
        if content is not None:
            tflite.BufferAddData(builder, content)
        return tflite.BufferEnd(builder)

    @staticmethod
    def _metadata(builder, buffer) -> int:
        name = builder.CreateString("TFLITE_METADATA")
        tflite.MetadataStart(builder)
        tflite.MetadataAddName(builder, name)
        tflite.MetadataAddBuffer(builder, buffer)
        return tflite.MetadataEnd(builder)

    @staticmethod
    def _tensor(builder, name, shape, dtype, scale, zero_point, buffer) -> int:
        label, dims = builder.CreateString(name), _ints(builder, shape)
        quantisation = None
        if scale is not None:
            scales = builder.CreateNumpyVector(np.array([scale], np.float32))
            zeros = builder.CreateNumpyVector(np.array([zero_point], np.int64))
            tflite.QuantizationParametersStart(builder)
            tflite.QuantizationParametersAddScale(builder, scales)
            tflite.QuantizationParametersAddZeroPoint(builder, zeros)
            quantisation = tflite.QuantizationParametersEnd(builder)
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, dims)
        tflite.TensorAddType(builder, CODES[dtype])
        tflite.TensorAddBuffer(builder, buffer)
        tflite.TensorAddName(builder, label)
        if quantisation is not None:
            tflite.TensorAddQuantization(builder, quantisation)
        return tflite.TensorEnd(builder)

    @staticmethod
    def _operator(builder, index, code, inputs, outputs) -> int:
        ins, outs = _ints(builder, inputs), _ints(builder, outputs)
        kind, options = None, None
        if code == CONV_2D:
            tflite.Conv2DOptionsStart(builder)
            tflite.Conv2DOptionsAddStrideW(builder, 1)
            tflite.Conv2DOptionsAddStrideH(builder, 1)
            kind, options = tflite.BuiltinOptions.Conv2DOptions, tflite.Conv2DOptionsEnd(builder)
        elif code == ARG_MAX:
            tflite.ArgMaxOptionsStart(builder)
            tflite.ArgMaxOptionsAddOutputType(builder, CODES["int32"])
            kind, options = tflite.BuiltinOptions.ArgMaxOptions, tflite.ArgMaxOptionsEnd(builder)
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, index)
        tflite.OperatorAddInputs(builder, ins)
        tflite.OperatorAddOutputs(builder, outs)
        if options is not None:
            tflite.OperatorAddBuiltinOptionsType(builder, kind)
            tflite.OperatorAddBuiltinOptions(builder, options)
        return tflite.OperatorEnd(builder)

    @staticmethod
    def _opcode(builder, code) -> int:
        custom = None
        if isinstance(code, str):
            custom, code = builder.CreateString(code), CUSTOM
        tflite.OperatorCodeStart(builder)
        if custom is not None:
            tflite.OperatorCodeAddCustomCode(builder, custom)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, code)
        tflite.OperatorCodeAddBuiltinCode(builder, code)
        tflite.OperatorCodeAddVersion(builder, 3 if code == CONV_2D else 1)
        return tflite.OperatorCodeEnd(builder)


def _vector(builder, offsets) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _ints(builder, values) -> int:
    return builder.CreateNumpyVector(np.array(values, np.int32))


def labels_metadata(name: str = "labels.txt") -> bytes:
    """Metadata (metadata_schema.fbs 1.x) that names the label file of the only output, and nothing else."""
    builder = flatbuffers.Builder(256)

    def table(fields: int, slot: int, offset: int, kind: int = 0) -> int:
        builder.StartObject(fields)
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        if kind:
            builder.PrependInt8Slot(2, kind, 0)
        return builder.EndObject()

    file = table(3, 0, builder.CreateString(name), kind=2)  # TENSOR_AXIS_LABELS
    tensor = table(7, 6, _vector(builder, [file]))
    graph = table(4, 3, _vector(builder, [tensor]))
    builder.Finish(table(4, 3, _vector(builder, [graph])), file_identifier=b"M001")
    return bytes(builder.Output())


def labelled(text: str | bytes, channels=3, name="labels.txt") -> bytes:
    """A model of `scores` whose metadata has a label file: a zip archive behind the model."""
    archive = io.BytesIO(scores(channels=channels, metadata=labels_metadata(name)))
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as files:
        files.writestr("labels.txt", text)
    return archive.getvalue()


def scores(
    dtype="float32",
    height=8,
    width=8,
    channels=3,
    weight=1.0,
    in_channels=3,
    metadata: bytes | None = None,
    trained: np.ndarray | None = None,
) -> bytes:
    """Logits [1, height, width, channels] through a 1×1 convolution; class = strongest of red, green and blue.

    `trained`, float [channels, in_channels] in -1 to 1, are other weights than those that tell the colours apart.
    """
    graph = Graph()
    kernel = np.zeros((channels, 1, 1, in_channels), np.float32)
    for index in range(min(channels, in_channels)):
        kernel[index, 0, 0, index] = weight
    if trained is not None:
        kernel[:, 0, 0, :] = trained
    image_shape, output_shape = [1, height, width, in_channels], [1, height, width, channels]
    if dtype == "float32":
        image = graph.tensor("image", image_shape, "float32")
        weights = graph.tensor("weights", kernel.shape, "float32", data=kernel)
        bias = graph.tensor("bias", [channels], "float32", data=np.zeros(channels, np.float32))
        logits = graph.tensor("logits", output_shape, "float32")
    else:
        scale, zero = 1 / 127.5, 128 if dtype == "uint8" else 0
        quantised = np.clip(np.round(kernel * 127) + (128 if dtype == "uint8" else 0), -128, 255)
        image = graph.tensor("image", image_shape, dtype, scale, zero)
        weights = graph.tensor("weights", kernel.shape, dtype, 1 / 127, zero, quantised.astype(dtype))
        bias = graph.tensor("bias", [channels], "int32", scale / 127, 0, np.zeros(channels, np.int32))
        logits = graph.tensor("logits", output_shape, dtype, scale, zero)
    graph.operator(CONV_2D, [image, weights, bias], [logits])
    return graph.build([image], [logits], metadata)


def class_map(dtype="int32", height=8, width=8, offset=0, image_dtype="float32") -> bytes:
    """Class indices [1, height, width], the strongest of red, green and blue plus `offset`."""
    graph = Graph()
    quantised = (
        {} if image_dtype == "float32" else {"scale": 1 / 127.5, "zero_point": 128 if image_dtype == "uint8" else 0}
    )
    image = graph.tensor("image", [1, height, width, 3], image_dtype, **quantised)
    axis = graph.tensor("axis", [1], "int32", data=np.array([3], np.int32))
    last = graph.tensor("winner", [1, height, width], "int32")
    graph.operator(ARG_MAX, [image, axis], [last])
    if offset:
        by = graph.tensor("offset", [1], "int32", data=np.array([offset], np.int32))
        shifted = graph.tensor("shifted", [1, height, width], "int32")
        graph.operator(ADD, [last, by], [shifted])
        last = shifted
    if dtype != "int32":
        cast = graph.tensor("classes", [1, height, width], dtype)
        graph.operator(CAST, [last], [cast])
        last = cast
    return graph.build([image], [last])


def scored_class_map() -> bytes:
    """Class indices [1, 8, 8] of a 1×1 convolution's scores: XNNPACK takes the convolution and has no ARG_MAX."""
    graph = Graph()
    image = graph.tensor("image", [1, 8, 8, 3], "float32")
    weights = graph.tensor("weights", [3, 1, 1, 3], "float32", data=np.eye(3, dtype=np.float32).reshape(3, 1, 1, 3))
    bias = graph.tensor("bias", [3], "float32", data=np.zeros(3, np.float32))
    logits = graph.tensor("logits", [1, 8, 8, 3], "float32")
    axis = graph.tensor("axis", [1], "int32", data=np.array([3], np.int32))
    winner = graph.tensor("winner", [1, 8, 8], "int32")
    graph.operator(CONV_2D, [image, weights, bias], [logits])
    graph.operator(ARG_MAX, [logits, axis], [winner])
    return graph.build([image], [winner])


def custom(operator: str) -> bytes:
    """Scores [1, 8, 8, 3] that a custom operator makes of the image."""
    graph = Graph()
    image = graph.tensor("image", [1, 8, 8, 3], "float32")
    logits = graph.tensor("logits", [1, 8, 8, 3], "float32")
    graph.operator(operator, [image], [logits])
    return graph.build([image], [logits])


def half_input() -> bytes:
    """A model whose image tensor is float16, which no runtime takes from a camera."""
    graph = Graph()
    image = graph.tensor("image", [1, 8, 8, 3], "float16")
    logits = graph.tensor("logits", [1, 8, 8, 3], "float32")
    graph.operator(CAST, [image], [logits])
    return graph.build([image], [logits])


def two_outputs() -> bytes:
    """A model with two outputs that could both be the mask."""
    graph = Graph()
    image = graph.tensor("image", [1, 8, 8, 3], "float32")
    outputs = [graph.tensor(name, [1, 8, 8, 3], "float32") for name in ("left", "right")]
    for output in outputs:
        graph.operator(CAST, [image], [output])
    return graph.build([image], outputs)
