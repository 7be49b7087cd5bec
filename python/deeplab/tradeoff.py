"""What resolution and each DeepLab version cost and bring: scores, latency, operations and memory, row by row."""

import csv
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import keras
import matplotlib
import tensorflow as tf

from goldmask.contract.errors import UsageError
from goldmask.machine.scratch import scratch_folder

from .builder import OUTPUT_STRIDES
from .evaluate import evaluate, tflite_logits
from .export import convert
from .graph import peak_activation_bytes, read_graph
from .synthetic import LABELS
from .train import Recipe

matplotlib.use("Agg")  # plots are files; a display may be missing
from matplotlib import pyplot

LATENCY_RUNS = 30


@dataclass(frozen=True)
class Row:
    """One model, measured as a float32 .tflite file."""

    version: str
    output_stride: int
    miou: float
    boundary_f: float
    latency_ms: float  # median of LATENCY_RUNS single-threaded runs on this machine
    mflops: float  # of convolutions for one image; a multiply-add counts as two
    peak_memory_mb: float  # activations alive at once, see graph.peak_activation_bytes; 1 MB is 10**6 bytes
    parameters: int


def tradeoff_of_strides(
    recipe: Recipe, weights: Path, data: tf.data.Dataset, report: Callable[[Row], None] = lambda row: None
) -> list[Row]:
    """A row per output stride, all from the one `weights` file that `recipe` trained (v1 section 3.1, v3 table 6)."""
    rows = []
    for output_stride in OUTPUT_STRIDES:
        model = recipe.model(output_stride)
        model.load_weights(weights)
        rows.append(measure(model, recipe.version, output_stride, data))
        report(rows[-1])
    return rows


def tradeoff_of_versions(
    trained: Sequence[tuple[Recipe, Path]], data: tf.data.Dataset, report: Callable[[Row], None] = lambda row: None
) -> list[Row]:
    """A row per (recipe, weights file) at the output stride it was trained at."""
    rows = []
    for recipe, weights in trained:
        model = recipe.model()
        model.load_weights(weights)
        rows.append(measure(model, recipe.version, recipe.output_stride, data))
        report(rows[-1])
    return rows


def measure(model: keras.Model, version: str, output_stride: int, data: tf.data.Dataset) -> Row:
    """Score and measure one model over batches of (float32 images [n, h, w, 3] in [-1, 1], uint8 masks [n, h, w])."""
    with scratch_folder() as folder:
        path = folder / "model.tflite"
        path.write_bytes(convert(model, "float32"))
        scores = evaluate(path, data, len(LABELS))
        return Row(
            version=version,
            output_stride=output_stride,
            miou=scores.miou,
            boundary_f=scores.boundary_f,
            latency_ms=_latency_ms(path, data),
            mflops=convolution_flops(model) / 1e6,
            peak_memory_mb=peak_activation_bytes(read_graph(path)) / 1e6,
            parameters=model.count_params(),
        )


def convolution_flops(model: keras.Model) -> int:
    """Floating-point operations of all convolutions for one image; a multiply-add counts as two."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            height, width = layer.output.shape[1:3]
            # The output channels are in the kernel already: [k, k, in, out], and [k, k, channels, 1] when depthwise.
            kernel = layer.kernel.shape
            total += 2 * height * width * kernel[0] * kernel[1] * kernel[2] * kernel[3]
    return total


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """The rows as CSV. Raises UsageError for an empty table."""
    if not rows:
        raise UsageError("there are no rows to write", "measure 1 or more models")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        writer.writeheader()
        for row in rows:
            values = asdict(row)
            writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in values.items()})


def conclusion(rows: Sequence[Row]) -> str:
    """One sentence: what the decoder of v3+ does for boundaries (v3+ section 4.4).

    Raises UsageError when either version is missing from the rows.
    """
    boundary = {row.version: row.boundary_f for row in rows}
    if not {"v3", "v3+"} <= boundary.keys():
        raise UsageError(
            f"rows of {', '.join(sorted(boundary)) or 'no version'} cannot be compared", "measure v3 and v3+"
        )
    gain = boundary["v3+"] - boundary["v3"]
    verb = "raises" if gain > 0 else "does not raise"
    numbers = f"{boundary['v3+']:.3f} against {boundary['v3']:.3f} for v3 ({gain:+.3f})"
    return f"The decoder of v3+ {verb} boundary F: {numbers}."


def draw_rows(rows: Sequence[Row], path: Path) -> None:
    """The rows as a PNG: both scores against latency, operations and memory."""
    axes_of = (("latency_ms", "latency (ms, 1 thread)"), ("mflops", "MFLOPs"), ("peak_memory_mb", "peak memory (MB)"))
    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.6), sharey=True, layout="constrained")
    for axis, (name, label) in zip(axes, axes_of, strict=True):
        costs = [getattr(row, name) for row in rows]
        axis.scatter(costs, [row.miou for row in rows], label="mIoU")
        axis.scatter(costs, [row.boundary_f for row in rows], marker="^", label="boundary F")
        for index, (row, cost) in enumerate(zip(rows, costs, strict=True)):
            # Above and below in turn: neighbours often cost nearly the same.
            offset, side = ((0, 6), "bottom") if index % 2 else ((0, -6), "top")
            axis.annotate(
                f"{row.version} /{row.output_stride}",
                (cost, row.miou),
                offset,
                textcoords="offset points",
                fontsize=8,
                ha="center",
                va=side,
            )
        axis.set(xlabel=label, xlim=(0, 1.15 * max(costs)))
        axis.margins(y=0.15)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("score on held-out images")
    axes[0].legend()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def _latency_ms(path: Path, data: tf.data.Dataset) -> float:
    logits_of = tflite_logits(path)
    image = next(iter(data))[0][:1].numpy()
    for _ in range(3):
        logits_of(image)
    times = []
    for _ in range(LATENCY_RUNS):
        started = time.perf_counter()
        logits_of(image)
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)
