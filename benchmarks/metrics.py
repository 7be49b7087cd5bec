"""All metrics of one pair of masks against the same figures from scikit-learn, scikit-image and SciPy.

And against the least that they could cost: one np.bincount over both masks, and one pass of OpenCV over their
boundaries, of all classes together.

.venv/bin/python benchmarks/metrics.py [--small]
--small does everything once or twice and judges no time: it shows that the benchmark works.
"""

import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries
from sklearn.metrics import confusion_matrix

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from goldmask.project.config import Tolerances
from goldmask.verdict.metrics import measure

SIZE, CLASSES, ROUNDS, PAIRS = 257, 21, 30, 20
LABELS = tuple(f"class_{index}" for index in range(CLASSES))
REQUIRED_RATIO, LEAST_RATIO_LIMIT = 10, 2


def pair(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two masks with all classes in blobs, a tenth of the blobs moved by a few pixels, and a margin map."""
    random = np.random.default_rng(seed)
    centres = random.integers(0, SIZE, (60, 2))
    y, x = np.mgrid[:SIZE, :SIZE]

    def voronoi(points: np.ndarray) -> np.ndarray:
        distances = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
        return (distances.argmin(-1) % CLASSES).astype(np.uint8)

    moved = centres + (random.random((60, 1)) < 0.1) * random.integers(-3, 4, (60, 2))
    return voronoi(centres), voronoi(moved), random.exponential(3, (SIZE, SIZE)).astype(np.float32)


def by_libraries(expected: np.ndarray, actual: np.ndarray, distance_px: int) -> tuple[list[float], list[float]]:
    """(IoU of each class, boundary F of each class)."""
    confusion = confusion_matrix(expected.ravel(), actual.ravel(), labels=range(CLASSES))
    both = confusion.diagonal()
    iou = both / (confusion.sum(0) + confusion.sum(1) - both)
    scores = []
    for index in range(CLASSES):
        was, now = (find_boundaries(mask == index, connectivity=1, mode="inner") for mask in (expected, actual))
        precision = (distance_transform_edt(~was)[now] <= distance_px).mean()
        recall = (distance_transform_edt(~now)[was] <= distance_px).mean()
        scores.append(2 * precision * recall / (precision + recall))
    return iou.tolist(), scores


def least(expected: np.ndarray, actual: np.ndarray, distance_px: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """(the confusion matrix, boundary pixels of either mask and those near one of the other's)."""
    joint = expected.astype(np.int32).ravel() * CLASSES + actual.ravel()
    confusion = np.bincount(joint, minlength=CLASSES * CLASSES)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    y, x = np.ogrid[-distance_px : distance_px + 1, -distance_px : distance_px + 1]
    disc = (x * x + y * y <= distance_px * distance_px).astype(np.uint8)
    was, now = (cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, cross) for mask in (expected, actual))
    near = cv2.bitwise_and(was, cv2.dilate(now, disc)), cv2.bitwise_and(now, cv2.dilate(was, disc))
    return confusion, tuple(cv2.countNonZero(mask) for mask in (was, near[0], now, near[1]))


def main(small: bool) -> int:
    """Time both in turn, and hold the figures against each other."""
    rounds = 2 if small else ROUNDS
    expected, actual, margin = pair()
    tolerances = Tolerances()
    metrics = measure(expected, actual, (margin, "score"), LABELS, tolerances)
    iou, scores = by_libraries(expected, actual, tolerances.boundary_px)
    np.testing.assert_allclose(list(metrics.class_iou.values()), iou)
    np.testing.assert_allclose(list(metrics.class_boundary_f.values()), scores)
    ours, theirs, confusions, leasts, to_least = [], [], [], [], []
    for _ in range(rounds):
        started = time.perf_counter()
        measure(expected, actual, (margin, "score"), LABELS, tolerances)
        between = time.perf_counter()
        by_libraries(expected, actual, tolerances.boundary_px)
        after = time.perf_counter()
        confusion_matrix(expected.ravel(), actual.ravel(), labels=range(CLASSES))
        ours.append(between - started)
        theirs.append(after - between)
        confusions.append(time.perf_counter() - after)
        # Many pairs follow each other, as in a run; processor time, because a pair takes less than a time slice.
        started = time.process_time()
        for _ in range(PAIRS):
            measure(expected, actual, (margin, "score"), LABELS, tolerances)
        between = time.process_time()
        for _ in range(PAIRS):
            least(expected, actual, tolerances.boundary_px)
        leasts.append((time.process_time() - between) / PAIRS)
        to_least.append((between - started) / PAIRS / leasts[-1])
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"{SIZE}×{SIZE}, {CLASSES} classes, median of {rounds} rounds in turn; the figures are equal")
    print(f"  goldmask, all metrics            {statistics.median(ours) * 1e3:8.2f} ms")
    print(f"  scikit-learn confusion_matrix    {statistics.median(confusions) * 1e3:8.2f} ms")
    print(f"  with scikit-image/SciPy boundary {statistics.median(theirs) * 1e3:8.2f} ms")
    print(f"  ratio {ratio:.1f} (at least {REQUIRED_RATIO})")
    print(f"  one bincount, one OpenCV pass    {statistics.median(leasts) * 1e3:8.2f} ms")
    print(f"  ratio of many pairs {statistics.median(to_least):.2f} (under {LEAST_RATIO_LIMIT})")
    enough = ratio >= REQUIRED_RATIO and statistics.median(to_least) < LEAST_RATIO_LIMIT
    return 0 if small or enough else 1


if __name__ == "__main__":
    sys.exit(main("--small" in sys.argv))
