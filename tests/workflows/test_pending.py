"""What pends, and what becomes of it: accepted, rejected, by two at once, of another model, on a CI run's results."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from conftest import accept_all, colours
from desks import CASES, FAR, NEAR, RUNTIME, Desk, Reference, Toy
from PIL import Image

from goldmask.cli import review
from goldmask.contract.bundle import load_bundle, mask_of
from goldmask.contract.errors import ExitCode, GoldenError, UsageError
from goldmask.project import golden as goldens
from goldmask.project.config import load_config
from goldmask.project.golden import Acceptance, problem
from goldmask.project.pending import rejection_of
from goldmask.report.overlay import overlay
from goldmask.workflows import record as recording
from goldmask.workflows.accept import accept, reject
from goldmask.workflows.pending import look
from goldmask.workflows.selection import select


@pytest.fixture
def recorded(desk) -> Desk:
    """The desk, with goldens."""
    desk.predict(Toy())
    accept_all(desk.root)
    return desk


def test_a_new_mask_pends_with_its_picture_and_nothing_is_golden(desk):
    desk.predict(Toy())
    changes = desk.look()
    assert [(each.case, each.kind, each.metrics) for each in changes] == [(case, "new", None) for case in CASES]
    assert changes[0].sentence() == "no golden yet"
    assert all(each.picture.read_bytes().startswith(b"\x89PNG") for each in changes)
    assert not desk.project.golden.exists()


def test_accepting_makes_golden_and_says_who_and_why(desk):
    desk.predict(Toy())
    done = accept(desk.root, desk.look(), "the first", "Ada")
    assert [each.outcome for each in done] == ["accepted"] * 3
    golden = desk.golden()
    assert [each.case for each in golden.bundle.results] == list(CASES)
    assert {(each.reason, each.by, each.figures) for each in golden.provenance.accepted.values()} == {
        ("the first", "Ada", None)
    }
    assert mask_of(golden.folder, golden.bundle.results[0])[0, 0] == 0
    assert desk.look() == [] and list(desk.store.rglob("*.png")) == []
    assert problem(golden, desk.request(), desk.request().cases[0]) is None


def test_what_is_golden_does_not_pend(recorded):
    recorded.predict(Toy())
    assert recorded.look() == []


def test_of_a_retrained_model_two_are_accepted_and_one_rejected(recorded):
    recorded.retrain()
    recorded.predict(Toy(shift=1))
    flag, tall, wide = recorded.look()
    assert flag.sentence().startswith("model ") and "8 confident flips, 0 tie flips of 64 pixels" in flag.sentence()
    accept(recorded.root, [flag, wide], "retrained", "Ada")
    reject(recorded.root, [tall], "worse", "Ada")
    assert recorded.look() == []
    golden, request = recorded.golden(), recorded.request()
    assert [bool(problem(golden, request, case)) for case in request.cases] == [False, True, False]
    assert "stale: recorded of model" in problem(golden, request, request.cases[1]).what
    assert set(golden.provenance.origins) == {"tall"} and golden.provenance.accepted["flag"].figures.differing == 8
    assert golden.provenance.accepted["tall"].reason == "it is right"
    assert golden.as_of("tall").model.sha256 != golden.bundle.model.sha256 == request.model.sha256
    found = rejection_of(recorded.store, "tiny", "lib_interpreter", "tall", tall.result.mask_sha256)
    assert (found.reason, found.by) == ("worse", "Ada")
    # Once it is asked for again it may be accepted after all.
    recorded.predict(Toy(shift=1), "tall")
    assert rejection_of(recorded.store, "tiny", "lib_interpreter", "tall", tall.result.mask_sha256) is None
    accept(recorded.root, recorded.look(), "it is better", "Ada")
    assert recorded.golden().provenance.origins == {}


def test_another_normalisation_of_one_case_stays_known(recorded):
    recorded.project.edit("models/tiny/model.toml", "mean = [127.5]", "mean = [127]")
    recorded.predict(Toy(shift=1))
    accept(recorded.root, recorded.look("flag"), "as it was trained", "Ada")
    golden, request = recorded.golden(), recorded.request()
    assert problem(golden, request, request.cases[0]) is None
    assert "another input size or normalisation" in problem(golden, request, request.cases[1]).what


def test_other_labels_are_accepted_for_all_cases_or_for_none(recorded):
    recorded.project.edit("models/tiny/model.toml", '"red"', '"crimson"')
    recorded.predict(Toy())
    changes = recorded.look()
    assert [each.kind for each in changes] == ["same mask"] * 3 and "other labels" in changes[0].sentence()
    with pytest.raises(GoldenError, match="have other labels than the new ones; tall, wide would stay"):
        accept(recorded.root, changes[:1], "renamed", "Ada")
    assert recorded.golden().provenance.labels[0] == "red"
    accept(recorded.root, changes, "renamed", "Ada")
    assert recorded.golden().provenance.labels[0] == "crimson"


def test_a_case_that_is_no_more_does_not_hold_up_another_runtime(recorded):
    recorded.predict(Toy(runtime=RUNTIME.model_copy(update={"version": "2"})), "flag", "wide")
    (recorded.project.model / "tall.png").unlink()
    recorded.retrain(1.0)
    accept(recorded.root, recorded.look(), "newer", "Ada")
    assert [each.case for each in recorded.golden().bundle.results] == ["flag", "wide"]


def test_what_pends_of_other_files_than_todays_is_not_accepted(recorded):
    recorded.predict(Toy(shift=1))
    changes = recorded.look()
    recorded.retrain()
    before = recorded.golden()
    with pytest.raises(GoldenError, match="is not of today's files"):
        accept(recorded.root, changes, "retrained", "Ada")
    assert recorded.golden() == before and len(recorded.look()) == 3


def test_two_reviewers_one_after_the_other(recorded):
    recorded.predict(Toy(shift=1))
    first, second = recorded.look(), recorded.look()
    accept(recorded.root, first[:1], "mine", "Ada")
    reject(recorded.root, first[1:2], "mine", "Ada")
    done = accept(recorded.root, second, "mine as well", "Grace")
    assert {each.change.case: each.outcome for each in done} == {
        "flag": "golden already",
        "tall": "gone",
        "wide": "accepted",
    }
    assert {case: each.by for case, each in recorded.golden().provenance.accepted.items()} == {
        "flag": "Ada",
        "tall": "somebody",
        "wide": "Grace",
    }


def test_two_reviewers_at_once_lose_nothing(recorded):
    for round_ in range(1, 4):
        recorded.predict(Toy(shift=round_))
        changes = recorded.look()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda change: accept(recorded.root, [change], change.case, "Ada"), changes))
        assert {case: each.reason for case, each in recorded.golden().provenance.accepted.items()} == {
            case: case for case in CASES
        }
        assert recorded.look() == []


def test_what_a_newer_run_replaced_is_not_accepted_as_it_was_shown(recorded):
    recorded.predict(Toy(shift=1))
    shown = recorded.look()
    recorded.predict(Toy(shift=2))
    assert {each.outcome for each in accept(recorded.root, shown, "shown", "Ada")} == {"gone"}
    assert len(recorded.look()) == 3


def test_a_kill_between_the_golden_and_the_store_leaves_nothing_to_decide(recorded):
    recorded.predict(Toy(shift=1))
    changes = recorded.look()
    about = {each.case: Acceptance(reason="so", at=goldens.now()) for each in changes}
    goldens.accept(changes[0].proposed, about, recorded.project.golden, CASES)
    assert recorded.look() == []
    assert {each.outcome for each in accept(recorded.root, changes, "so", "Ada")} == {"golden already"}


def test_a_damaged_golden_is_replaced_as_a_whole_only(recorded):
    recorded.predict(Toy(shift=1))
    (recorded.project.golden / "bundle.json").unlink()
    with pytest.raises(GoldenError, match="is damaged"):
        accept(recorded.root, recorded.look("flag"), "so", "Ada")
    accept(recorded.root, recorded.look(), "so", "Ada")
    assert len(recorded.golden().bundle.results) == 3


def test_the_results_of_a_ci_run_are_reviewed_at_the_desk(recorded, tmp_path, capsys):
    recorded.predict(Toy(shift=1))
    (tmp_path / "artefact").mkdir()
    recorded.store.rename(tmp_path / "artefact/pending")
    assert review.list_pending([], [], "") == ExitCode.OK
    assert review.list_pending([], [], str(tmp_path / "artefact")) == ExitCode.GOLDEN
    assert review.accept_pending([], ["flag"], False, "seen in CI", str(tmp_path / "artefact")) == ExitCode.OK
    assert recorded.golden().provenance.accepted["flag"].reason == "seen in CI"
    assert "2 pending (exit 5)" in (review.list_pending([], [], str(tmp_path / "artefact")), capsys.readouterr())[1].out
    with pytest.raises(UsageError, match="is no folder"):
        review.list_pending([], [], "nowhere")


@pytest.mark.parametrize(
    "verb",
    [
        lambda: review.accept_pending([], [], True, "so", ""),
        lambda: review.reject_pending([], [], True, "so", ""),
        lambda: review.review_pending([], [], "so", ""),
    ],
)
def test_in_ci_nothing_is_decided(recorded, monkeypatch, verb):
    recorded.predict(Toy(shift=1))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(UsageError, match="has no place in CI"):
        verb()
    assert len(recorded.look()) == 3 and review.list_pending([], [], "") == ExitCode.GOLDEN


@pytest.mark.parametrize(
    ("models", "cases", "found"),
    [
        (["tiny"], [], 3), ([], ["*a*"], 2), ([], ["flag", "wi?e"], 2), (["tiny"], ["tall"], 1),
        (["tyni"], [], r"there is no model 'tyni' \(did you mean tiny\?\)"),
        ([], ["flga"], r"--case 'flga' matches no case \(did you mean flag\?\)"), ([], ["x*"], "matches no case"),
    ],
)  # fmt: skip
def test_names_and_patterns_choose_what_is_decided(recorded, models, cases, found):
    recorded.predict(Toy(shift=1))
    config = load_config(recorded.root)
    if isinstance(found, int):
        assert len(look(recorded.root, config, recorded.store, models, cases)) == found
    else:
        with pytest.raises(UsageError, match=found):
            look(recorded.root, config, recorded.store, models, cases)
    accept(recorded.root, recorded.look("flag"), "so", "Ada")
    assert look(recorded.root, config, recorded.store, [], ["flag"]) == [], "there is one, and it does not pend"


def test_a_decision_names_its_masks_and_its_reason(recorded):
    recorded.predict(Toy(shift=1))
    with pytest.raises(UsageError, match="needs to know which masks"):
        review.accept_pending([], [], False, "so", "")
    with pytest.raises(UsageError, match="needs a reason"):
        review.reject_pending([], [], True, " ", "")
    with pytest.raises(UsageError, match="needs a terminal"):
        review.review_pending([], [], "", "")
    assert review.reject_pending([], ["tall"], False, "so", "") == ExitCode.OK
    assert review.accept_pending(["tiny"], [], False, "so", "") == ExitCode.OK
    assert review.accept_pending([], [], True, "so", "") == ExitCode.OK, "nothing pends"
    assert {case: each.by for case, each in recorded.golden().provenance.accepted.items()} == {
        "flag": "Ada",
        "tall": "somebody",
        "wide": "Ada",
    }


@pytest.mark.parametrize(
    ("before", "after", "mode", "ties", "action"),
    [
        (Toy(), Toy(), "all", False, "unchanged"),
        (Toy(margin=NEAR), Toy(shift=1), "all", False, "kept"),
        (Toy(margin=NEAR), Toy(shift=1), "all", True, "pends"),
        (Toy(margin=FAR), Toy(shift=1), "all", False, "pends"),
        (Toy(margin=FAR), Toy(shift=1), "failed", False, "pends"),
        (Toy(margin=FAR), Toy(margin=2.0), "all", False, "kept"),
        (Toy(), Toy(runtime=RUNTIME.model_copy(update={"version": "2"})), "all", False, "pends"),
        (Toy(), Toy(shift=1), "missing", False, "kept"),
    ],
)
def test_what_recording_again_has_pend(desk, monkeypatch, before, after, mode, ties, action):
    desk.predict(before)
    accept_all(desk.root)
    # A roll of eight columns by one changes eight pixels of 64; the gate of agreement is about others.
    desk.project.edit("goldmask.toml", "schema = 1\n", "schema = 1\n[tolerances]\nagreement_min = 0.5\n")
    monkeypatch.setattr(recording, "find_target", lambda name: Reference(after))
    config = load_config(desk.root)
    done = list(recording.record(desk.root, config, select(config, "default"), mode, ties=ties))
    assert [each.action for each in done] == [action] * 3
    assert [each.picture is not None for each in done] == [action == "pends"] * 3
    assert [each.case for each in desk.look()] == (list(CASES) if action == "pends" else [])


def test_failed_keeps_what_passes_and_takes_what_is_missing(recorded, monkeypatch):
    recorded.project.edit("goldmask.toml", "schema = 1\n", "schema = 1\n[tolerances]\nconfident_flips_max = 64\n"
                          "agreement_min = 0\nwindow_density_max = 1\n")  # fmt: skip
    Image.fromarray(colours(9, 9)).save(recorded.project.model / "new.png")
    recorded.retrain(1.0)
    monkeypatch.setattr(recording, "find_target", lambda name: Reference(Toy(shift=1)))
    config = load_config(recorded.root)
    done = recording.record(recorded.root, config, select(config, "default"), "failed")
    assert {each.case: each.action for each in done} == {"flag": "kept", "new": "pends", "tall": "kept", "wide": "kept"}


@pytest.mark.parametrize(("was", "panels"), [(None, 2), ("same", 3), ("other", 4), ("size", 3)])
def test_a_picture_shows_photograph_golden_new_and_difference(was, panels):
    now = np.zeros((8, 8), np.uint8)
    masks = {None: None, "same": now, "other": 1 - now, "size": np.zeros((4, 4), np.uint8)}
    with Image.open(io.BytesIO(overlay(colours(16, 24), now, masks[was]))) as picture:
        assert picture.width == 8 + panels * (240 + 8)
    huge = np.zeros((4000, 2000), np.uint8)
    with Image.open(io.BytesIO(overlay(colours(), huge))) as picture:
        assert picture.height < 520


def test_a_golden_of_before_reads_as_one(recorded):
    """golden.json of a version that knew neither acceptances nor origins."""
    golden = recorded.golden()
    assert golden.provenance.model_copy(update={"accepted": {}}).origins == {}
    assert replace(golden, provenance=golden.provenance.model_copy(update={"accepted": {}})).as_of("flag") == (
        load_bundle(golden.folder)
    )
