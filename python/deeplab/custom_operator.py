"""MediaPipe's transposed convolution as TensorFlow Lite's own, for runtimes that do not have MediaPipe's operators.

PYTHONPATH=python python -m deeplab.custom_operator IN.tflite OUT.tflite
"""

import struct
import sys
from pathlib import Path

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from goldmask.contract.errors import UsageError

CUSTOM = b"Convolution2DTransposeBias"
# The version of TRANSPOSE_CONV that takes a bias.
VERSION = 3
# TfLiteTransposeConvParams, which the operator carries as bytes: padding, and the strides of columns and rows.
OPTIONS = struct.Struct("<iii")
PADDINGS = {1: schema.Padding.SAME, 2: schema.Padding.VALID}


def with_builtin(model: bytes) -> bytes:
    """A .tflite file in which TRANSPOSE_CONV stands for each Convolution2DTransposeBias; nothing else is changed.

    Both take the same weights and bias; TRANSPOSE_CONV wants the output's shape as well. Raises UsageError for a file
    without that operator.
    """
    content = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    found = [index for index, code in enumerate(content.operatorCodes) if code.customCode == CUSTOM]
    if len(found) != 1:
        raise UsageError(f"the file has no {CUSTOM.decode()}", "it needs no change")
    code = content.operatorCodes[found[0]]
    code.customCode, code.version = None, VERSION
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
    for graph in content.subgraphs:
        for operator in graph.operators:
            if operator.opcodeIndex == found[0]:
                _exchange(content, graph, operator)
    builder = flatbuffers.Builder(len(model))
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _exchange(content: schema.ModelT, graph: schema.SubGraphT, operator: schema.OperatorT) -> None:
    shape = schema.BufferT()
    shape.data = np.frombuffer(np.array(graph.tensors[operator.outputs[0]].shape, np.int32).tobytes(), np.uint8)
    content.buffers.append(shape)
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape = b"output_shape", schema.TensorType.INT32, np.array([4], np.int32)
    tensor.buffer = len(content.buffers) - 1
    graph.tensors.append(tensor)
    image, weights, bias = operator.inputs
    padding, stride_w, stride_h = OPTIONS.unpack(bytes(operator.customOptions)[: OPTIONS.size])
    options = schema.TransposeConvOptionsT()
    options.padding, options.strideW, options.strideH = PADDINGS[padding], stride_w, stride_h
    operator.inputs = np.array([len(graph.tensors) - 1, weights, image, bias], np.int32)
    operator.customOptions = None
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.TransposeConvOptions, options


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    target.write_bytes(with_builtin(source.read_bytes()))
