"""Work on all cores: in order, side by side, and over when something raises."""

import threading

import pytest

from goldmask.machine import cores
from goldmask.machine.cores import on_all_cores


@pytest.fixture(params=[1, 2, 64])
def core_count(monkeypatch, request) -> int:
    monkeypatch.setattr(cores, "cores", lambda: request.param)
    return request.param


def test_answers_come_in_the_order_of_the_items(core_count):
    first_may_end = threading.Event()

    def work(item: int) -> int:
        if item == 0 and core_count > 1:
            assert first_may_end.wait(10)  # by a later one
        first_may_end.set()
        return item * item

    assert list(on_all_cores(work, range(100))) == [item * item for item in range(100)]
    assert list(on_all_cores(work, [])) == []


def test_two_cores_work_at_once(monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: 2)
    both = threading.Barrier(2, timeout=10)
    assert len(list(on_all_cores(lambda _: both.wait(), range(2)))) == 2


def test_one_core_works_here_and_alone(monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: 1)
    assert set(on_all_cores(lambda _: threading.current_thread(), range(5))) == {threading.current_thread()}


def test_no_more_threads_than_python_can_feed(monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: 64)
    assert len(set(on_all_cores(lambda _: threading.get_ident(), range(1000)))) <= cores.MAX_THREADS


def test_what_one_raises_ends_all(core_count):
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise ValueError("three")
        return item

    with pytest.raises(ValueError, match="three"):
        list(on_all_cores(work, range(100_000)))
    assert len(begun) < 100_000 and not [each for each in threading.enumerate() if "ThreadPool" in each.name]


def test_a_caller_that_stops_early_leaves_no_thread(core_count):
    answers = on_all_cores(lambda item: item, range(1000))
    assert next(answers) == 0
    answers.close()
    assert not [each for each in threading.enumerate() if "ThreadPool" in each.name]
