import time

import numpy as np
import pytest

from deeplab import synthetic
from deeplab.synthetic import LABELS, dataset, example, paint
from goldmask.contract.errors import UsageError

pytestmark = pytest.mark.project

SIZE = (96, 80)


def test_an_example_is_a_function_of_seed_split_and_index():
    image, mask = example(1, "train", 5, SIZE)
    assert (image.shape, image.dtype, mask.shape, mask.dtype) == ((*SIZE, 3), np.uint8, SIZE, np.uint8)
    again, _ = example(1, "train", 5, SIZE)
    assert np.array_equal(image, again)
    for other in ((2, "train", 5), (1, "held-out", 5), (1, "validation", 5), (1, "train", 6)):
        assert not np.array_equal(image, example(*other, SIZE)[0]), other


def test_all_classes_appear_and_the_background_does_not_take_over():
    masks = np.stack([example(1, "train", i, SIZE)[1] for i in range(80)])
    shares = np.bincount(masks.ravel(), minlength=len(LABELS)) / masks.size
    assert len(LABELS) >= 6 and len(shares) == len(LABELS)
    assert shares[0] < 0.9 and shares[1:].min() > 0.01


@pytest.mark.parametrize("label", range(1, len(LABELS)))
def test_masks_are_exact_areas(label):
    """Pixel counts match the formula of the area within what the outline's length allows."""
    radius = 150.0
    _, distance = synthetic._place(label, np.array((200.3, 199.6)), radius, 0.4, 1.0, (400, 400))
    assert np.count_nonzero(distance < 0) == pytest.approx(synthetic._unit_area(label) * radius**2, rel=2e-3)


def test_signed_distance_of_a_square_is_the_distance_to_its_sides():
    corners = np.array([(-10, -10), (10, -10), (10, 10), (-10, 10)], np.float32)
    x, y = np.arange(-15, 16, dtype=np.float32)[None, :], np.zeros((1, 1), np.float32)
    np.testing.assert_allclose(synthetic._polygon_distance(x, y, corners)[0], np.abs(x[0]) - 10, atol=1e-5)


def test_edges_are_blended_over_one_pixel_where_the_mask_turns():
    x = np.arange(0, 40, dtype=np.float32)[None, :] + 0.5
    _, distance = synthetic._place(LABELS.index("circle"), np.array((20.0, 0.5)), 10.25, 0.0, 1.0, (1, 40))
    cover = np.clip(0.5 - distance[0], 0, 1)
    partial = cover[(cover > 0) & (cover < 1)]
    assert len(partial) == 2, "one blended pixel on each side"
    assert np.array_equal(distance[0] < 0, cover > 0.5) and x.shape[1] == 40


def test_a_clean_scene_shows_its_shapes():
    """The mean colour inside a lone shape differs from the ground, else no model could find it."""
    for number in range(20):
        image, mask = paint(np.random.default_rng(number), (64, 64), 1)
        assert mask.any()
        assert abs(image[mask > 0].mean() - image[mask == 0].mean()) > 0.2


def test_no_shapes_is_an_empty_mask():
    assert not paint(np.random.default_rng(0), (32, 32), 0)[1].any()


def test_batches_are_normalised_and_in_order():
    (first, second) = list(dataset(1, "train", 5, SIZE, 3))
    assert first[0].shape == (3, *SIZE, 3) and second[0].shape == (2, *SIZE, 3)
    image, mask = example(1, "train", 3, SIZE)
    np.testing.assert_allclose(second[0][0], image / 127.5 - 1, atol=1e-6)
    assert np.array_equal(second[1][0], mask)
    (resumed,) = list(dataset(1, "train", 5, SIZE, 3, start=3))
    assert np.array_equal(resumed[0], second[0])


@pytest.mark.parametrize(("count", "batch", "start"), [(0, 4, 0), (4, 0, 0), (4, 4, 4)])
def test_empty_data_is_an_error(count, batch, start):
    with pytest.raises(UsageError, match="or more"):
        dataset(1, "train", count, SIZE, batch, start)


def test_an_unknown_split_is_an_error():
    with pytest.raises(UsageError, match="train, validation, held-out"):
        dataset(1, "test", 4, SIZE, 2)


def test_drawing_is_fast():
    started = time.process_time()
    for index in range(20):
        example(1, "train", index, (128, 128))
    assert (time.process_time() - started) / 20 < 0.05
