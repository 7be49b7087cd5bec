"""Two people decide at once, each with the real program: each sees what the other has decided, and nothing is lost."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import REPO, run_program
from desks import Desk, Toy
from shells import Shell

from goldmask.cli import review
from goldmask.contract.errors import ExitCode
from goldmask.project.pending import rejection_of
from goldmask.workflows.accept import reject

pytestmark = pytest.mark.project
REVIEW = [sys.executable, str(REPO / "tasks.py"), "golden.review"]


def answer(reviewer: Shell, prompt: str, key: str, reason: str, outcome: str) -> None:
    """Decide about the mask that a reviewer is shown; what becomes of it is told."""
    for shown in filter(None, (prompt, "[q]uit: ")):
        reviewer.wait_for(shown)
    reviewer.type(key)
    if reason:
        reviewer.wait_for("reason")
        reviewer.type(f"{reason}\n")
    reviewer.wait_for(outcome)


def test_two_reviewers_at_their_terminals(desk: Desk):
    desk.predict(Toy())
    one, other = (Shell(REVIEW, desk.root) for _ in range(2))
    other.wait_for("1 of 3: tiny")
    answer(one, "1 of 3: tiny", "a", "first", "accepted")
    answer(other, "", "r", "not so", "golden already")
    answer(other, "2 of 3: tiny", "r", "no tree", "rejected")
    answer(one, "2 of 3: tiny", "a", "", "gone")
    answer(one, "3 of 3: tiny", "s", "", "still pending")
    assert one.ending() == ExitCode.GOLDEN
    answer(other, "3 of 3: tiny", "a", "second", "0 still pending")
    assert other.ending() == ExitCode.OK
    accepted = desk.golden().provenance.accepted
    assert {case: each.reason for case, each in accepted.items()} == {"flag": "first", "wide": "second"}


def test_two_programs_at_once(desk: Desk):
    """Whoever is first decides about the mask that all three name; the other two are each one's own."""
    desk.predict(Toy())
    commands = (
        ("golden.accept", "--case", "flag", "--case", "tall", "--reason", "one"),
        ("golden.accept", "--case", "tall", "--case", "wide", "--reason", "two"),
        ("golden.reject", "--case", "tall", "--reason", "three"),
    )
    mask = next(change.result.mask_sha256 for change in desk.look("tall"))
    with ThreadPoolExecutor(3) as pool:
        for ran in pool.map(lambda words: run_program(desk.root, *words), commands):
            assert ran.code == 0, ran.text
    reasons = {case: each.reason for case, each in desk.golden().provenance.accepted.items()}
    rejected = rejection_of(desk.store, "tiny", "lib_interpreter", "tall", mask)
    assert (reasons.pop("flag"), reasons.pop("wide"), desk.look()) == ("one", "two", [])
    assert ("tall" in reasons) != (rejected is not None)


def test_a_mask_that_another_decides_about_while_it_is_shown_does_not_end_a_review(desk: Desk, monkeypatch, capsys):
    desk.predict(Toy())
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(review, "interactive", lambda: True)
    monkeypatch.setattr(review.Keyboard, "key", lambda *_: "s")
    monkeypatch.setattr(
        review.Pictures, "show", lambda *_: reject(desk.root, desk.look("flag"), "no flag", "somebody else")
    )
    assert review.review_pending([], [], "", "") == ExitCode.GOLDEN
    shown = " ".join(capsys.readouterr().out.split())
    assert "3 of 3: tiny" in shown and "0 decided, 2 still pending" in shown and "flag.png, which is missing" in shown
