"""What the inspector reads, and which models it refuses by which tensor."""

import importlib.util
import os
import resource
import sys
import tracemalloc
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
    description = inspect(starter_model)
    assert [str(tensor) for tensor in description.inputs] == ["sub_7 float32[1,257,257,3]"]
    assert [tensor.shape for tensor in description.outputs] == [(1, 257, 257, 21)]
    assert (description.mean, description.std) == ((127.5,), (127.5,))
    assert (len(description.labels), description.labels[0], description.labels[15]) == (21, "background", "person")
    assert (len(description.signatures), description.stray_subgraphs) == (0, 0)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_tensors_have_their_type_and_scale(tmp_path, dtype):
    (image,) = inspect(saved(tmp_path, tiny.scores(dtype))).inputs
    assert image.dtype == dtype and bool(image.scale) == (dtype != "float32")


def test_a_bare_model_has_no_metadata(tmp_path):
    description = inspect(saved(tmp_path, tiny.scores()))
    assert not description.has_metadata and description.labels == () and description.mean is None


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
    description = inspect(path)
    assert description.inputs[0].shape[-1] == 3
    monkeypatch.setitem(sys.modules, "tflite", tensorflows_schema)
    assert inspect(path) == description


def test_another_schema_is_seen(tensorflows_schema, monkeypatch):
    """The twin: with other numbers for types, the same file reads otherwise."""
    monkeypatch.setattr(tensorflows_schema, "TensorType", type("TensorType", (), {"FLOAT16": 0}))
    monkeypatch.setitem(sys.modules, "tflite", tensorflows_schema)
    assert inspect(REPO / "models/shapes/shapes.tflite").inputs[0].dtype == "float16"


def test_types_of_tensors_have_the_numbers_of_tensorflows_schema(tensorflows_schema):
    """Those that came later have no name here: such a tensor is refused as one of `type 20`."""
    ours = {name: number for name, number in vars(tflite.TensorType).items() if isinstance(number, int)}
    assert len(ours) > 18 and ours.items() <= vars(tensorflows_schema.TensorType).items()


def test_the_starter_model_cut_anywhere_is_refused(tmp_path, starter_model):
    data = starter_model.read_bytes()
    for size in (16, 4096, len(data) // 2, len(data) - 200_000):
        with pytest.raises(UsageError, match="damaged|does not carry"):
            inspect(saved(tmp_path, data[:size]))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("red\ngreen\nblue\n", ("red", "green", "blue")),
        ("red\ngreen\nblue", ("red", "green", "blue")),
        ("red\r\ngreen\r\nblue\r\n", ("red", "green", "blue")),
        ("\ufeffred\ngreen\nblue\n", ("red", "green", "blue")),
        ("red\n\nblue\n", ("red", "class_1", "blue")),
        ("\ngreen\nblue\n", ("class_0", "green", "blue")),
        ("red\ngreen\n\n", ("red", "green", "class_2")),
        ("red\n  \nblue\n", ("red", "class_1", "blue")),
        ("red\u2028x\ngreen\x0by\nblue\n", ("red\u2028x", "green\x0by", "blue")),
        ("red\nred\nblue\n", ("red", "red", "blue")),
        ("", ("class_0", "class_1", "class_2")),
    ],
)
def test_a_line_of_a_label_file_is_a_class(tmp_path, text, labels):
    assert model_from_path(saved(tmp_path, tiny.labelled(text))).labels == labels


@pytest.mark.parametrize(
    ("text", "count"), [("red\ngreen\n", 2), ("red\n\ngreen\nblue\n", 4), ("red\ngreen\nblue\n\n", 4), ("one", 1)]
)
def test_too_few_and_too_many_labels_are_an_error(tmp_path, text, count):
    with pytest.raises(UsageError, match=f"scores 3 classes, its own label file names {count}") as caught:
        model_from_path(saved(tmp_path, tiny.labelled(text)))
    assert "in a model.toml" in caught.value.fix


def spoilt(data: bytes, old: bytes, new: bytes) -> bytes:
    """The last `old` in a model is `new`."""
    head, found, rest = data.rpartition(old)
    assert found
    return head + new + rest[len(new) - len(old) :]


GOOD = tiny.labelled("red\ngreen\nblue\n")
ARCHIVE = GOOD.index(b"PK\3\4")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (tiny.labelled(b"a\n" * (1 << 20)), "its label file labels.txt is larger than 1,048,576 bytes"),
        (spoilt(tiny.labelled(b"a\n" * (1 << 20)), (2 << 20).to_bytes(4, "little"), b"\x20\0\0\0"), "does not carry"),
        (tiny.labelled("", name="other.txt"), "names a label file 'other.txt' that it does not carry"),
        (tiny.labelled("", name="\x1b]0;x\x07"), r"names a label file '\\x1b\]0;x\\x07' that it does not carry"),
        (GOOD[:ARCHIVE], "does not carry"),
        (spoilt(GOOD, b"PK\1\2", b"PK\1\2" + bytes(8)), "does not carry"),
        (GOOD[: ARCHIVE + 40] + b"\xff" * 4 + GOOD[ARCHIVE + 44 :], "does not carry"),
    ],
    ids=["large", "bomb", "another name", "escapes", "gone", "spoilt list", "spoilt content"],
)
def test_an_archive_without_a_readable_label_file(tmp_path, data, why):
    assert inspect(saved(tmp_path, GOOD)).labels == ("red", "green", "blue")
    with pytest.raises(UsageError, match=why):
        inspect(saved(tmp_path, data))


def test_a_label_file_that_claims_less_than_it_inflates_to_is_not_inflated(tmp_path):
    bomb = tiny.labelled(bytes(64 << 20))
    path = saved(tmp_path, spoilt(bomb, (64 << 20).to_bytes(4, "little"), b"\x64\0\0\0"))
    tracemalloc.start()
    try:
        with pytest.raises(UsageError, match="does not carry"):
            inspect(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_an_archive_is_looked_for_at_the_end_only(tmp_path, monkeypatch):
    monkeypatch.setattr("goldmask.project.tflite.MAX_ARCHIVE_BYTES", len(GOOD) - ARCHIVE)
    assert inspect(saved(tmp_path, GOOD)).labels == ("red", "green", "blue")
    monkeypatch.setattr("goldmask.project.tflite.MAX_ARCHIVE_BYTES", 30)
    with pytest.raises(UsageError, match="does not carry"):
        inspect(saved(tmp_path, GOOD))


def test_two_gigabytes_that_are_not_there_cost_nothing(tmp_path):
    """A sparse file, which is not read but mapped: this process has not the memory for it."""
    path = saved(tmp_path, tiny.scores())
    with path.open("r+b") as stream:
        stream.truncate((2 << 30) - 1)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, limits[1]))
    try:
        assert inspect(path).outputs[0].shape[3] == 3
        path.write_bytes(b"\x1c\0\0\0TFL3")
        with path.open("r+b") as stream:
            stream.truncate((2 << 30) - 1)
        with pytest.raises(UsageError, match="truncated or damaged"):
            inspect(path)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limits)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "it is a named pipe, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
        (Path.mkdir, "it is a folder, not a file"),
        (lambda path: (path.write_bytes(b"") and None) or os.truncate(path, 3 << 30), "cannot be larger than"),
    ],
)
def test_a_model_is_a_file_within_bounds(tmp_path, make, why):
    make(tmp_path / "model.tflite")
    with pytest.raises(UsageError, match=why):
        inspect(tmp_path / "model.tflite")


@pytest.mark.parametrize(
    ("scale", "zero_point"),
    [(1e-44, 0), (float("nan"), 0), (float("inf"), 0), (-0.5, 0), (0.5, 128), (0.5, -129), (0.5, 1 << 40)],
)
def test_a_quantisation_that_no_tensor_has_is_damage(tmp_path, scale, zero_point):
    def model(scale: float, zero_point: int) -> bytes:
        graph = tiny.Graph()
        image = graph.tensor("image", [1, 8, 8, 3], "int8", scale, zero_point)
        scores = graph.tensor("scores", [1, 8, 8, 3], "int8", 0.5, 0)
        return graph.build([image], [scores])

    assert inspect(saved(tmp_path, model(0.5, -128))).inputs[0].zero_point == -128
    with pytest.raises(UsageError, match="truncated or damaged"):
        inspect(saved(tmp_path, model(scale, zero_point)))
