"""Which pair of runs disagrees, at which stage; runs that agree are not said to differ."""

import numpy as np

from goldmask.contract.bundle import Predicted, StageHashes
from goldmask.verdict.three_way import Ran, agreements, lines

DIGESTS = {"a": "a" * 64, "b": "b" * 64}


def ran(case: str, mask: np.ndarray, **stages: str) -> Ran:
    """A run of a case."""
    result = Predicted(
        case=case,
        image_sha256="0" * 64,
        status="ok",
        mask=f"masks/{case}.png",
        mask_sha256="0" * 64,
        mask_size=mask.shape[::-1],
        stages=StageHashes(**{stage: DIGESTS[value] for stage, value in stages.items()}),
    )
    return Ran(result, mask.astype(np.uint8))


EQUAL, OTHER = np.zeros((4, 4)), np.eye(4)
WHOLE = {"decoded": "a", "resized": "a", "tensor": "a"}


def table(one: Ran, other: Ran, *more: Ran):
    """The pairs of two or three runs of one case."""
    names = ("golden · lib_interpreter", "python · lib_task_api", "android-jvm · lib_interpreter")
    return agreements(
        "tiny", {name: {run.result.case: run} for name, run in zip(names, (one, other, *more), strict=False)}
    )


def test_three_runs_are_three_pairs_and_the_odd_one_shows():
    found = table(ran("a", EQUAL, **WHOLE), ran("a", EQUAL, decoded="a"), ran("a", OTHER, decoded="a", resized="b"))
    assert [(each.differing, each.stage) for each in found] == [(0, None), (4, "resized"), (4, None)]
    assert lines(found) == [
        "tiny: golden · lib_interpreter and python · lib_task_api: all 1 cases equal",
        "tiny: golden · lib_interpreter and android-jvm · lib_interpreter: 1 of 1 cases differ, most in a "
        "(4 of 16 pixels); first difference: resized",
        "tiny: python · lib_task_api and android-jvm · lib_interpreter: 1 of 1 cases differ, most in a "
        "(4 of 16 pixels); first difference: no stage is known",
    ]


def test_equal_tensors_leave_inference():
    (found,) = table(ran("a", EQUAL, **WHOLE), ran("a", OTHER, **WHOLE))
    assert found.stage == "inference or after"


def test_masks_of_other_sizes_have_no_count():
    (found,) = table(ran("a", EQUAL), ran("a", np.zeros((4, 5))))
    assert found.differing is None and "most in a (another size)" in lines([found])[0]


def test_a_case_that_only_one_has_is_in_no_pair():
    assert table(ran("a", EQUAL), ran("b", EQUAL)) == []
