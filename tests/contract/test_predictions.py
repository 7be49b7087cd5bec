"""Given tensors in, masks and scores out; what time does not allow is left out."""

import numpy as np
import pytest

from goldmask.contract.predictions import TensorEngine, read_predictions, write_predictions


class Strongest:
    """The strongest channel is the class; `classes` makes it a class map, which has no scores."""

    def __init__(self, classes: bool = False) -> None:
        self.classes = classes

    def predict(self, tensor):
        """As an engine does."""
        return tensor[0].argmax(axis=-1).astype(np.uint8), None if self.classes else tensor[0]


@pytest.fixture
def tensors(tmp_path):
    """Three inputs in a file."""
    values = np.random.default_rng(0).random((3, 4, 5, 3)).astype(np.float32)
    np.save(tmp_path / "tensors.npy", values)
    return values


def test_masks_of_all_and_scores_of_some(tensors, tmp_path):
    assert isinstance(Strongest(), TensorEngine) and not isinstance(object(), TensorEngine)
    assert write_predictions(Strongest(), tmp_path / "tensors.npy", tmp_path / "out", [1], 60) == (3, 3)
    masks, scores = read_predictions(tmp_path / "out")
    assert np.array_equal(masks, tensors.argmax(axis=-1)) and len(scores) == 1
    assert np.array_equal(scores[0], tensors[1])


def test_a_class_map_has_no_scores(tensors, tmp_path):
    write_predictions(Strongest(classes=True), tmp_path / "tensors.npy", tmp_path / "out", [0], 60)
    masks, scores = read_predictions(tmp_path / "out")
    assert len(masks) == 3 and scores == []


def test_without_time_only_the_first_is_predicted(tensors, tmp_path):
    assert write_predictions(Strongest(), tmp_path / "tensors.npy", tmp_path / "out", [], 0) == (1, 3)


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError, match="masks.npy"):
        read_predictions(tmp_path)
