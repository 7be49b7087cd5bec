"""What the inspector reads, and which models it refuses by which tensor."""

import importlib.util
import sys
from pathlib import Path

import pytest
import tflite
import tiny
from conftest import REPO

from goldmask.contract.errors import UsageError
from goldmask.project.model import model_from_path
from goldmask.project.tflite import inspect


def saved(tmp_path, data: bytes):
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    return path


def test_the_starter_model_describes_itself(starter_model):
    signature = inspect(starter_model)
    assert str(signature.input) == "sub_7 float32[1,257,257,3]"
    assert (signature.output_kind, signature.classes, signature.output.shape) == ("logits", 21, (1, 257, 257, 21))
    assert (signature.mean, signature.std) == ((127.5,), (127.5,))
    assert (len(signature.labels), signature.labels[0], signature.labels[15]) == (21, "background", "person")


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_scores_of_every_type(tmp_path, dtype):
    signature = inspect(saved(tmp_path, tiny.scores(dtype)))
    assert (signature.output_kind, signature.input.dtype, signature.classes) == ("logits", dtype, 3)
    assert bool(signature.input.scale) == (dtype != "float32")
    assert not signature.has_metadata and signature.labels == ()


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_class_maps_of_every_type(tmp_path, dtype):
    signature = inspect(saved(tmp_path, tiny.class_map(dtype)))
    assert (signature.output_kind, signature.output.dtype, signature.classes) == ("classes", dtype, None)


def test_a_model_without_metadata_gets_stated_assumptions(tmp_path):
    model = model_from_path(saved(tmp_path, tiny.scores()))
    assert (model.mean, model.std, model.normalization_from) == ((127.5,), (127.5,), "assumed")
    assert model.labels == ("class_0", "class_1", "class_2")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (
            tiny.half_input(),
            r"input image float16\[1,8,8,3\] is unsupported: its type must be one of float32, uint8, int8",
        ),
        (tiny.scores(in_channels=1), r"input image float32\[1,8,8,1\] is unsupported: its shape"),
        (tiny.scores(channels=1), r"output logits float32\[1,8,8,1\] is unsupported"),
        (tiny.scores(channels=257), r"output logits float32\[1,8,8,257\] is unsupported"),
        (tiny.two_outputs(), r"output left .*; right .* is unsupported: exactly one"),
    ],
    ids=["float16", "gray", "one class", "too many classes", "two outputs"],
)
def test_an_unsupported_model_is_refused_by_tensor(tmp_path, model, why):
    with pytest.raises(UsageError, match=why):
        inspect(saved(tmp_path, model))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><title>404</title>", "an HTML page"),
        (b"PK\x03\x04" + bytes(64), "something else"),
        (b"\xff\xff\xff\x7fTFL3" + bytes(64), "truncated or damaged"),
        (b"\x10\x00\x00\x00TFL3", "truncated or damaged"),
    ],
    ids=["empty", "html", "zip", "wild root", "header only"],
)
def test_what_is_no_model_is_refused(tmp_path, data, why):
    with pytest.raises(UsageError, match=why):
        inspect(saved(tmp_path, data))


@pytest.fixture(scope="module")
def tensorflows_schema():
    """The bindings of the .tflite schema that TensorFlow carries, loaded without the rest of it."""
    package = Path(importlib.util.find_spec("tensorflow").origin).parent
    spec = importlib.util.spec_from_file_location("schema", package / "lite/python/schema_py_generated.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("model", ["shapes", "shapes_int8"])
def test_tensorflows_schema_reads_the_same(model, tensorflows_schema, monkeypatch):
    """The `tflite` package is of January 2025; a field or type that has another number since would be seen here."""
    path = REPO / "models/shapes" / f"{model}.tflite"
    signature = inspect(path)
    assert signature.input.shape[-1] == 3
    monkeypatch.setitem(sys.modules, "tflite", tensorflows_schema)
    assert inspect(path) == signature


def test_another_schema_is_seen(tensorflows_schema, monkeypatch):
    """The twin: with other numbers for types, the same file reads otherwise."""
    monkeypatch.setattr(tensorflows_schema, "TensorType", type("TensorType", (), {"FLOAT16": 0}))
    monkeypatch.setitem(sys.modules, "tflite", tensorflows_schema)
    with pytest.raises(UsageError, match="float16"):
        inspect(REPO / "models/shapes/shapes.tflite")


def test_types_of_tensors_have_the_numbers_of_tensorflows_schema(tensorflows_schema):
    """Those that came later have no name here: such a tensor is refused as one of `type 20`."""
    ours = {name: number for name, number in vars(tflite.TensorType).items() if isinstance(number, int)}
    assert len(ours) > 18 and ours.items() <= vars(tensorflows_schema.TensorType).items()


def test_the_starter_model_cut_anywhere_is_refused(tmp_path, starter_model):
    data = starter_model.read_bytes()
    for size in (16, 4096, len(data) // 2, len(data) - 200_000):
        with pytest.raises(UsageError, match="damaged|does not carry"):
            inspect(saved(tmp_path, data[:size]))


def test_no_changed_byte_makes_the_inspector_crash(tmp_path):
    """Untrusted offsets: whatever a byte is changed to, the answer is a signature or a UsageError."""
    good, refused = tiny.scores("int8"), 0
    for position in range(len(good)):
        for value in (0x00, 0x7F, 0xFF):
            changed = bytearray(good)
            changed[position] = value
            try:
                inspect(saved(tmp_path, bytes(changed)))
            except UsageError:
                refused += 1
    assert refused > len(good) / 10
