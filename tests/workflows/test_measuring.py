"""The order of cases where latency is measured."""

from conftest import REPO

from goldmask.contract.bundle import Request, RequestCase, load_request
from goldmask.workflows.measuring import in_random_order


def request_of(runs: int, cases: int = 6) -> Request:
    """The sample, with more cases."""
    sample = load_request(REPO / "tests/samples/request.json")
    more = tuple(RequestCase(id=f"case-{index}", file="a.png", sha256="0" * 64) for index in range(cases))
    options = sample.options.model_copy(update={"warmup": 0, "runs": runs})
    return sample.model_copy(update={"cases": more, "options": options})


def test_the_order_is_random_and_can_be_had_again():
    notes: list[str] = []
    request = request_of(runs=10)
    once, again, other = (in_random_order(request, seed, notes.append) for seed in (7, 7, 8))
    assert once == again != request and once != other
    assert sorted(once.cases, key=lambda case: case.id) == list(request.cases)
    unseeded = in_random_order(request, None, notes.append)
    seed = int(notes[-1].rpartition(" ")[2])
    assert in_random_order(request, seed, notes.append) == unseeded


def test_the_order_is_that_of_the_project_where_nothing_is_measured():
    notes: list[str] = []
    for request in (request_of(runs=1), request_of(runs=10, cases=1)):
        assert in_random_order(request, None, notes.append) is request
    assert notes == []
