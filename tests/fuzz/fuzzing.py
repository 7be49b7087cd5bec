"""Any bytes at all for a reader: it answers, or says in one sentence why it cannot, soon and in little memory.

Tests run a bounded number of inputs, the same every time. `./goldmask test --fuzz MINUTES` makes others until the time
is up.
"""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.strategies import SearchStrategy

from goldmask.contract.errors import GoldmaskError

SECONDS = 2.0  # of processor time, for one input
MEMORY_BYTES = 300 << 20  # for one input, besides what Python has already
LONGEST_SENTENCE = 2000
LONGEST_REPR = 1500
MINUTES = float(os.environ.get("GOLDMASK_FUZZ_MINUTES", "0"))
EXAMPLES_OF_A_ROUND = 1000
SUITE = "is_fuzz_suite"
FAILED = "input"  # in the folder of a test that fails
STATM = Path("/proc/self/statm")
Data = TypeVar("Data")


class Input:
    """An input whose repr in Hypothesis's report is not longer than a screen; the folder of the test has it whole."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        shown = repr(self.value)
        return shown if len(shown) <= LONGEST_REPR else f"{shown[:LONGEST_REPR]}… ({len(shown):,} characters)"


class TooSlow(BaseException):
    """The reader's time is up; no `except Exception` of a reader takes it for something else."""


@contextmanager
def bounded(seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> Iterator[None]:
    """Within, more processor time is an AssertionError, and more memory a MemoryError where it is asked for."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"a reader took more than {seconds:g} s of processor time")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGPROF, stop)
    try:
        if STATM.is_file():  # elsewhere memory is not bounded: Linux finds what is hungry
            pages = int(STATM.read_text("ascii").split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory_bytes, hard))
        signal.setitimer(signal.ITIMER_PROF, seconds, seconds)  # again, where a destructor swallowed the first
        yield
    except TooSlow as error:
        raise AssertionError(str(error)) from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def read_or_refuse(read: Callable[[Data, Path], object], data: Data, folder: Path) -> bool:
    """Whether a reader answers; an error of ours, one printable sentence, is the only other thing that it may do."""
    with bounded():
        try:
            read(data, folder)
        except GoldmaskError as error:
            assert error.what.isprintable(), f"not one printable line: {error.what!r}"
            assert 0 < len(error.what) <= LONGEST_SENTENCE, f"{len(error.what)} characters"
            return False
    return True


def seconds_of(session: pytest.Session) -> float:
    """How long a suite goes on; 0 without --fuzz. Each of xdist's workers knows all suites, and runs some of them."""
    suites = sum(hasattr(getattr(item, "function", None), SUITE) for item in session.items)
    return 60 * MINUTES * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) / max(1, suites)


def fuzz(
    inputs: SearchStrategy[Data], examples: int = 200, *, refuses: bool = True
) -> Callable[[Callable[[Data, Path], object]], Callable[..., None]]:
    """Make a test of a reader, of an input and a folder of its own.

    Some of the inputs have to be answered and, where the reader `refuses` anything, some refused: else the suite would
    not reach what it is there for.
    """

    def decorate(read: Callable[[Data, Path], object]) -> Callable[..., None]:
        def test(tmp_path: Path, request: pytest.FixtureRequest) -> None:
            fuzz_seconds = seconds_of(request.session)
            answers = set[bool]()
            folder = tmp_path / "folder"
            folder.mkdir()

            def one(each: Input) -> None:
                try:
                    answers.add(read_or_refuse(read, each.value, folder))
                except BaseException:  # the last of them is the smallest
                    data = each.value if isinstance(each.value, bytes) else repr(each.value).encode("utf-8", "replace")
                    (tmp_path / FAILED).write_bytes(data)
                    raise

            run = settings(
                max_examples=EXAMPLES_OF_A_ROUND if fuzz_seconds else examples,
                database=None,
                deadline=None,
                phases=(Phase.generate, Phase.shrink),
                print_blob=False,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            )(hypothesis.given(inputs.map(Input))(one))
            until = time.monotonic() + fuzz_seconds
            hypothesis.seed(time.time_ns() if fuzz_seconds else 0)(run)()
            while time.monotonic() < until:
                hypothesis.seed(time.time_ns())(run)()
            assert answers == ({True, False} if refuses else {True}), answers

        test.__doc__ = read.__doc__
        setattr(test, SUITE, True)
        test = pytest.mark.timeout(60 * MINUTES + 600)(test) if MINUTES else test
        return pytest.mark.filterwarnings("ignore:Generating overly large repr")(test)  # of our strategies

    return decorate
