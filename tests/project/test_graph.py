"""Graphs: what operators hand on, where a model can be cut, and which models cannot."""

import pytest
import tiny
from conftest import REPO

from goldmask.contract.errors import UsageError
from goldmask.project.graph import changed, check_pair, load_graph

SHAPES = REPO / "models/shapes/shapes.tflite"


def model(
    tmp_path, operators, *, shape=(1, 4, 4, 3), name="model", inputs=(0,), outputs=None, dtype="float32", constant=None
):
    """A .tflite of `operators` (code, inputs, outputs) on tensors 0, 1, …, all of one shape; the last is the output."""
    graph = tiny.Graph()
    count = 1 + max(tensor for _, reads, writes in operators for tensor in (*reads, *writes))
    for index in range(count):
        data = constant if constant is not None and index == 1 else None
        graph.tensor(f"t{index}", list(shape), dtype, data=data)
    for operator in operators:
        graph.operator(*operator)
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(graph.build(list(inputs), [count - 1] if outputs is None else list(outputs)))
    return path


def fork(tmp_path, **options):
    """0 -> 1; 1 -> 2 and 1 -> 3, side by side; 2 + 3 -> 4."""
    add = tiny.ADD
    return model(tmp_path, [(add, [0, 0], [1]), (add, [1, 1], [2]), (add, [1, 1], [3]), (add, [2, 3], [4])], **options)


def test_what_a_prefix_hands_on_is_what_later_operators_read(tmp_path):
    graph = load_graph(fork(tmp_path))
    assert [graph.crossing(count) for count in (1, 2, 3, 4)] == [
        ((0, 0),), ((1, 0), (0, 0)), ((2, 0), (1, 0)), ((3, 0),),
    ]  # fmt: skip
    assert graph.every() == ((0, 0), (1, 0), (2, 0), (3, 0))


def test_a_cut_has_the_operators_that_its_outputs_need(tmp_path):
    graph = load_graph(fork(tmp_path))
    cut = graph.cut(((2, 0),))
    assert (cut.operators, cut.inputs, cut.outputs) == ((0, 2), (0,), (3,))
    alone = graph.alone(3)
    assert (alone.operators, alone.inputs, alone.outputs) == ((3,), (2, 3), (4,))
    apart = graph.apart(graph.every())
    assert (apart.operators, apart.inputs, apart.outputs) == ((0, 1, 2, 3), (0, 1, 2, 3), (1, 2, 3, 4))


def test_an_operator_has_a_name_of_one_printable_line(tmp_path):
    graph = tiny.Graph()
    graph.tensor("in", [1, 4, 4, 3], "float32")
    graph.tensor("a/very/long/name" * 5 + "/\x1b[31mRelu6;other", [1, 4, 4, 3], "float32")
    graph.operator(tiny.ADD, [0, 0], [1])
    path = tmp_path / "model.tflite"
    path.write_bytes(graph.build([0], [1]))
    name = load_graph(path).name(0)
    assert name.startswith("#0 ADD (…") and name.endswith("Relu6)") and name.isprintable() and len(name) < 70


def test_a_models_graph_is_read():
    graph = load_graph(SHAPES)
    assert len(graph.operators) == 57 and graph.name(56).startswith("#56 RESIZE_BILINEAR")
    assert graph.tensors[graph.inputs[0]].shape == (1, 129, 129, 3) and not graph.fixed
    assert sum(tensor.bytes for tensor in graph.tensors) > 1 << 20


@pytest.mark.parametrize(
    ("operators", "options", "why"),
    [
        ([(0, [0, 2], [1]), (0, [1, 1], [2])], {}, "reads tensor 2, which nothing has written by then"),
        ([(0, [0, 0], [1]), (0, [0, 0], [1])], {}, "writes tensor 1, which is written already"),
        ([(0, [0, 0], [0])], {}, "writes tensor 0, which is written already"),
        ([(0, [0, 0], [])], {}, "#0 ADD writes no tensor"),
        ([(0, [0, 0], [1])], {"inputs": ()}, "no inputs"),
        ([(0, [0, 0], [1]), (0, [1, 1], [3])], {"outputs": (2,)}, "an output that no operator writes"),
        ([(0, [0, 0], [1])], {"shape": (1, -1, -1, 3)}, "where the size of every input is fixed"),
        ([(0, [0, 9], [1])], {"outputs": (99,)}, "truncated or damaged"),
    ],
)  # fmt: skip
def test_a_graph_that_cannot_be_cut_is_refused(tmp_path, operators, options, why):
    with pytest.raises(UsageError, match=why):
        load_graph(model(tmp_path, operators, **options))


def test_a_cut_file_is_refused(tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(SHAPES.read_bytes()[:100_000])
    with pytest.raises(UsageError, match="truncated or damaged"):
        load_graph(path)


def test_files_whose_operators_are_others_are_no_pair(tmp_path):
    one, other = load_graph(fork(tmp_path, name="one")), load_graph(SHAPES)
    check_pair(one, one)
    with pytest.raises(
        UsageError, match="has 4 operators and .* 57; the first that differs is #0 ADD .* against #0 CONV_2D"
    ):
        check_pair(one, other)
    shorter = load_graph(model(tmp_path, [(0, [0, 0], [1])], name="shorter"))
    with pytest.raises(UsageError, match="4 operators and .* 1; one begins as the other"):
        check_pair(one, shorter)
    larger = load_graph(fork(tmp_path, name="larger", shape=(1, 8, 8, 3)))
    with pytest.raises(UsageError, match="have different inputs"):
        check_pair(one, larger)


def test_what_files_say_differently_is_named(tmp_path):
    import numpy as np

    def of(name, value, **options):
        constant = np.full((1, 4, 4, 3), value, np.float32)
        return load_graph(model(tmp_path, [(tiny.ADD, [0, 1], [2])], name=name, constant=constant, **options))

    one = of("one", 1.0)
    assert changed(one, of("same", 1.0), 0) == []
    assert changed(one, of("other", 2.0), 0) == ["its weights"]
    wired = load_graph(model(tmp_path, [(tiny.ADD, [0, 0], [2])], name="wired"))
    assert changed(one, wired, 0) == ["the tensors that it reads and writes"]
    half = load_graph(model(tmp_path, [(tiny.ARG_MAX, [0, 0], [1])], name="half", dtype="float16"))
    whole = load_graph(model(tmp_path, [(tiny.ADD, [0, 0], [1])], name="whole"))
    assert changed(whole, half, 0) == ["its type (ADD, ARG_MAX)", "shapes or types of its tensors"]
