"""A model's output into a soft mask: a probability as it is, a logit's sigmoid, the softmax of scores at one class."""

from dataclasses import dataclass

import numpy as np

from .mask import Margins, Mask, Scores
from .soft import Soft, category, probabilities, sigmoid, softmax
from .tensors import OutputSpec

THRESHOLD = 0.5


@dataclass(frozen=True)
class SoftOutput:
    """A soft mask, the category mask that its threshold makes of it, and how far each pixel is from that.

    `margin` counts probability for float outputs, and quantisation steps of the output for integer ones.
    """

    soft: Soft
    mask: Mask
    margin: Margins


def is_soft(spec: OutputSpec) -> bool:
    """Whether an output makes a soft mask."""
    return spec.kind in ("probability", "logit")


def threshold_of(spec: OutputSpec) -> float:
    """Where class 1 of a soft mask begins: as declared, else at a half."""
    return THRESHOLD if spec.threshold is None else spec.threshold


def soft_from_scores(scores: Scores, spec: OutputSpec) -> SoftOutput:
    """The soft mask of an output [h, w, classes], floats or the steps of a quantised one.

    Of several logits the softmax is taken. Raises ValueError for what is no probability, for NaN, and for an output
    without the class that is asked for.
    """
    classes, foreground = scores.shape[-1], spec.foreground or 0
    if foreground >= classes or (spec.foreground is None and classes != 1):
        asked = "one" if spec.foreground is None else f"class {foreground}"
        raise ValueError(f"the output has {classes} values for each pixel, and {asked} is asked for")
    step = 0.0 if scores.dtype.kind == "f" else spec.scale
    if scores.dtype.kind != "f" and not step:
        raise ValueError(f"the output is {scores.dtype} without a scale, and no step of it is worth anything")
    values = scores.astype(np.float32)
    if step:
        values = (values - np.float32(spec.zero_point)) * np.float32(step)
    if spec.kind == "probability":
        soft = probabilities(values[..., foreground])
    else:
        soft = sigmoid(values[..., 0]) if classes == 1 else softmax(values, foreground)
    return of_soft(soft, spec, step)


def of_soft(soft: Soft, spec: OutputSpec, step: float = 0) -> SoftOutput:
    """A soft mask with what its threshold makes of it; `step` is the worth of a quantisation step of the output."""
    threshold = threshold_of(spec)
    mask, margin = category(soft, threshold)
    if step and spec.kind == "probability":
        margin = np.round(margin / np.float32(step))
    elif step:
        # A step more or less of any score moves the logit of the probability by that step at most.
        with np.errstate(divide="ignore"):
            logits = np.log(soft.astype(np.float64)) - np.log1p(-soft.astype(np.float64))
        margin = (np.abs(logits - np.log(threshold / (1 - threshold))) / step).astype(np.float32)
    return SoftOutput(soft, mask, margin)
