"""Soft masks: how sure a model is of each pixel, as 16-bit grayscale PNGs with the worth of one step."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from . import png
from .errors import RunError
from .mask import COLOURS, FIX, Margins, Mask, Scores, mask_size

# [h, w]: the foreground's probability of each pixel; the samples that a file has of it.
Soft = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Samples = np.ndarray[tuple[int, int], np.dtype[np.uint16]]
DEPTH, MAX_SAMPLE = 16, (1 << 16) - 1
# What one step of the files of this project is worth: the highest sample stands for 1.
SCALE = 1 / MAX_SAMPLE
# Rounding of a runtime's own sigmoid or softmax; what is farther outside of 0 to 1 is no probability.
SLACK = 1e-3


def encode_soft(soft: Soft) -> bytes:
    """Probabilities, float [h, w] from 0 to 1, as a 16-bit grayscale PNG in steps of `SCALE`, half up."""
    steps = np.clip(soft.astype(np.float64), 0, 1) * MAX_SAMPLE + 0.5
    stream = io.BytesIO()
    Image.fromarray(steps.astype(np.uint16)).save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def decode_soft(data: bytes, path: Path, scale: float) -> Soft:
    """The probabilities, float32 [h, w], that the bytes of a soft mask's PNG store in steps of `scale`.

    `path` is for the error's sentence. Raises RunError for anything but a whole 16-bit grayscale PNG.
    """
    mask_size(data, path)  # which bounds it before a pixel is decoded
    header = png.read_header(data)
    if header.colour != png.GRAY or header.depth != DEPTH:
        kind = f"{header.depth}-bit {COLOURS[header.colour]}"
        raise RunError(f"mask {path} is a {kind} picture, not a soft mask", fix="write a 16-bit grayscale PNG")
    try:
        for _ in png.scanlines(data, header):
            pass
        samples = _samples(data)
    except (png.DamagedPng, OSError, SyntaxError, ValueError) as error:
        raise RunError(f"mask {path} is damaged: {error}", fix=FIX) from error
    levels = (np.arange(MAX_SAMPLE + 1) * scale).astype(np.float32)
    return levels[samples]


def probabilities(values: Soft) -> Soft:
    """Values that are probabilities, limited to 0 to 1. Raises ValueError where they are none."""
    lowest, highest = float(values.min()), float(values.max())
    if not (lowest >= -SLACK and highest <= 1 + SLACK):  # also NaN
        raise ValueError(f"the output has values from {lowest:g} to {highest:g}, which are no probabilities")
    return np.clip(values, 0, 1).astype(np.float32)


def sigmoid(logits: Soft) -> Soft:
    """1 / (1 + e^-x) of each logit, in float64 and rounded once. Raises ValueError where one is NaN."""
    if np.isnan(logits).any():
        raise ValueError("the output has NaN scores")
    with np.errstate(over="ignore"):  # e^710 is infinite, and its probability rightly 0
        return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)


def softmax(scores: Scores, index: int) -> Soft:
    """The softmax of [h, w, classes] at one class, in float64 and rounded once. Raises ValueError for NaN scores."""
    exact = scores.astype(np.float64)
    if np.isnan(exact).any():
        raise ValueError("the output has NaN scores")
    powers = np.exp(exact - exact.max(axis=-1, keepdims=True))
    soft: Soft = (powers[..., index] / powers.sum(axis=-1)).astype(np.float32)
    return soft


def category(soft: Soft, threshold: float) -> tuple[Mask, Margins]:
    """The category mask that a soft mask implies, 1 from `threshold` on, and each pixel's distance from it."""
    return (soft >= np.float32(threshold)).astype(np.uint8), np.abs(soft - np.float32(threshold))


def _samples(data: bytes) -> Samples:
    """What Pillow reads of the chunks that hold pixels; of the others, such as transparency, it knows nothing."""
    held = [png.chunk(kind, body) for kind, body in png.chunks(data) if kind in (b"IHDR", b"IDAT", b"IEND")]
    with Image.open(io.BytesIO(png.SIGNATURE + b"".join(held)), formats=("PNG",)) as image:
        return np.array(image, np.uint16)
