import pytest

from deeplab.graph import Graph, Operation, peak_activation_bytes

pytestmark = pytest.mark.project


def test_peak_counts_what_is_alive_at_once():
    """0 -> 1 -> 2, and 3 from 1 and 2: tensor 1 must stay until the last step."""
    chain = (Operation("A", (0,), (1,)), Operation("B", (1,), (2,)), Operation("ADD", (1, 2), (3,)))
    sizes = {0: 10, 1: 100, 2: 20, 3: 5}
    assert peak_activation_bytes(Graph(chain, sizes, (3,))) == 125


def test_peak_frees_what_is_no_longer_read():
    chain = (Operation("A", (0,), (1,)), Operation("B", (1,), (2,)), Operation("C", (2,), (3,)))
    sizes = {0: 10, 1: 100, 2: 20, 3: 5}
    assert peak_activation_bytes(Graph(chain, sizes, (3,))) == 120
