"""From a trained Keras model to .tflite files that the plain Interpreter and the Task Library both take."""

import contextlib
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from goldmask.contract.errors import RunError, UsageError
from goldmask.machine import pep723
from goldmask.machine.scratch import scratch_folder
from goldmask.targets import python

from .builder import PIXEL_MEAN, PIXEL_STD
from .evaluate import open_interpreter

PRECISIONS = ("float32", "float16", "dynamic", "int8")
METADATA_WRITER = "metadata_writer.py"
METADATA_PYTHON = python.interpreter_of("lib_task_api")


def export(
    model: keras.Model,
    precision: str,
    samples: Iterable[np.ndarray],
    out: Path,
    labels: Sequence[str],
    name: str,
    description: str,
) -> Path:
    """Write `model` to `out` with its metadata; returns `out`.

    "float32", "float16" (weights stored in half) and "dynamic" (weights in int8, arithmetic chosen at run time) take a
    float32 input in [-1, 1] and give float32 logits [1, h, w, classes]. "int8" computes in integers throughout, takes
    the bytes of the image as they are, and gives uint8 logits. `samples` are float32 images [h, w, 3] in [-1, 1] from
    the training split, needed by "int8" only. Raises UsageError for an unknown precision, for no samples, or for labels
    that do not fit the model, and RunError when the Task Library refuses the file.
    """
    if len(labels) != model.output_shape[-1]:
        raise UsageError(
            f"{len(labels)} labels do not fit a model of {model.output_shape[-1]} classes",
            f"give {model.output_shape[-1]} labels, one per class",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    bare = convert(model, precision, samples)
    write_metadata(bare, out, labels, name, f"{description} Weights: {precision}.")
    return out


def convert(model: keras.Model, precision: str, samples: Iterable[np.ndarray] = ()) -> bytes:
    """The bytes of a .tflite file of batch 1, without metadata; see `export`."""
    if precision not in PRECISIONS:
        raise UsageError(f"precision {precision!r} is unknown", f"use one of {', '.join(PRECISIONS)}")
    # A dynamic batch would leave shape arithmetic in the graph and keep dilated convolutions from being fused.
    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, model(image)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        calibration = [sample[None] for sample in samples]
        if not calibration:
            raise UsageError("int8 needs images to measure value ranges on", "give 1 or more samples; 200 do well")
        calibration.append(_full_range(model.input_shape[1:]))
        converter.representative_dataset = lambda: ([sample] for sample in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        # The Task Library 0.4.4 takes float32 and uint8 only. Quantised scores, not scores turned back into floats:
        # margins then count steps, by which a tie that another kernel rounds differently is known for one.
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    # Keras prints the signature of the SavedModel it makes on the way (3.15); a library does not print.
    with contextlib.redirect_stdout(io.StringIO()):
        content = converter.convert()
    if precision == "int8":
        _check_bytes_pass_unchanged(content)
    return content


def write_metadata(model: bytes, out: Path, labels: Sequence[str], name: str, description: str) -> None:
    """Add metadata and labels to a model's bytes and write `out`, in the tflite-support environment.

    The writer also opens the result in the Task Library. Raises RunError with its message when that fails, and
    EnvironmentMissing where tflite-support cannot be installed.
    """
    with scratch_folder() as folder:
        (folder / "model.tflite").write_bytes(model)
        request = {
            "model": "model.tflite",
            "out": str(out.resolve()),
            "name": name,
            "description": description,
            "version": "1",
            "mean": PIXEL_MEAN,
            "std": PIXEL_STD,
            "labels": list(labels),
        }
        path = folder / "request.json"
        path.write_text(json.dumps(request), encoding="utf-8")
        logs = out.parent / "logs"
        script = pep723.references() / METADATA_WRITER
        pep723.prepare(script, METADATA_PYTHON, logs)
        done = pep723.run(script, METADATA_PYTHON, path, log=logs / "metadata.log", deadline_s=300)
        if done.code:
            raise RunError(f"the metadata writer failed: {pep723.reason(done)}", fix=f"cat {done.log}")


def _full_range(shape: tuple[int, ...]) -> np.ndarray:
    """A black and white image, so that the measured range of the input is all of [-1, 1]."""
    sample = np.ones((1, *shape), np.float32)
    sample[:, ::2] = -1
    return sample


def _check_bytes_pass_unchanged(content: bytes) -> None:
    """The Task Library copies bytes into a uint8 input without asking for its scale, so 0..255 must mean -1..1."""
    scale, zero_point = open_interpreter(model_content=content).get_input_details()[0]["quantization"]
    low, high = (0 - zero_point) * scale, (255 - zero_point) * scale
    if max(abs(low + 1), abs(high - 1)) > 1 / PIXEL_STD:
        raise UsageError(
            f"the int8 model reads bytes as {low:.3f} to {high:.3f} instead of -1 to 1", "give samples within [-1, 1]"
        )
