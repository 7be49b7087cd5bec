"""What the reference runtimes share: how much of a graph a delegate took."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from goldmask.contract.bundle import DelegatedNodes
from goldmask.contract.engine import DELEGATE_OPERATOR, Operator, delegated_nodes


def graph(*operators: tuple[str, Iterable[int], Iterable[int]]) -> list[Operator]:
    """Operators by name, inputs and outputs, as an interpreter lists them."""
    return [
        Operator(index=index, op_name=name, inputs=list(inputs), outputs=list(outputs))
        for index, (name, inputs, outputs) in enumerate(operators)
    ]


# Tensor 0 is the image; 1 and 2 are made on the way to 3.
CHAIN = (("CONV_2D", [0], [1]), ("ADD", [1, -1], [2]), ("ARG_MAX", [2], [3]))


def test_a_graph_without_a_delegate():
    assert delegated_nodes(graph(*CHAIN), [3]) == DelegatedNodes(delegated=0, of=3)


def test_all_of_a_graph():
    assert delegated_nodes(graph(*CHAIN, (DELEGATE_OPERATOR, [0], [3])), [3]) == DelegatedNodes(delegated=3, of=3)


def test_a_tensor_inside_of_the_delegate_is_made_by_nobody_else():
    taken = (DELEGATE_OPERATOR, [0], [2])
    assert delegated_nodes(graph(*CHAIN, taken), [3]) == DelegatedNodes(delegated=2, of=3)


def test_two_partitions_with_a_node_of_the_cpu_between_them():
    taken = ((DELEGATE_OPERATOR, [0], [1]), (DELEGATE_OPERATOR, [2], [3]))
    assert delegated_nodes(graph(*CHAIN, *taken), [3]) == DelegatedNodes(delegated=2, of=3)


def test_a_node_that_no_output_needs_leaves_the_count_unknown():
    """It is in neither list of tensors of a DELEGATE node, so nothing shows whether it was replaced."""
    assert delegated_nodes(graph(*CHAIN, ("ABS", [2], [4])), [3]) is None
    assert delegated_nodes(graph(*CHAIN, ("ABS", [2], [4])), [3, 4]) == DelegatedNodes(delegated=0, of=4)


def test_an_empty_graph():
    assert delegated_nodes([], [0]) is None


@given(st.data())
def test_any_graph_with_any_of_its_nodes_replaced(data):
    size = data.draw(st.integers(1, 12))
    nodes = [
        ("ADD", data.draw(st.lists(st.integers(0, place), min_size=1, max_size=3)), [place + 1])
        for place in range(size)
    ]
    read = {tensor for _, inputs, _ in nodes for tensor in inputs}
    outputs = [tensor for tensor in range(1, size + 1) if tensor not in read]
    taken = data.draw(st.sets(st.integers(0, size - 1)))
    replaced = [(DELEGATE_OPERATOR, *nodes[place][1:]) for place in sorted(taken)]
    assert delegated_nodes(graph(*nodes, *replaced), outputs) == DelegatedNodes(delegated=len(taken), of=size)
