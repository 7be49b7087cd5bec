"""The bundled model: what its weights are worth, at every precision and output stride."""

import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import REPO, run_program

from deeplab.builder import FEATURES
from deeplab.evaluate import agreement, evaluate
from deeplab.export import export
from deeplab.program import (
    CALIBRATION_IMAGES,
    DESCRIPTION,
    HELD_OUT_IMAGES,
    run_export,
    run_tradeoff,
    run_train,
    trained,
)
from deeplab.synthetic import LABELS, dataset, example, normalise
from deeplab.train import train
from goldmask.contract.bundle import load_bundle, mask_of
from goldmask.contract.errors import ExitCode, UsageError
from goldmask.project.golden import load_golden
from goldmask.project.model import golden_folder, load_spec, model_folder

pytestmark = pytest.mark.project

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


def miou_by_stride(recipe, weights, count: int) -> dict[int, float]:
    """mIoU at output stride 16 and 8 of weights trained at 16."""
    assert recipe.output_stride == 16
    scores = {}
    for output_stride in (16, 8):
        model = recipe.model(output_stride)
        model.load_weights(weights)
        scores[output_stride] = evaluate(model, held_out(count), CLASSES).miou
    return scores


def test_v3_trained_at_output_stride_16_is_better_at_8(recipe_and_weights, tmp_path):
    """DeepLab v3 section 4: train at 16, evaluate at 8 from the same weights, rates doubled."""
    recipe, weights = recipe_and_weights
    body = recipe.model()
    body.load_weights(weights)
    short = replace(recipe, version="v3", steps=200, evaluate_every=200, warm_up=20, validation_images=20)
    train(short, tmp_path, body=body)
    scores = miou_by_stride(short, tmp_path / "best.weights.h5", 200)
    assert scores[8] >= scores[16] > 0.7


def test_the_bundled_v3_plus_keeps_its_score_at_output_stride_8(recipe_and_weights):
    """Its decoder has learned to make up for the coarse grid, so that a finer one brings nothing, and costs nothing."""
    scores = miou_by_stride(*recipe_and_weights, HELD_OUT_IMAGES)
    assert scores[8] == pytest.approx(scores[16], abs=2e-3)


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
    # Not by bytes: Keras numbers its layers through the life of a process, and their names are in the file. And the
    # scales of int8 come from sums of floats over the calibration images, which threads split differently each time.
    assert agreement(out, file, held_out(60), CLASSES) >= (1 if precision == "float32" else 0.999)


@pytest.mark.parametrize("precision", ["float16", "dynamic"])
def test_every_other_precision_is_taken_everywhere_too(recipe_and_weights, tmp_path, precision):
    """float32 and int8 are the bundled files, which `check` runs; these two go through the same doors here."""
    recipe, weights = recipe_and_weights
    model = recipe.model()
    model.load_weights(weights)
    file = tmp_path / f"shapes_{precision}.tflite"
    export(model, precision, [], file, LABELS, "shapes", "A test.")
    assert "metadata yes" in run_program(tmp_path, "models.info", "--model", file).text.replace("  ", " ")
    image = FOLDER / "cases/square.png"
    for pipeline in ("lib_interpreter", "lib_task_api"):
        words = ("run", "--pipeline", pipeline, "--model", file, "--image", image, "--out", tmp_path / pipeline)
        ran = run_program(tmp_path, *words)
        assert ran.code == 0, ran.text
        golden = load_golden(golden_folder(REPO, "shapes", pipeline))
        expected = mask_of(golden.folder, golden.bundle.result("square"))
        actual = mask_of(tmp_path / pipeline, load_bundle(tmp_path / pipeline).result("square"))
        assert actual.shape == expected.shape and (actual == expected).mean() > 0.99
    shutil.copytree(tmp_path / "lib_interpreter", tmp_path / "copy")
    both = ("compare", "--golden", tmp_path / "lib_interpreter", "--bundle", tmp_path / "copy")
    assert run_program(tmp_path, *both, "--out", tmp_path / "compared").code == 0


@pytest.mark.parametrize(
    ("task", "arguments", "says"),
    [
        (run_train, ("v5", 0, 0, "out"), "one of v1, v2, v3, v3+"),
        (run_train, ("", -1, 0, "out"), "steps of 1 or more"),
        (run_train, ("", 0, 0, "/proc/goldmask"), "cannot write into /proc/goldmask"),
        (run_export, ("nowhere", "out"), "./goldmask deeplab.train --out nowhere"),
        (run_tradeoff, ("nowhere", "out"), "nowhere has no finished training"),
    ],
)
def test_bad_input_names_what_is_allowed(tmp_path, monkeypatch, task, arguments, says):
    """Without the program, which takes five seconds to load TensorFlow; one of its errors is below."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        task(*arguments)
    assert says in str(caught.value)


def test_a_few_steps_through_the_program_end_in_files_that_are_taken_up_again(tmp_path):
    words = ("deeplab.train", "--steps", "2", "--seed", "3", "--out", "short")
    first = run_program(tmp_path, *words)
    assert first.code == 0 and "step 2: mIoU" in first.text, first.text
    assert {"recipe.json", "best.weights.h5", "curves.csv", "curves.png"} <= {
        path.name for path in tmp_path.glob("short/*")
    }
    again = run_program(tmp_path, *words)
    assert again.code == 0 and again.stdout == first.stdout
    other = run_program(tmp_path, "deeplab.train", "--steps", "3", "--seed", "3", "--out", "short")
    assert other.code == ExitCode.USAGE and "belongs to another recipe" in other.text


def test_trained_features_at_output_stride_8_meet_those_at_16_where_both_are(recipe_and_weights):
    """The atrous property on the bundled weights: the coarse grid is the dense computation, sampled."""
    recipe, weights = recipe_and_weights
    images, _ = next(iter(held_out(20)))
    features = {}
    for output_stride in (16, 8):
        model = recipe.model(output_stride)
        model.load_weights(weights)
        features[output_stride] = keras.Model(model.input, model.get_layer(FEATURES).output)(images[:4]).numpy()
    assert features[16].shape[1:3] == (9, 9) and features[8].shape[1:3] == (17, 17)
    assert np.abs(features[16]).max() > 1
    np.testing.assert_allclose(features[8][:, ::2, ::2], features[16], atol=1e-4)
    assert np.abs(features[8][:, 1::2, ::2] - features[16][:, :-1]).max() > 0.1  # elsewhere they do not
