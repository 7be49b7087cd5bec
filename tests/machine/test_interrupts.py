"""Interrupts come at once, or when a block is done that must not be torn in two."""

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from goldmask import tasks
from goldmask.cli.program import GoldmaskProgram
from goldmask.machine import interrupts


@pytest.fixture(autouse=True)
def caught(monkeypatch) -> Iterator[None]:
    """Signals of this process as the program has them, for one test."""
    before = {number: signal.getsignal(number) for number in interrupts.ENDING}
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    for name in ("holds", "waiting", "happened"):
        monkeypatch.setattr(interrupts._State, name, getattr(interrupts._State, name))
    interrupts.catch()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", interrupts.ENDING, ids=lambda number: number.name)
def test_each_signal_is_an_interrupt(number):
    assert not interrupts.happened()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert interrupts.happened()


def test_a_held_block_is_finished_first():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        signal.raise_signal(signal.SIGTERM)
        with interrupts.held():
            signal.raise_signal(signal.SIGINT)
        done.append("all of it")
    assert done


def test_what_waits_is_raised_where_it_is_let_through():
    seen = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        signal.raise_signal(signal.SIGTERM)
        try:
            with interrupts.let_through():
                seen.append("begun")
        finally:
            seen.append("ended")
    assert seen == ["ended"]


def test_an_interrupt_inside_is_raised_at_once_and_the_end_is_held_again():
    seen = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        try:
            with interrupts.let_through():
                signal.raise_signal(signal.SIGINT)
                seen.append("went on")
        finally:
            signal.raise_signal(signal.SIGINT)  # an impatient user's second
            seen.append("ended")
    assert seen == ["ended"]


def test_blocks_of_a_stack_may_end_inside_others():
    """As a session's: begun in the open, ended inside a held block."""
    outer, inner = interrupts.held(), interrupts.let_through()
    outer.__enter__()
    inner.__enter__()
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        inner.__exit__(None, None, None)
        outer.__exit__(None, None, None)
        signal.raise_signal(signal.SIGINT)
        done.append("still held")
    assert done
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_other_threads_hold_nothing_back():
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with interrupts.held(), interrupts.let_through():
            holding.set()
            let_go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holding.wait(10)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        let_go.set()
        thread.join()


def test_an_interrupt_in_a_destructor_is_not_lost():
    class Dying:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        dying = Dying()
        del dying
        threading.Event().wait(10)


def test_other_errors_of_destructors_are_shown_as_ever(capsys):
    class Dying:
        def __del__(self) -> None:
            raise ValueError("a bug")

    dying = Dying()
    del dying
    assert "a bug" in capsys.readouterr().err


def test_what_nohup_ignores_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.catch()
    signal.raise_signal(signal.SIGHUP)
    assert not interrupts.happened()


def test_at_the_end_nothing_disturbs():
    interrupts.ignore()
    for number in interrupts.ENDING:
        signal.raise_signal(number)


@pytest.mark.parametrize("step", ["guard", "finish"])
def test_the_program_ends_with_a_sentence_whenever_it_is_interrupted(monkeypatch, capsys, step):
    """Before it reads its words, and after its task."""
    monkeypatch.setattr(sys, "argv", ["goldmask", "--version"])
    monkeypatch.setattr(tasks.streams, "guard", lambda: None)
    if step == "guard":
        monkeypatch.setattr(tasks.streams, "guard", lambda: signal.raise_signal(signal.SIGINT))
    else:
        monkeypatch.setattr(GoldmaskProgram, "run", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(SystemExit) as ending:
        tasks.main()
    assert ending.value.code == interrupts.EXIT_CODE
    assert capsys.readouterr().err == f"{interrupts.MESSAGE}\n"


def test_and_with_a_bug_as_it_is(monkeypatch):
    def bug() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(tasks.streams, "guard", bug)
    with pytest.raises(RuntimeError, match="a bug"):
        tasks.main()
