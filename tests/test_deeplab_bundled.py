"""The bundled model: what its weights are worth, at every precision and output stride."""

import numpy as np
import pytest
from conftest import REPO

from goldmask.deeplab.evaluate import agreement, evaluate
from goldmask.deeplab.export import export
from goldmask.deeplab.program import CALIBRATION_IMAGES, DESCRIPTION, HELD_OUT_IMAGES, trained
from goldmask.deeplab.synthetic import LABELS, dataset, example, normalise
from goldmask.file import sha256_of
from goldmask.model import load_spec, model_folder

FOLDER = model_folder(REPO, "shapes")
FLOAT32, INT8 = (FOLDER / load_spec(REPO, name).model.file for name in ("shapes", "shapes-int8"))
CLASSES = len(LABELS)


@pytest.fixture(scope="module")
def recipe_and_weights():
    return trained(str(FOLDER / "training"))


def held_out(count: int = HELD_OUT_IMAGES):
    return dataset(1, "held-out", count, (129, 129), 20)


def test_float32_and_int8_are_good_and_alike():
    float32, int8 = (evaluate(path, held_out(), CLASSES).miou for path in (FLOAT32, INT8))
    assert float32 >= 0.90 and abs(float32 - int8) <= 0.02
    provenance = load_spec(REPO, "shapes").provenance
    assert float32 == pytest.approx(provenance["miou_float32"], abs=5e-4)
    assert int8 == pytest.approx(provenance["miou_int8"], abs=2e-3)


def test_the_files_are_small():
    assert FLOAT32.stat().st_size + INT8.stat().st_size <= 2_000_000


def test_float32_agrees_with_keras(recipe_and_weights):
    recipe, weights = recipe_and_weights
    model = recipe.model()
    untrained = agreement(model, FLOAT32, held_out(20), CLASSES)
    model.load_weights(weights)
    assert agreement(model, FLOAT32, held_out(100), CLASSES) >= 0.999 > untrained


def test_output_stride_8_is_no_worse_than_16_from_the_same_weights(recipe_and_weights):
    recipe, weights = recipe_and_weights
    assert recipe.output_stride == 16
    scores = {}
    for output_stride in (16, 8):
        model = recipe.model(output_stride)
        model.load_weights(weights)
        scores[output_stride] = evaluate(model, held_out(), CLASSES).miou
    assert scores[8] >= scores[16]


@pytest.mark.parametrize(("precision", "file"), [("float32", FLOAT32), ("int8", INT8)])
def test_the_bundled_files_are_what_the_weights_export_to(recipe_and_weights, tmp_path, precision, file):
    recipe, weights = recipe_and_weights
    model = recipe.model()
    model.load_weights(weights)
    samples = [
        np.asarray(normalise(example(recipe.seed, "train", index, (recipe.height, recipe.width))[0]))
        for index in range(CALIBRATION_IMAGES if precision == "int8" else 0)
    ]
    out = export(model, precision, samples, tmp_path / file.name, LABELS, "shapes", DESCRIPTION.format(recipe.version))
    assert sha256_of(out) == sha256_of(file)
