"""Tasks `deeplab.*`: train, export and measure a DeepLab."""

from ..cli.command import command, deeplab_program


@command(name="train", example="./goldmask deeplab.train --steps 600 --out build/training")
def train(c, version="v3+", steps=0, seed=0, out=""):
    """Train a DeepLab on synthetic shapes; goes on where it stopped."""
    return deeplab_program().run_train(version, steps, seed, out)


@command(name="export", example="./goldmask deeplab.export --weights build/training")
def export(c, weights="", out="", head=""):
    """Write a trained model as float32, float16, dynamic-range and int8 .tflite with metadata, and score them."""
    return deeplab_program().run_export(weights, out, head)


@command(name="tradeoff", example="./goldmask deeplab.tradeoff --weights build/training")
def tradeoff(c, weights="", out=""):
    """Measure output strides and DeepLab versions: scores, latency, operations, memory."""
    return deeplab_program().run_tradeoff(weights, out)
