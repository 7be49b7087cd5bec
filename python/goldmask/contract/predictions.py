"""Given input tensors in, masks out: what a model predicts of what an app may have fed it. Used by diagnosis."""

import time
from collections.abc import Collection
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from .input_tensor import Tensor
from .mask import Mask, Scores

MASKS_FILE, SCORES_FILE = "masks.npy", "scores.npy"


@runtime_checkable
class TensorEngine(Protocol):
    """A loaded model that takes tensors."""

    def predict(self, tensor: Tensor) -> tuple[Mask, Scores | None]:
        """The mask of an input tensor [1, h, w, 3], and the scores unless it is a class map. Raises StageError."""


def write_predictions(
    engine: TensorEngine, tensors: Path, out: Path, scored: Collection[int], budget_s: float
) -> tuple[int, int]:
    """Predict the tensors of an .npy file [n, h, w, 3] in turn, until the time is over; how many were, and of how many.

    `out` gets masks.npy, uint8 [m, h, w], and scores.npy, float32 [k, h, w, classes], of those in `scored`.
    """
    end = time.monotonic() + budget_s
    inputs = np.load(tensors, mmap_mode="r", allow_pickle=False)
    masks, scores = [], []
    for index, tensor in enumerate(inputs):
        if index and time.monotonic() >= end:
            break
        mask, output = engine.predict(tensor[None])
        masks.append(mask)
        if index in scored and output is not None:
            scores.append(output)
    out.mkdir(parents=True, exist_ok=True)
    if scores:
        np.save(out / SCORES_FILE, np.stack(scores))
    np.save(out / MASKS_FILE, np.stack(masks))
    return len(masks), len(inputs)


def read_predictions(out: Path) -> tuple[list[Mask], list[Scores]]:
    """What `write_predictions` wrote. Raises OSError or ValueError where that is not there or damaged."""
    masks = np.load(out / MASKS_FILE, allow_pickle=False)
    scores = np.load(out / SCORES_FILE, allow_pickle=False) if (out / SCORES_FILE).is_file() else ()
    return list(masks), list(scores)
