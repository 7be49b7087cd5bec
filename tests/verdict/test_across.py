"""Another model on purpose: stale and said so, or judged by the gates; a line a model, and a table of two."""

import numpy as np
import pytest
from test_compare import LABELS, one_flip, square, write_bundle

from goldmask.contract.errors import ExitCode
from goldmask.contract.mask import encode_mask
from goldmask.project.config import Gates, Tolerances
from goldmask.report.report import exit_code
from goldmask.verdict.across import between, changed, lines
from goldmask.verdict.compare import Judged, Pair, Verdict, compare_case


def of_model(bundle, sign: str):
    return bundle.model_copy(update={"model": bundle.model.model_copy(update={"sha256": sign * 64})})


@pytest.fixture
def row(tmp_path):
    """Makes the row of a mask that another model predicted."""

    def make(mask: np.ndarray, across: bool, case: str = "one", truth: np.ndarray | None = None, **gates) -> Judged:
        if truth is not None:
            (tmp_path / "truth.png").write_bytes(encode_mask(truth))
        outcome = compare_case(
            model="road",
            case="one",
            golden_folder=tmp_path / "golden",
            golden=of_model(write_bundle(tmp_path / "golden", square(), np.full((64, 64), 5, np.float32)), "a"),
            folder=tmp_path / "bundle",
            bundle=of_model(write_bundle(tmp_path / "bundle", mask), "c"),
            labels=LABELS,
            tolerances=Tolerances(**gates),
            warnings=Gates(miou_min=1),
            truth=None if truth is None else tmp_path / "truth.png",
            across=across,
        )
        made = outcome.comparison if isinstance(outcome, Pair) else outcome
        return made.model_copy(update={"case": case})

    return make


def test_another_model_is_stale_and_says_what_changed(row):
    found = row(one_flip(square()), across=False)
    assert (found.verdict, found.exit_code) == (Verdict.FAIL, ExitCode.GOLDEN)
    assert found.reason.startswith("stale: model aaaaaaaaaaaa… → cccccccccccc…; 1 confident flip (at most 0)")
    assert found.metrics.differing == 1 and (found.across.golden, found.across.model) == ("a" * 64, "c" * 64)
    assert exit_code([found]) == ExitCode.GOLDEN


def test_even_the_same_mask_of_another_model_is_stale(row):
    found = row(square(), across=False)
    assert (found.verdict, found.exit_code) == (Verdict.FAIL, ExitCode.GOLDEN)
    assert "all 4,096 pixels equal" in found.reason


@pytest.mark.parametrize(
    ("mask", "gates", "verdict", "code"),
    [
        (square(), {}, Verdict.PASS, ExitCode.OK),
        (one_flip(square()), {"confident_flips_max": 1}, Verdict.WARN, ExitCode.OK),
        (one_flip(square()), {}, Verdict.FAIL, ExitCode.MASKS_DIFFER),
        (square(63), {}, Verdict.FAIL, ExitCode.MASKS_DIFFER),
    ],
    ids=["equal", "within the gates", "beyond them", "another size"],
)
def test_across_models_the_gates_judge(row, mask, gates, verdict, code):
    found = row(mask, across=True, **gates)
    assert (found.verdict, found.exit_code) == (verdict, code)
    assert "model aaaaaaaaaaaa… → cccccccccccc…; " in found.reason and "stale" not in found.reason


def test_a_line_a_model_says_how_much_changed(row):
    bare = square()
    bare[bare == 2] = 3
    (sentence,) = changed([row(square(), True), row(one_flip(square()), True, "two"), row(bare, True, "three")])
    assert sentence.startswith("road · python · lib_interpreter: model aaaaaaaaaaaa… → cccccccccccc…: ")
    assert "masks changed in 2 of 3 cases, worst mIoU 0.5000 (three), areas label3 appears (three)" in sentence
    (sentence,) = changed([row(square(), True)])
    assert sentence.endswith("masks changed in 0 of 1 cases")
    assert changed([]) == []


def test_a_table_of_two_models(row):
    rows = [row(square(), True, truth=square()), row(one_flip(square()), True, "two", truth=square())]
    table = between(rows)
    assert table.cases == 2 and table.agreement == pytest.approx(1 - 1 / 8192) and table.worst[0][0] == "two"
    assert table.truth.golden_miou == 1 > table.truth.miou
    text = lines("float32", "int8", table)
    assert text[0].startswith("int8 against float32: 2 cases, agreement 99.988%, mIoU 0.99")
    assert "float32 1.0000, int8 0.99" in text[1] and "(-0.00" in text[1]
    assert text[-1].startswith("  worst cases, mIoU: two 0.99")
    assert between([]) is None and between([row(square(63), True)]) is None
