from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from deeplab.builder import deeplab
from deeplab.evaluate import agreement, evaluate, segmenter, tflite_logits
from deeplab.export import convert
from deeplab.synthetic import LABELS, dataset
from goldmask.contract.errors import UsageError

pytestmark = pytest.mark.project

SIZE = (32, 48)
CLASSES = len(LABELS)


@pytest.fixture(scope="module")
def model(tiny_backbone) -> keras.Model:
    keras.utils.set_random_seed(1)
    return deeplab("v1", tiny_backbone, 16, CLASSES, SIZE)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("evaluate") / "model.tflite"
    path.write_bytes(convert(model, "float32"))
    return path


def data(count: int = 3) -> tf.data.Dataset:
    return dataset(1, "held-out", count, SIZE, 2)


def constant(label: int) -> keras.Model:
    """A model that sees class `label` everywhere."""
    image = keras.Input((*SIZE, 3))
    kernel = np.zeros((1, 1, 3, CLASSES), np.float32)
    layer = keras.layers.Conv2D(CLASSES, 1)
    logits = layer(image)
    layer.set_weights([kernel, np.eye(CLASSES, dtype=np.float32)[label]])
    return keras.Model(image, logits)


def test_keras_and_tflite_agree(model, exported):
    assert agreement(model, exported, data(), CLASSES) >= 0.999
    assert evaluate(model, data(), CLASSES).miou == pytest.approx(evaluate(exported, data(), CLASSES).miou, abs=1e-3)


def test_different_models_do_not_agree():
    assert agreement(constant(0), constant(1), data(), CLASSES) == 0


def test_scores_are_those_of_the_masks():
    truths = np.concatenate([masks.numpy() for _, masks in data()])
    result = evaluate(constant(0), data(), CLASSES)
    assert result.images == 3
    assert result.pixel_accuracy == pytest.approx((truths == 0).mean())
    assert result.class_iou[1] in (0.0, None)


def test_tflite_logits_are_those_of_keras(model, exported):
    images = next(iter(data()))[0].numpy()
    np.testing.assert_allclose(tflite_logits(exported)(images), model(images).numpy(), atol=1e-4)


def test_empty_data_is_an_error(model):
    empty = data().take(0)
    with pytest.raises(UsageError, match="1 or more"):
        evaluate(model, empty, CLASSES)
    with pytest.raises(UsageError, match="1 or more"):
        agreement(model, model, empty, CLASSES)


def test_a_model_of_other_classes_is_an_error(model, exported):
    for one in (model, exported):
        with pytest.raises(UsageError, match="use a model of 4 classes"):
            segmenter(one, 4)(np.zeros((1, *SIZE, 3), np.float32))


def test_images_of_another_size_are_an_error(exported):
    with pytest.raises(UsageError, match=r"\(32, 48, 3\)"):
        tflite_logits(exported)(np.zeros((1, 16, 16, 3), np.float32))
