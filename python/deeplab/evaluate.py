"""Masks and scores of a Keras model or an exported .tflite file over the same data."""

import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from goldmask.contract.errors import UsageError

from .score import Scores, Tally


def evaluate(model: keras.Model | Path, data: tf.data.Dataset, classes: int) -> Scores:
    """Scores of a model over batches of (float32 images [n, h, w, 3] in [-1, 1], uint8 masks [n, h, w]).

    Raises UsageError when the data has no image or the model does not give `classes` classes.
    """
    masks_of = segmenter(model, classes)
    tally = Tally(classes)
    for images, truths in data:
        for truth, mask in zip(truths.numpy(), masks_of(images.numpy()), strict=True):
            tally.add(truth, mask)
    if not tally.images:
        raise UsageError("there is no image to evaluate on", "use data of 1 or more images")
    return tally.scores()


def agreement(one: keras.Model | Path, other: keras.Model | Path, data: tf.data.Dataset, classes: int) -> float:
    """The part of all pixels, 0 to 1, that two models give the same class. Raises UsageError on data without images."""
    one_masks, other_masks = segmenter(one, classes), segmenter(other, classes)
    same = pixels = 0
    for images, _ in data:
        a, b = one_masks(images.numpy()), other_masks(images.numpy())
        same += int((a == b).sum())
        pixels += a.size
    if not pixels:
        raise UsageError("there is no image to compare on", "use data of 1 or more images")
    return same / pixels


def segmenter(model: keras.Model | Path, classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from float32 images [n, h, w, 3] in [-1, 1] to uint8 masks [n, h, w].

    A pixel's class is the index of its largest logit, the first of equals.
    """
    logits_of = tflite_logits(model) if isinstance(model, Path) else model.predict_on_batch

    def masks_of(images: np.ndarray) -> np.ndarray:
        logits = logits_of(images)
        if logits.shape[-1] != classes:
            raise UsageError(
                f"the model gives {logits.shape[-1]} classes and the data has {classes}",
                f"use a model of {classes} classes",
            )
        return logits.argmax(-1).astype(np.uint8)

    return masks_of


def tflite_logits(path: Path, threads: int = 1) -> Callable[[np.ndarray], np.ndarray]:
    """A function from float32 images [n, h, w, 3] in [-1, 1] to float32 logits [n, h, w, classes]."""
    interpreter = open_interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape = tuple(int(extent) for extent in source["shape"][1:])

    def logits_of(images: np.ndarray) -> np.ndarray:
        if images.shape[1:] != shape:
            raise UsageError(
                f"{path.name} cannot take images of shape {images.shape[1:]}", f"use images of shape {shape}"
            )
        return np.concatenate([_invoke(interpreter, source, result, image[None]) for image in images])

    return logits_of


def open_interpreter(**options) -> tf.lite.Interpreter:
    """A tf.lite.Interpreter without its advice to use LiteRT, which this package needs no second runtime for."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated")
        return tf.lite.Interpreter(**options)


def _invoke(interpreter: tf.lite.Interpreter, source: dict, result: dict, image: np.ndarray) -> np.ndarray:
    if np.issubdtype(source["dtype"], np.integer):
        scale, zero_point = source["quantization"]
        limits = np.iinfo(source["dtype"])
        image = np.clip(np.round(image / scale) + zero_point, limits.min, limits.max).astype(source["dtype"])
    interpreter.set_tensor(source["index"], image)
    interpreter.invoke()
    logits = interpreter.get_tensor(result["index"])
    if np.issubdtype(result["dtype"], np.integer):
        scale, zero_point = result["quantization"]
        logits = (logits.astype(np.float32) - zero_point) * scale
    return logits
