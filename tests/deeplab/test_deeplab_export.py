from pathlib import Path

import keras
import numpy as np
import pytest

from deeplab.builder import deeplab
from deeplab.evaluate import agreement, open_interpreter, tflite_logits
from deeplab.export import PRECISIONS, convert, export, write_metadata
from deeplab.graph import read_graph
from deeplab.synthetic import LABELS, dataset, example, normalise
from goldmask.contract.errors import RunError, UsageError

pytestmark = pytest.mark.project

SIZE = (32, 48)
CLASSES = len(LABELS)


@pytest.fixture(scope="module")
def model(tiny_backbone) -> keras.Model:
    keras.utils.set_random_seed(1)
    return deeplab("v3+", tiny_backbone, 8, CLASSES, SIZE)


def samples(count: int = 4) -> list[np.ndarray]:
    return [normalise(example(1, "train", index, SIZE)[0]).numpy() for index in range(count)]


@pytest.fixture(scope="module")
def bare(model, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bare")
    paths = {}
    for precision in PRECISIONS:
        paths[precision] = folder / f"{precision}.tflite"
        paths[precision].write_bytes(convert(model, precision, samples()))
    return paths


@pytest.mark.parametrize("precision", PRECISIONS)
def test_files_need_only_builtin_operations(bare, precision):
    names = {operation.name for operation in read_graph(bare[precision]).operations}
    assert "CUSTOM" not in names and not any(name.startswith("FLEX") for name in names)
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "RESIZE_BILINEAR"} <= names
    assert not {"SPACE_TO_BATCH_ND", "SHAPE", "STRIDED_SLICE"} & names, "dilation fused, shapes static"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_signatures_suit_both_runtimes(bare, precision):
    interpreter = open_interpreter(model_path=str(bare[precision]))
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert tuple(source["shape"]) == (1, *SIZE, 3) and tuple(result["shape"]) == (1, *SIZE, CLASSES)
    assert source["dtype"] == (np.uint8 if precision == "int8" else np.float32)
    assert result["dtype"] == (np.uint8 if precision == "int8" else np.float32)


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 1e-4), ("float16", 0.02), ("dynamic", 0.1), ("int8", 0.4)]
)
def test_logits_stay_near_those_of_keras(model, bare, precision, tolerance):
    images = np.stack(samples(2))
    expected = model.predict_on_batch(images)
    spread = expected.std()
    assert np.abs(tflite_logits(bare[precision])(images) - expected).mean() < tolerance * spread


def test_float32_masks_are_those_of_keras(model, bare):
    assert agreement(model, bare["float32"], dataset(1, "held-out", 4, SIZE, 2), CLASSES) >= 0.999


def test_int8_takes_the_bytes_of_the_image(bare):
    scale, zero_point = open_interpreter(model_path=str(bare["int8"])).get_input_details()[0]["quantization"]
    assert (0 - zero_point) * scale == pytest.approx(-1, abs=0.01)
    assert (255 - zero_point) * scale == pytest.approx(1, abs=0.01)


def test_int8_refuses_samples_of_another_range(model):
    with pytest.raises(UsageError, match=r"\[-1, 1\]"):
        convert(model, "int8", [sample * 3 for sample in samples()])


def test_half_precision_is_smaller(bare):
    assert bare["float16"].stat().st_size < bare["float32"].stat().st_size


def test_bad_arguments_name_what_is_allowed(model, tmp_path):
    with pytest.raises(UsageError, match="float32, float16, dynamic, int8"):
        convert(model, "int4")
    with pytest.raises(UsageError, match="1 or more samples"):
        convert(model, "int8", [])
    with pytest.raises(UsageError, match="give 6 labels"):
        export(model, "float32", [], tmp_path / "m.tflite", LABELS[:-1], "m", "d.")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_task_library_takes_every_precision(bare, precision, tmp_path):
    out = tmp_path / "described.tflite"
    write_metadata(bare[precision].read_bytes(), out, LABELS, "shapes", "A test.")
    images = np.stack(samples(1))
    assert np.array_equal(tflite_logits(out)(images), tflite_logits(bare[precision])(images))
    again = tmp_path / "again.tflite"
    write_metadata(bare[precision].read_bytes(), again, LABELS, "shapes", "A test.")
    assert out.read_bytes() == again.read_bytes(), "the same model must keep its sha256"


def test_what_the_task_library_refuses_is_not_written(bare, tmp_path):
    out = tmp_path / "refused.tflite"
    with pytest.raises(RunError, match="6 classes and 5 labels"):
        write_metadata(bare["float32"].read_bytes(), out, LABELS[:-1], "shapes", "One label too few.")
    with pytest.raises(RunError):
        write_metadata(b"not a model", out, LABELS, "shapes", "Not a model.")
    assert not out.exists()
