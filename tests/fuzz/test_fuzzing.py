"""The fuzz suites' own rules: each is broken once by a reader made for that."""

import json
import resource
import signal
import time
from types import SimpleNamespace

import fuzzing
import pytest
from fuzzing import Input, bounded, fuzz, read_or_refuse
from hypothesis import strategies as st
from mutations import odd_json

from goldmask.contract.errors import UsageError

# What a suite is asked with, where nothing is asked for with --fuzz.
ONCE = SimpleNamespace(session=SimpleNamespace(items=[]))


def refuse(what: str):
    error = UsageError("")
    error.what = what  # as if nobody had made it printable
    raise error


def test_a_reader_may_answer_or_refuse(tmp_path):
    assert read_or_refuse(lambda data, _: data, b"", tmp_path) is True
    assert read_or_refuse(lambda data, _: refuse("it is no model"), b"", tmp_path) is False


@pytest.mark.parametrize(
    ("read", "failure"),
    [
        (lambda data, _: data[5], IndexError),
        (lambda data, _: refuse("two\nlines"), AssertionError),
        (lambda data, _: refuse("\x1b[2J"), AssertionError),
        (lambda data, _: refuse(""), AssertionError),
        (lambda data, _: refuse("x" * 3000), AssertionError),
        (lambda data, _: bytes(400 << 20), MemoryError),
    ],
    ids=["traceback", "two lines", "escape", "silent", "long", "hungry"],
)
def test_nothing_else(tmp_path, read, failure):
    with pytest.raises(failure):
        read_or_refuse(read, b"", tmp_path)


def test_a_reader_that_is_too_slow_is_stopped_and_its_limits_end_with_it():
    before = resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGPROF)

    def slow() -> None:
        try:
            until = time.process_time() + 5
            while time.process_time() < until:
                pass
        except Exception:
            pytest.fail("a reader caught the end of its own time")

    with pytest.raises(AssertionError, match=r"more than 0\.05 s"), bounded(seconds=0.05):
        slow()
    assert (resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGPROF)) == before
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)


@pytest.mark.parametrize("read", [lambda data, _: data, lambda data, _: refuse("no")], ids=["answers", "refuses"])
def test_a_suite_that_does_not_reach_both_ends_fails(tmp_path, read):
    with pytest.raises(AssertionError, match=r"True|False"):
        fuzz(st.binary(max_size=2), examples=5)(read)(tmp_path, ONCE)


def test_a_suite_shows_its_smallest_failing_input(tmp_path):
    def read(data, _):
        if len(data) > 3:
            raise KeyError

    with pytest.raises(KeyError):
        fuzz(st.binary(max_size=40), examples=50)(read)(tmp_path, ONCE)
    assert (tmp_path / "input").read_bytes() == bytes(4)


def test_a_suite_goes_on_until_its_time_is_up(tmp_path, monkeypatch):
    seen: list[int] = []
    clock = SimpleNamespace(monotonic=lambda: len(seen), time_ns=lambda: len(seen))  # a second for each input
    monkeypatch.setattr(fuzzing, "time", clock)
    monkeypatch.setattr(fuzzing, "EXAMPLES_OF_A_ROUND", 5)
    monkeypatch.setattr(fuzzing, "MINUTES", 1)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    suite = SimpleNamespace(function=fuzz(st.none())(print))
    items = [suite] * 6 + [SimpleNamespace(function=print), SimpleNamespace()]
    twenty_seconds = SimpleNamespace(session=SimpleNamespace(items=items))
    fuzz(st.integers(), refuses=False)(lambda number, _: seen.append(number))(tmp_path, twenty_seconds)
    assert len(seen) == 20 and len(set(seen)) > 10


def test_a_report_of_a_failure_fits_on_a_screen():
    assert repr(Input(b"ab")) == "b'ab'" and len(repr(Input("x" * 50_000))) < 2000


def test_odd_json_is_valid_or_not_and_has_keys_twice(tmp_path):
    texts, valid, twice = set[bytes](), [], []

    def look(pairs):
        twice.append(len(pairs) != len(dict(pairs)))
        return dict(pairs)

    fuzz(odd_json((b'{"a": [1, {"b": "c"}], "d": null}',)), refuses=False)(lambda data, _: texts.add(data))(
        tmp_path, ONCE
    )
    for text in texts:
        try:
            json.loads(text, object_pairs_hook=look)
            valid.append(text)
        except (ValueError, RecursionError):
            pass
    assert len(texts) > 100 and 20 < len(valid) < len(texts) - 20 and any(twice)
