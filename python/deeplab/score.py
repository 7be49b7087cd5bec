"""How good a model's masks are against the truth, over a whole data set, by the metrics of goldmask.compare."""

from dataclasses import dataclass, field

import numpy as np

from goldmask.verdict.metrics import boundary_counts, boundary_f, class_iou, confusion_matrix

BOUNDARY_PX = 1.5  # the pixel itself and its eight neighbours: what is left to see of an edge in a 129-pixel mask


@dataclass(frozen=True)
class Scores:
    """All between 0 and 1. A class absent from both truth and prediction has IoU None and is left out of the mean."""

    images: int
    pixel_accuracy: float
    miou: float
    class_iou: tuple[float | None, ...]
    boundary_f: float


@dataclass
class Tally:
    """Counts over any number of mask pairs."""

    classes: int
    images: int = 0
    confusion: np.ndarray = field(init=False)  # int64 [truth, prediction]
    edges: np.ndarray = field(init=False)  # int64 [classes, 4], see compare.boundary_counts

    def __post_init__(self) -> None:
        self.confusion = np.zeros((self.classes, self.classes), np.int64)
        self.edges = np.zeros((self.classes, 4), np.int64)

    def add(self, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Count one pair of uint8 masks [h, w] of class indices."""
        self.images += 1
        self.confusion += confusion_matrix(truth, prediction, self.classes)
        self.edges += boundary_counts(truth, prediction, range(self.classes), BOUNDARY_PX)

    def scores(self) -> Scores:
        """Scores over everything added; the boundary F is the mean over classes that have a boundary."""
        iou = class_iou(self.confusion)
        bounded = self.edges.any(axis=1)
        return Scores(
            images=self.images,
            pixel_accuracy=float(self.confusion.trace() / self.confusion.sum()),
            miou=float(np.nanmean(iou)),
            class_iou=tuple(None if np.isnan(value) else float(value) for value in iou),
            boundary_f=float(boundary_f(self.edges)[bounded].mean()) if bounded.any() else 1.0,
        )
