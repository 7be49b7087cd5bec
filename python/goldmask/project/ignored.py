"""Pixels that nothing is said of: a value of class maps and ground truths, and regions of a case's image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..contract.mask import Mask, read_mask

Flags = np.ndarray[tuple[int, int], np.dtype[np.bool_]]  # [h, w]
Polygon = Sequence[tuple[float, float]]
# Of a polygon's canvas; what is larger is drawn smaller.
MOST_SIDE_PX = 4096


@dataclass(frozen=True)
class Ignored:
    """What is left out of every count of a case.

    `value` is that of a class map's pixels, `truth` that of the ground truth's. `mask` is a PNG whose pixels are not 0
    where nothing counts; `polygons` are in pixels of the upright image, whose `size` is width and height.
    """

    value: int | None = None
    truth: int | None = None
    mask: Path | None = None
    polygons: tuple[Polygon, ...] = ()
    size: tuple[int, int] = (1, 1)

    def pixels(self, expected: Mask) -> Flags | None:
        """[h, w] of a golden's mask: what is left out; None where nothing is. Raises RunError for an unreadable mask.

        Where another mask has `value` and the golden a class, that is a difference: nobody may leave out what counts.
        """
        found = np.zeros(expected.shape, bool)
        if self.value is not None:
            found |= expected == self.value
        if self.mask is not None:
            found |= sampled(read_mask(self.mask), expected.shape) != 0
        if self.polygons:
            found |= sampled(self._drawn(), expected.shape) != 0
        return found if found.any() else None

    def _drawn(self) -> Mask:
        """The polygons, as Pillow fills them, with their outlines."""
        scale = min(1.0, MOST_SIDE_PX / max(self.size))
        width, height = (max(1, round(side * scale)) for side in self.size)
        canvas = Image.new("L", (width, height))
        for polygon in self.polygons:
            ImageDraw.Draw(canvas).polygon([(x * scale, y * scale) for x, y in polygon], fill=1, outline=1)
        return np.asarray(canvas)


NOTHING = Ignored()


def highest_class(mask: Mask | None, ignore: int | None) -> int:
    """The highest class of a mask besides the value that is ignored; -1 where it has none."""
    if mask is None:
        return -1
    highest = int(mask.max())
    if ignore is None or highest != ignore:
        return highest
    return int(mask[mask != ignore].max(initial=0))


def with_ignored(labels: tuple[str, ...], ignore: int | None) -> tuple[str, ...]:
    """Labels that name the ignored value as well, for a mask that has it where the golden has a class."""
    if ignore is None or ignore < len(labels):
        return labels
    return (*labels, *(f"class_{index}" for index in range(len(labels), ignore)), f"ignored ({ignore})")


def sampled(mask: Mask, shape: tuple[int, int]) -> Mask:
    """A mask of any size at the centres of the pixels of `shape`."""
    rows, columns = (
        (2 * np.arange(side) + 1) * whole // (2 * side) for side, whole in zip(shape, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns]
