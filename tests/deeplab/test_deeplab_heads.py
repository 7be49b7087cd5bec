"""Models with other ends than scores: the bundled examples are what their weights make."""

import numpy as np
import pytest
from conftest import REPO

from deeplab.evaluate import open_interpreter
from deeplab.export import convert
from deeplab.heads import HEADS, with_head
from deeplab.program import run_export, trained
from goldmask.contract.errors import ExitCode, UsageError
from goldmask.project.model import fetch_model, load_spec

pytestmark = pytest.mark.project

# The bundled examples, each of the same weights.
MODELS = {"classes": "shapes-classes", "soft": "shapes-soft"}
TRAINING = REPO / "models/shapes-classes/training"


@pytest.fixture(scope="module")
def model():
    recipe, weights = trained(str(TRAINING))
    model = recipe.model()
    model.load_weights(weights)
    return model


def predicted(content: bytes, image: np.ndarray) -> np.ndarray:
    """The output of a .tflite file for a float32 image [1, h, w, 3]."""
    interpreter = open_interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("head", HEADS)
def test_an_example_is_small_and_says_what_its_weights_say(model, head):
    made = convert(with_head(model, head), "float32")
    assert len(made) <= 200_000
    image = np.random.default_rng(2).uniform(-1, 1, (1, 65, 65, 3)).astype(np.float32)
    scores = model(image, training=False).numpy()
    found = predicted(made, image)
    bundled = fetch_model(REPO, MODELS[head], load_spec(REPO, MODELS[head])).path.read_bytes()
    assert np.array_equal(predicted(bundled, image), found)
    if head == "classes":
        assert found.dtype == np.int32 and found.shape == (1, 65, 65)
        assert (found == scores.argmax(-1)).mean() >= 0.999
    else:
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        assert found.shape == (1, 65, 65, 1) and 0 <= found.min() <= found.max() <= 1
        assert np.allclose(found[..., 0], 1 - (powers / powers.sum(-1, keepdims=True))[..., 0], atol=1e-4)


def test_an_unknown_head_is_refused(model):
    with pytest.raises(UsageError, match="head 'boxes' is unknown"):
        with_head(model, "boxes")


def test_the_command_writes_one_file(tmp_path):
    assert run_export(str(TRAINING), str(tmp_path), "classes") is ExitCode.OK
    assert [path.name for path in tmp_path.iterdir()] == ["shapes_classes.tflite"]
