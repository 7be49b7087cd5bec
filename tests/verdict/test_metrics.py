"""Metrics against other libraries' figures, and against the most straightforward way, class by class, pixel by pixel.

With the latter, figures are compared bit for bit: a report may not change because its figures are computed faster.
"""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import jaccard_score

from goldmask.project.config import Tolerances
from goldmask.verdict import metrics
from goldmask.verdict.metrics import (
    Metrics,
    Window,
    boundary_counts,
    boundary_f,
    confusion_matrix,
    densest_window,
    measure,
)

LABELS = tuple(f"label{index}" for index in range(256))


def straightforward(expected, actual, margin, labels, tolerances) -> Metrics:
    """What `measure` returns."""
    differing = expected != actual
    confident = differing
    if margin is not None:
        levels, unit = margin
        limit = tolerances.tie_margin_score if unit == "score" else tolerances.tie_margin_step
        confident = differing & (levels > limit)
    joint = expected.astype(np.int64).ravel() * len(labels) + actual.ravel()
    confusion = np.bincount(joint, minlength=len(labels) ** 2).reshape(len(labels), len(labels))
    was, now, both = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    present = [index for index in range(len(labels)) if was[index] or now[index]]
    iou = np.array([both[index] / (was[index] + now[index] - both[index]) for index in present])
    f_scores = np.array([f_score(*edge_counts(expected, actual, index, tolerances.boundary_px)) for index in present])
    return Metrics(
        pixels=expected.size,
        differing=int(differing.sum()),
        agreement=1 - int(differing.sum()) / expected.size,
        confident_flips=None if margin is None else int(confident.sum()),
        tie_flips=None if margin is None else int(differing.sum()) - int(confident.sum()),
        miou=float(iou.mean()),
        fwiou=float((iou * was[present]).sum() / expected.size),
        class_iou={labels[index]: float(value) for index, value in zip(present, iou, strict=True)},
        boundary_f=float(f_scores.mean()),
        class_boundary_f={labels[index]: float(value) for index, value in zip(present, f_scores, strict=True)},
        densest_window=window(confident, tolerances.window_px),
        labels_added=tuple(labels[index] for index in present if not was[index]),
        labels_missing=tuple(labels[index] for index in present if not now[index]),
        area_change={
            labels[index]: float((now[index] - was[index]) / was[index]) if was[index] else None for index in present
        },
    )


def edges(mask) -> np.ndarray:
    """Where a pixel touches another class above, below, left or right."""
    edge = np.zeros(mask.shape, bool)
    rows, columns = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    edge[1:] |= rows
    edge[:-1] |= rows
    edge[:, 1:] |= columns
    edge[:, :-1] |= columns
    return edge


def edge_counts(expected, actual, index, distance_px) -> tuple[int, int, int, int]:
    """Boundary pixels of a class in `expected`, those near one of `actual`'s, and the same the other way."""
    y, x = np.ogrid[-distance_px : distance_px + 1, -distance_px : distance_px + 1]
    disc = (x * x + y * y <= distance_px * distance_px).astype(np.uint8)
    was, now = ((edges(mask) & (mask == index)).astype(np.uint8) for mask in (expected, actual))
    return (
        int(was.sum()),
        int((was & cv2.dilate(now, disc)).sum()),
        int(now.sum()),
        int((now & cv2.dilate(was, disc)).sum()),
    )


def f_score(was, was_near, now, now_near) -> float:
    if not was and not now:
        return 1.0
    precision, recall = now_near / max(now, 1), was_near / max(was, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def window(differing, size_px) -> Window | None:
    """Of windows in which equally many pixels differ, the uppermost and then the leftmost."""
    height, width = min(size_px, differing.shape[0]), min(size_px, differing.shape[1])
    best = None
    for y in range(differing.shape[0] - height + 1):
        for x in range(differing.shape[1] - width + 1):
            count = int(differing[y : y + height, x : x + width].sum())
            if count and (best is None or count > best.differing):
                best = Window(x=x, y=y, size_px=size_px, differing=count, density=count / (height * width))
    return best


SIDES = st.tuples(st.integers(1, 24), st.integers(1, 24))


@st.composite
def pairs(draw) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, str] | None]:
    """Two masks, a blob or noise each, the second often the first with a few changes; and a margin map or none."""
    shape = draw(SIDES)
    classes = st.sampled_from(draw(st.lists(st.integers(0, 255), min_size=1, max_size=5)))

    def mask() -> np.ndarray:
        if draw(st.booleans()):
            return draw(hnp.arrays(np.uint8, shape, elements=classes))
        return changed(np.full(shape, draw(classes), np.uint8))

    def changed(whole: np.ndarray) -> np.ndarray:
        whole = whole.copy()
        for _ in range(draw(st.integers(0, 3))):
            top, left, height, width = (draw(st.integers(0, 12)) for _ in range(4))
            whole[top : top + height, left : left + width] = draw(classes)
        return whole

    expected = mask()
    actual = changed(expected) if draw(st.booleans()) else mask()
    levels = hnp.arrays(np.float32, shape, elements=st.sampled_from([0, 0.0005, 0.001, 0.5, 2, 3]))
    return expected, actual, draw(st.none() | st.tuples(levels, st.sampled_from(["score", "step"])))


tolerances = st.builds(Tolerances, boundary_px=st.integers(0, 6), window_px=st.integers(1, 30))


@given(pairs(), tolerances)
@settings(max_examples=100)
def test_metrics_are_those_of_the_straightforward_way(pair, tolerances):
    expected, actual, margin = pair
    assert measure(expected, actual, margin, LABELS, tolerances) == straightforward(
        expected, actual, margin, LABELS, tolerances
    )


@given(pairs(), tolerances)
@settings(max_examples=50)
def test_metrics_of_a_mask_that_is_counted_in_bands_are_the_same(pair, tolerances):
    expected, actual, margin = pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "BAND_PX", 7)
        patch.setattr(metrics, "STEPS_AT_ONCE", 1)
        counted = measure(expected, actual, margin, LABELS, tolerances)
    assert counted == measure(expected, actual, margin, LABELS, tolerances)


def test_one_pixel_of_difference_is_seen():
    """The twin: without it two ways that compute nothing would agree."""
    expected = np.zeros((9, 9), np.uint8)
    actual = expected.copy()
    actual[4, 4] = 255
    equal, differ = (measure(expected, mask, None, LABELS, Tolerances()) for mask in (expected, actual))
    assert (equal.differing, differ.differing) == (0, 1) and equal.miou == 1 and differ.miou == 40 / 81
    assert differ == straightforward(expected, actual, None, LABELS, Tolerances())


def test_a_boundary_does_not_reach_around_the_end_of_a_row():
    expected, actual = np.zeros((6, 6), np.uint8), np.zeros((6, 6), np.uint8)
    expected[2, 5] = actual[3, 0] = 1
    assert boundary_counts(expected, actual, [1], 2).tolist() == [[1, 0, 1, 0]]


def test_confusion_of_all_classes():
    expected, actual = np.mgrid[:256, :256].astype(np.uint8)
    assert (confusion_matrix(expected, actual, 256) == 1).all()


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (("a", "b", "c"), ("a", "b", "c")),
        (("a", "b", "a"), ("a (class 0)", "b", "a (class 2)")),
        (("", "", "sky"), (" (class 0)", " (class 1)", "sky")),
        (("a", "a", "a (class 0)"), ("a (class 0)'", "a (class 1)", "a (class 0)")),
    ],
)
def test_every_class_has_a_name_of_its_own(labels, names):
    assert metrics.distinct(labels) == names and len(set(names)) == len(names)


def test_two_classes_of_one_name_keep_their_figures():
    """The twin: by the label alone the last of them would hide the first, whose figures are bad."""
    expected = np.repeat(np.arange(3, dtype=np.uint8), 12).reshape(6, 6)
    actual = expected.copy()
    actual[0] = 1
    measured = measure(expected, actual, None, ("a", "b", "a"))
    assert measured.class_iou == {"a (class 0)": 0.5, "b": 2 / 3, "a (class 2)": 1.0}
    assert set(measured.area_change) == set(measured.class_boundary_f) == set(measured.class_iou)
    assert measured.area_change["a (class 0)"] == -0.5
    assert list(measure(expected, actual, None, ("a", "b", "c")).class_iou.values()) == [0.5, 2 / 3, 1.0]


small_pairs = st.tuples(st.integers(3, 24), st.integers(3, 24)).flatmap(
    lambda shape: st.tuples(*[hnp.arrays(np.uint8, shape, elements=st.integers(0, 5)) for _ in range(2)])
)


@given(small_pairs)
def test_confusion_and_iou_equal_scikit_learns(pair):
    expected, actual = pair
    assert (
        confusion_matrix(expected, actual, 6) == sklearn_confusion(expected.ravel(), actual.ravel(), labels=range(6))
    ).all()
    metrics = measure(expected, actual, None, LABELS)
    present = sorted(set(np.unique(expected)) | set(np.unique(actual)))
    scores = jaccard_score(expected.ravel(), actual.ravel(), labels=present, average=None)
    assert list(metrics.class_iou.values()) == pytest.approx(scores.tolist())
    assert metrics.miou == pytest.approx(scores.mean())


def slow_boundary_f(expected: np.ndarray, actual: np.ndarray, index: int, distance_px: int) -> float:
    """The score through scikit-image's boundaries and SciPy's exact Euclidean distances."""
    was, now = (find_boundaries(mask == index, connectivity=1, mode="inner") for mask in (expected, actual))
    if not was.any() or not now.any():
        return float(was.any() == now.any())
    precision = (distance_transform_edt(~was)[now] <= distance_px).mean()
    recall = (distance_transform_edt(~now)[was] <= distance_px).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@given(small_pairs, st.integers(0, 4))
def test_boundary_f_equals_the_slow_one(pair, distance_px):
    expected, actual = pair
    classes = np.arange(6)
    slow = [slow_boundary_f(expected, actual, index, distance_px) for index in classes]
    assert boundary_f(boundary_counts(expected, actual, classes, distance_px)).tolist() == pytest.approx(slow)


@given(hnp.arrays(bool, st.tuples(st.integers(1, 16), st.integers(1, 16))), st.integers(1, 20))
def test_the_densest_window_is_the_densest(differing, size):
    window = densest_window(differing, size)
    height, width = min(size, differing.shape[0]), min(size, differing.shape[1])
    counts = [
        differing[y : y + height, x : x + width].sum()
        for y in range(differing.shape[0] - height + 1)
        for x in range(differing.shape[1] - width + 1)
    ]
    if window is None:
        assert not differing.any()
    else:
        assert (
            window.differing
            == max(counts)
            == differing[window.y : window.y + height, window.x : window.x + width].sum()
        )
