"""golden.review: what is shown of a mask, what each key does, and what the program leaves of a terminal."""

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import REPO, accept_all
from desks import Desk, Toy
from PIL import Image
from pngs import png
from shells import Shell

from goldmask.cli import pictures, review
from goldmask.contract.errors import ExitCode
from goldmask.machine.interrupts import EXIT_CODE

EVERY_CASE = {"flag", "tall", "wide"}


class Reviewer:
    """Somebody whose keys and lines are known, in place of a keyboard; None is Ctrl-D."""

    def __init__(self, typed: list[str | None]) -> None:
        self.typed = iter(typed)

    def key(self, prompt: str, allowed: str) -> str:
        key = next(self.typed)
        assert key in allowed
        return key

    def line(self, prompt: str) -> str | None:
        return next(self.typed)


@pytest.fixture
def review_with(desk: Desk, monkeypatch, capsys):
    """Reviews with known keys, all of which are used; the exit code and what was printed."""
    monkeypatch.setattr(review, "interactive", lambda: True)
    monkeypatch.setattr(pictures, "find", lambda: None)

    def run(typed: list[str | None], reason: str = "") -> tuple[ExitCode, str]:
        reviewer = Reviewer(typed)
        monkeypatch.setattr(review, "Keyboard", lambda: reviewer)
        code = review.review_pending([], [], reason, "")
        assert next(reviewer.typed, "end") == "end"
        return code, capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("typed", "reason", "accepted", "left"),
    [
        (["a", "better", "r", "no kerb", "a"], "", {"flag": "better", "wide": "better"}, set()),
        (["s", "l", "all right"], "", {"tall": "all right", "wide": "all right"}, {"flag"}),
        (["q"], "", {}, EVERY_CASE),
        (["r", "x", "r", "", "r", "y"], "", {}, set()),
        (["a", None, "a", "", "s", "q"], "", {}, EVERY_CASE),
        (["a", "r", "a"], "given", {"flag": "given", "wide": "given"}, set()),
    ],
)
def test_what_keys_do(desk: Desk, review_with, typed, reason, accepted, left):
    desk.predict(Toy())
    accept_all(desk.root)
    desk.predict(Toy(shift=1))
    code, text = review_with(typed, reason)
    golden = desk.golden()
    assert {case: each.reason for case, each in golden.provenance.accepted.items() if each.by == "Ada"} == accepted
    assert {change.case for change in desk.look()} == left
    assert code == (ExitCode.GOLDEN if left else ExitCode.OK)
    assert f"{len(EVERY_CASE) - len(left)} decided, {len(left)} still pending" in text
    assert "1 of 3: tiny · lib_interpreter · flag" in text and "confident flips, " in text and "area" in text
    assert "picture: build/pending/pictures/tiny.lib_interpreter.flag.png" in text
    assert "boundary F" in text and ("no reason, so nothing is decided" in text) == (None in typed)


def test_a_new_mask_shows_the_area_of_each_class(desk: Desk, review_with):
    desk.predict(Toy())
    code, text = review_with(["q"])
    assert code == ExitCode.GOLDEN and "no golden yet" in text and "blue 25.0%" in " ".join(text.split())


def test_nothing_pends(desk: Desk, review_with):
    assert review_with([]) == (ExitCode.OK, "nothing pends\n")


def test_what_cannot_be_accepted_is_told_and_the_review_goes_on(desk: Desk, review_with):
    desk.predict(Toy())
    accept_all(desk.root)
    desk.project.edit("models/tiny/model.toml", '"red"', '"crimson"')
    desk.predict(Toy())
    code, text = review_with(["a", "renamed", "s", "s"])
    assert code == ExitCode.GOLDEN and "have other labels than the new ones" in text and "0 decided" in text


@pytest.mark.parametrize(("moved", "word"), [(0, "+0.4444, better)"), (2, "-0.4444, worse)")])
def test_a_ground_truth_says_better_or_worse(desk: Desk, moved, word):
    """What is golden is moved by two pixels and what pends is not; the truth is one of the two."""
    truth = np.zeros((8, 8), np.uint8)
    truth[4:, :4], truth[4:, 4:] = 1, 2
    Image.fromarray(np.roll(truth, -moved, axis=1)).save(desk.project.model / "truth.tif", "PNG")
    declared = 'file = "flag.png"\ntruth = { file = "truth.tif" }'
    desk.project.edit("models/tiny/model.toml", 'file = "flag.png"', declared)
    desk.predict(Toy(shift=2))
    accept_all(desk.root)
    desk.predict(Toy(), "flag")
    (change,) = desk.look()
    assert "mIoU with the ground truth" in change.sentence() and word in change.sentence(), change.sentence()


@pytest.mark.parametrize(
    ("content", "shown"),
    [(None, True), (b"no picture", False), (png(np.zeros((8, 8), np.uint8), claims=(60_000, 60_000)), False)],
    ids=["picture", "none", "too large"],
)
def test_a_picture_of_somebodys_archive_is_decoded_within_limits(desk: Desk, monkeypatch, capsys, content, shown):
    from textual_image.renderable import SixelImage

    desk.predict(Toy(), "flag")
    (change,) = desk.look()
    if content:
        change.picture.write_bytes(content)
    monkeypatch.setattr(pictures, "find", lambda: SixelImage)
    assert pictures.Pictures().show(change.picture) is shown
    assert ("the picture cannot be shown here: " in capsys.readouterr().out) is not shown


SHOW = [sys.executable, str(REPO / "tasks.py"), "golden.review"]
ASKED = {"sixel": "\x1b[c", "kitty": "\x1b_Gi="}


@pytest.fixture
def pending(desk: Desk) -> Desk:
    """A desk on which three new masks pend."""
    desk.predict(Toy())
    return desk


@pytest.fixture
def terminal(pending: Desk) -> Iterator[Shell]:
    """The real program at a pseudo-terminal that can be asked what it shows."""
    yield Shell(SHOW, pending.root, TERM="xterm-256color")


@pytest.mark.project
def test_a_terminal_with_sixels_shows_the_picture(terminal: Shell):
    terminal.wait_for("\x1b[c")
    terminal.type("\x1b[?62;4;22c")
    terminal.wait_for("\x1bP")
    terminal.wait_for("\x1b\\")
    terminal.wait_for("picture: build/pending")
    terminal.wait_for("[q]uit: ")
    terminal.type("q")
    assert terminal.ending() == ExitCode.GOLDEN


@pytest.mark.project
def test_kitty_shows_the_picture(terminal: Shell):
    terminal.wait_for("\x1b[c")
    terminal.type("\x1b[?62;22c")
    terminal.wait_for("\x1b_Gi=")
    terminal.type("\x1b_Gi=1;OK\x1b\\")
    terminal.wait_for("\U0010eeee")
    terminal.wait_for("[q]uit: ")
    terminal.type("q")
    assert terminal.ending() == ExitCode.GOLDEN


@pytest.mark.project
def test_any_other_terminal_shows_the_path_and_what_it_sends_decides_nothing(terminal: Shell, pending: Desk):
    terminal.wait_for("picture: build/pending")
    assert "\x1bP" not in terminal.seen
    terminal.wait_for("[q]uit: ")
    terminal.type("\x1b_Gi=1;ENOTSUPPORTED:a\x1b\\\x1b[A\x1b[?62ca")
    terminal.wait_for("reason: ")
    terminal.type("as it was\n")
    terminal.wait_for("accepted")
    terminal.wait_for("[q]uit: ")
    terminal.type("\x04")
    assert terminal.ending() == ExitCode.GOLDEN and "1 decided, 2 still pending" in terminal.seen
    assert {change.case for change in pending.look()} == {"tall", "wide"}


@pytest.mark.project
def test_an_interrupt_leaves_the_terminal_as_it_was(pending: Desk):
    command = f"'{SHOW[0]}' '{SHOW[1]}' golden.review; echo ended $?; stty -a"
    shell = Shell(["sh", "-c", f"trap : INT; stty -a; {command}"], pending.root)
    shell.wait_for(" icanon ")
    shell.wait_for("[q]uit: ")
    shell.type("\x03")
    shell.wait_for(f"ended {EXIT_CODE}")
    assert shell.ending() == 0 and " icanon " in shell.seen and " echo " in shell.seen
    assert len(pending.look()) == 3
