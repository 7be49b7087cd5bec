"""The bundled model with a fault in one operator."""

from pathlib import Path

import numpy as np
from conftest import REPO

from goldmask.project.graph import load_graph

SHAPES = REPO / "models/shapes/shapes.tflite"
# A depthwise convolution in the middle of the network.
FAULTY = 26


def with_other_weights(path: Path, number: int = FAULTY) -> Path:
    """A copy of the bundled model, in which the weights of an operator are 1 % larger."""
    graph = load_graph(SHAPES)
    start, size = graph.tensors[graph.operators[number].inputs[1]].constant
    data = bytearray(SHAPES.read_bytes())
    weights = np.frombuffer(data, np.float32, size // 4, start)
    data[start : start + size] = (weights * np.float32(1.01)).tobytes()
    path.write_bytes(data)
    return path
