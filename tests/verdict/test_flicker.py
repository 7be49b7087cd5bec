"""Flicker of clips: shares worked out by hand, and what fails where a mask flickers more than its golden."""

import hashlib

import numpy as np
import pytest
from bundles import host_bundle

from goldmask.contract import mask as masks
from goldmask.contract.bundle import Bundle
from goldmask.contract.errors import ExitCode
from goldmask.project.config import Gates, Tolerances
from goldmask.verdict.clip import Sides, with_flicker
from goldmask.verdict.compare import Pair, Verdict, compare_case
from goldmask.verdict.flicker import Flicker, judge_flicker, measure_flicker

LOOSE = Tolerances(confident_flips_max=100, agreement_min=0, window_density_max=1, class_change="allow")


def mask(*classes: int) -> np.ndarray:
    return np.array([classes], np.uint8)


def test_shares_worked_out_by_hand():
    flicker = measure_flicker((mask(0, 0, 1, 1), mask(0, 1, 1, 1)), (mask(0, 0, 1, 1), mask(1, 1, 0, 1)))
    assert flicker == Flicker(expected=0.25, actual=0.75, extra=0.5)
    still = measure_flicker((mask(0, 1), mask(1, 0)), (mask(0, 1), mask(0, 1)))
    assert still == Flicker(expected=1, actual=0, extra=0)


def test_the_gate_holds_at_its_limit_and_fails_below():
    flicker = Flicker(expected=0, actual=0.5, extra=0.5)
    assert judge_flicker(flicker, None) == judge_flicker(flicker, 0.5) == ""
    assert judge_flicker(flicker, 0.49) == "50.00% of the pixels flicker, and not in the golden (at most 49.00%)"


def write(folder, **frames: np.ndarray) -> Bundle:
    folder.mkdir(parents=True)
    results = []
    for case, frame in frames.items():
        (folder / f"{case}.png").write_bytes(data := masks.encode_mask(frame))
        results.append(
            {
                "case": case,
                "image_sha256": "0" * 64,
                "status": "ok",
                "mask": f"{case}.png",
                "mask_sha256": hashlib.sha256(data).hexdigest(),
                "mask_size": frame.shape[::-1],
            }
        )
    return host_bundle(results)


STEADY = {"one": mask(0, 0, 1, 1), "two": mask(0, 0, 1, 1)}
FLICKERS = {"one": mask(0, 0, 1, 1), "two": mask(0, 1, 1, 1)}


def second(tmp_path, golden, actual, tolerances=LOOSE, warnings=Gates()):
    """The row of the second frame."""
    sides = Sides(tmp_path / "g", write(tmp_path / "g", **golden), tmp_path / "b", write(tmp_path / "b", **actual))
    outcome = compare_case(
        model="road", case="two", golden_folder=sides.golden_folder, golden=sides.golden, folder=sides.folder,
        bundle=sides.bundle, labels=("road", "sky"), tolerances=tolerances,
    )  # fmt: skip
    outcome = with_flicker(outcome, "one", sides, tolerances, warnings)
    return outcome.comparison if isinstance(outcome, Pair) else outcome


def test_a_mask_that_moves_as_its_golden_does_passes(tmp_path):
    row = second(tmp_path, FLICKERS, FLICKERS, LOOSE.model_copy(update={"flicker_max": 0.0}))
    assert row.verdict is Verdict.PASS and row.flicker == Flicker(expected=0.25, actual=0.25, extra=0)


@pytest.mark.parametrize(
    ("tolerances", "warnings", "verdict", "told"),
    [
        ({}, {}, Verdict.PASS, False),
        ({"flicker_max": 0.25}, {}, Verdict.PASS, False),
        ({"flicker_max": 0.2}, {}, Verdict.FAIL, True),
        ({}, {"flicker_max": 0.2}, Verdict.WARN, True),
        ({"agreement_min": 1}, {"flicker_max": 0.2}, Verdict.FAIL, False),
        ({"agreement_min": 1, "flicker_max": 0.2}, {}, Verdict.FAIL, True),
    ],
)
def test_what_flickers_more_than_its_golden_fails_by_its_gate(tmp_path, tolerances, warnings, verdict, told):
    row = second(tmp_path, STEADY, FLICKERS, LOOSE.model_copy(update=tolerances), Gates.model_validate(warnings))
    code = ExitCode.MASKS_DIFFER if verdict is Verdict.FAIL else ExitCode.OK
    assert (row.verdict, row.exit_code, row.flicker.extra) == (verdict, code, 0.25)
    assert ("flicker" in row.reason) == told


def test_without_the_frame_before_there_is_no_flicker(tmp_path):
    only = {"two": STEADY["two"]}
    assert second(tmp_path / "actual", STEADY, only).flicker is None
    assert second(tmp_path / "golden", only, STEADY).flicker is None
    assert second(tmp_path / "size", STEADY, STEADY | {"one": mask(0)}).flicker is None
    assert second(tmp_path / "none", STEADY, {"one": STEADY["one"]}).verdict is Verdict.ERROR


def test_a_frame_before_that_cannot_be_read_is_its_own_rows_fault(tmp_path):
    golden, bundle = write(tmp_path / "g", **STEADY), write(tmp_path / "b", **STEADY)
    (tmp_path / "b/one.png").write_bytes(b"")
    sides = Sides(tmp_path / "g", golden, tmp_path / "b", bundle)
    outcome = compare_case(
        model="road", case="two", golden_folder=sides.golden_folder, golden=golden, folder=sides.folder,
        bundle=bundle, labels=("road", "sky"), tolerances=LOOSE,
    )  # fmt: skip
    assert with_flicker(outcome, "one", sides, LOOSE).comparison.flicker is None
