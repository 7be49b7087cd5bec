"""What pends where pixels are ignored: they are in no figure and no picture, and whatever differs beside them is."""

import numpy as np
import pytest
from conftest import accept_all
from desks import Desk, Reference, Toy
from PIL import Image

from goldmask.contract.errors import EnvironmentMissing
from goldmask.contract.mask import encode_mask
from goldmask.project import gather as gathering
from goldmask.project.config import load_config
from goldmask.report.overlay import overlay
from goldmask.workflows import record as recording
from goldmask.workflows.selection import select

# Moved by one, the toy's mask of `flag` differs in columns 3 and 7 of its lower half: 8 of 64 pixels.
LOWER = "ignore_polygons = [[[0, 4], [7, 4], [7, 7], [0, 7]]]"
BUT_ONE_ROW = "ignore_polygons = [[[0, 5], [7, 5], [7, 7], [0, 7]]]"
WHOLE = "ignore_polygons = [[[0, 0], [7, 0], [7, 7], [0, 7]]]"


@pytest.fixture
def recorded(desk: Desk) -> Desk:
    """The desk, with goldens."""
    desk.predict(Toy())
    accept_all(desk.root)
    return desk


def test_what_is_ignored_is_in_no_figure(recorded):
    recorded.predict(Toy(shift=1))
    assert "8 confident flips, 0 tie flips of 64 pixels" in recorded.look("flag")[0].sentence()
    recorded.ignore(LOWER)
    (change,) = recorded.look("flag")
    assert change.sentence() == "all 32 pixels equal; 32 more are ignored, and some differ"
    assert (change.figures.pixels, change.figures.differing) == (32, 0)


def test_its_twin_a_row_beside_it_counts(recorded):
    recorded.ignore(BUT_ONE_ROW)
    recorded.predict(Toy(shift=1))
    sentence = recorded.look("flag")[0].sentence()
    assert sentence.startswith("2 confident flips, 0 tie flips of 40 pixels") and "; 24 more are ignored" in sentence


def test_where_all_is_ignored_nothing_was_compared(recorded):
    recorded.ignore(WHOLE)
    recorded.predict(Toy(shift=1))
    (change,) = recorded.look("flag")
    assert change.sentence() == "every pixel is ignored, so nothing was compared" and change.figures is None


def test_what_cannot_be_had_leaves_open_what_counts(recorded, monkeypatch):
    recorded.predict(Toy(shift=1))

    def gone(case, *rest):
        raise EnvironmentMissing("no network", fix="a network")

    monkeypatch.setattr(gathering, "fetch_case", gone)
    assert "8 confident flips" in recorded.look("flag")[0].sentence()
    recorded.ignore(LOWER)
    (change,) = recorded.look("flag")
    assert change.sentence() == "what is ignored cannot be had, so nothing was compared" and change.scores is None


@pytest.mark.parametrize(("unsaid", "miou"), [(1, 1.0), (None, None)], ids=["ignored", "its twin"])
def test_a_truth_says_nothing_of_its_ignored_value(recorded, unsaid, miou):
    mask = np.asarray(Image.open(recorded.golden().folder / recorded.golden().bundle.result("flag").mask)).copy()
    mask[0] = 200
    (recorded.project.model / "truth.png").write_bytes(encode_mask(mask))
    lines = ["ignore = 200"] if unsaid else []
    recorded.ignore(*lines, 'truth = { file = "truth.png" }')
    recorded.predict(Toy(shift=1))
    scores = recorded.look("flag")[0].scores
    assert (scores and scores.golden_miou) == miou and (scores is None or scores.miou < 1)


@pytest.mark.parametrize(("region", "action"), [(LOWER, "kept"), (BUT_ONE_ROW, "pends"), (WHOLE, "pends")])
def test_recording_again_keeps_what_differs_only_where_it_is_ignored(recorded, monkeypatch, region, action):
    recorded.ignore(region)
    monkeypatch.setattr(recording, "find_target", lambda name: Reference(Toy(shift=1)))
    config = load_config(recorded.root)
    done = recording.record(recorded.root, config, select(config, "default"), "failed")
    assert {each.case: each.action for each in done}["flag"] == action


def test_a_picture_shows_no_difference_of_ignored_pixels():
    photograph, was = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)
    now, ignored = was.copy(), np.zeros((8, 8), bool)
    now[0, 0], ignored[0] = 1, True
    assert overlay(photograph, now, was, ignored) != overlay(photograph, now, was)
    now[1, 0] = 1
    shown = overlay(photograph, now, was, ignored)
    now[0, 0] = 0
    assert len(shown) and shown != overlay(photograph, now, was)
