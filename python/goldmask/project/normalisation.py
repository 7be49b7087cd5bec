"""What pixels become in a quantised image tensor, and whether it can hold what a normalisation makes of them."""

import numpy as np

from ..contract.input_tensor import STEPS
from .declared import Normalisation
from .tflite import Tensor

Values = np.ndarray[tuple[int, int], np.dtype[np.float64]]
# What quantised pixels may be off by and still be the same step.
HALF_STEP = 0.5 + 1e-3
# A range of which a tensor holds no more than half is another range: -1 to 1 where it has 0 to 1.
LEAST_HELD = 0.55


def quantised_normalisation(tensor: Tensor) -> Normalisation:
    """What pixels must become so that the image tensor takes each as a step of its own.

    A quantised tensor holds (step - zero_point) * scale; pixel 0 is its lowest step and pixel 255 its highest.
    """
    lowest = -128 if tensor.dtype == "int8" else 0
    return (float(tensor.zero_point - lowest),), (1 / tensor.scale,)


def fits_uint8(tensor: Tensor, normalisation: Normalisation) -> bool:
    """Whether uint8 pixels as they are, are what a normalisation makes of them, to half a step.

    Without a scale they are numbers of their own and any normalisation is inside the model.
    """
    if not tensor.scale:
        return True
    pixels = np.array([[0.0], [255.0]])
    return bool((abs(_steps(tensor, normalisation, pixels) - pixels) <= HALF_STEP).all())


def can_hold(tensor: Tensor, normalisation: Normalisation) -> bool:
    """Whether a quantised image tensor can hold what a normalisation makes of black and white, to a step."""
    return _held(tensor, normalisation, np.array([[0.0], [255.0]])) == 1


def holds_most(tensor: Tensor, normalisation: Normalisation) -> bool:
    """Whether a quantised image tensor can hold what a normalisation makes of most pixels, to a step."""
    return _held(tensor, normalisation, np.arange(256.0)[:, None]) >= LEAST_HELD


def _held(tensor: Tensor, normalisation: Normalisation, pixels: Values) -> float:
    """The share of pixels that a tensor can hold; all of them without a scale."""
    if not tensor.scale or tensor.dtype not in STEPS:
        return 1.0
    steps = _steps(tensor, normalisation, pixels)
    lowest, highest = STEPS[tensor.dtype]
    inside = (steps >= lowest - 1 - HALF_STEP) & (steps <= highest + 1 + HALF_STEP)
    return float(inside.mean())


def _steps(tensor: Tensor, normalisation: Normalisation, pixels: Values) -> Values:
    """[pixels, 1 or channels]: the steps of normalised pixels, not yet rounded."""
    mean, std = (np.asarray(values) for values in normalisation)
    steps: Values = (pixels - mean) / std / tensor.scale + tensor.zero_point
    return steps
