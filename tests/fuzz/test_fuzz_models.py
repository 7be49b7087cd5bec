"""Models: .tflite files whose offsets and counts lie, and the archives of labels that are appended to them."""

import bz2
import io
import lzma
import struct
import zipfile

import pytest
import tiny
from described import archive, metadata
from fuzzing import fuzz, read_or_refuse
from hypothesis import strategies as st
from mutations import changed

from goldmask.contract.errors import UsageError
from goldmask.project.graph import changed as changed_operator
from goldmask.project.graph import check_pair, load_graph
from goldmask.project.model import model_from_path

DESCRIBED = tiny.scores(metadata=metadata())
LABELS = b"red\ngreen\nblue\n"
# TensorFlow Lite's tools use the first.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
ARCHIVES = tuple(archive(LABELS, method=method) for method in METHODS)
# Metadata without a label file to look for: its own offsets are reached.
PLAIN = tuple(tiny.scores(dtype, metadata=metadata("", mean=0.0)) for dtype in ("float32", "uint8"))
MODELS = (tiny.scores(), tiny.scores("int8"), tiny.class_map(), tiny.two_outputs(), DESCRIBED + ARCHIVES[0], *PLAIN)


def read_model(data, folder):
    (folder / "model.tflite").write_bytes(data)
    model = model_from_path(folder / "model.tflite")
    assert model.request().labels == model.labels
    assert all(0 < size <= 1 << 31 for size in model.input.shape[1:])


def cut_model(data, folder):
    (folder / "model.tflite").write_bytes(data)
    graph = load_graph(folder / "model.tflite")
    for operator in graph.operators:
        assert graph.cut(graph.crossing(operator.number + 1) or ((operator.number, 0),)).operators
        assert graph.alone(operator.number).operators[-1] == operator.number and graph.name(operator.number)
        assert changed_operator(graph, graph, operator.number) == []
    check_pair(graph, graph)


@st.composite
def wild(draw: st.DrawFn) -> bytes:
    """A model in which words at their places, as offsets and lengths are, have other values."""
    data = bytearray(draw(st.sampled_from(MODELS)))
    for _ in range(draw(st.integers(1, 6))):
        at = 4 * draw(st.integers(0, len(data) // 4 - 1))
        (now,) = struct.unpack_from("<I", data, at)
        size = len(data)
        odd = (0, 1, 2, 255, size - at, size, 1 << 16, 1 << 24, 1 << 28, (1 << 31) - 1, 1 << 31, (1 << 32) - 4)
        value = draw(st.sampled_from((now + 1, now + 4, now - 4, now * 2, now ^ 0xFF, *odd)) | st.integers(0, size))
        struct.pack_into("<I", data, at, value & 0xFFFFFFFF)
    return bytes(data)


test_offsets = fuzz(wild(), examples=300)(read_model)
test_graphs = fuzz(wild(), examples=300)(cut_model)
test_bytes = fuzz(changed(MODELS))(read_model)
test_label_archives = fuzz(changed(ARCHIVES).map(DESCRIBED.__add__), examples=300)(read_model)


@st.composite
def members(draw: st.DrawFn) -> bytes:
    """A model with an archive of members of strange names, flags, sizes and contents."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        names = ("labels.txt", "../labels.txt", "labels.txt/")
        for name in draw(st.lists(st.sampled_from(names), min_size=1, unique=True)):
            info = zipfile.ZipInfo(name)
            content = draw(
                st.sampled_from((LABELS, b"", b"\n\n\n", b"a\r\nb\rc", b"\xff\xfe\x00", b"\xef\xbb\xbfa\nb\nc"))
                | st.text(max_size=30).map(str.encode)
                | st.integers(1, 1 << 20).map(bytes)
            )
            file.writestr(info, content, draw(st.sampled_from(METHODS)))
    data = bytearray(stream.getvalue())
    for field in draw(st.lists(st.sampled_from((6, 8, 10, 12, 16, 20, 24, 28, 30, 32, 34, 42)), max_size=2)):
        central = data.rindex(b"PK\x01\x02")
        value = draw(st.sampled_from((0, 1, 8, 9, 12, 14, 99, 0xFFFF)))
        struct.pack_into("<H", data, central + field, value)
    return DESCRIBED + bytes(data)


test_label_members = fuzz(members())(read_model)


def forged(method: int, content: bytes, claimed: int) -> bytes:
    """An archive whose member is `content` as it is, said to be compressed by `method` from `claimed` bytes."""
    data = bytearray(archive(content))
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # the local header, and the central one
        start = data.index(signature) + at
        struct.pack_into("<H", data, start, method)
        struct.pack_into("<I", data, start + 14, claimed)
    return bytes(data)


ZEROS = bytes(1 << 28)
LZMA = lzma.compress(ZEROS, lzma.FORMAT_ALONE, preset=0)


@pytest.mark.parametrize(
    ("method", "content"),
    [
        (zipfile.ZIP_BZIP2, bz2.compress(ZEROS)),
        (zipfile.ZIP_LZMA, b"\x09\x04\x05\x00" + LZMA[:5] + LZMA[13:]),
        (zipfile.ZIP_LZMA, b"\x09\x04\x05\x00\x5d\xff\xff\xff\xff" + bytes(60)),
    ],
    ids=["bzip2", "lzma", "lzma's dictionary"],
)
def test_a_label_file_that_unpacks_to_gigabytes_is_refused_in_little_memory(tmp_path, method, content):
    assert not read_or_refuse(read_model, DESCRIBED + forged(method, content, 1000), tmp_path)


def test_the_seeds_are_right(tmp_path):
    for each in ARCHIVES[:2]:
        (tmp_path / "model.tflite").write_bytes(DESCRIBED + each)
        assert model_from_path(tmp_path / "model.tflite").labels == ("red", "green", "blue")
    (tmp_path / "model.tflite").write_bytes(DESCRIBED)
    with pytest.raises(UsageError, match="does not carry"):
        model_from_path(tmp_path / "model.tflite")
