"""Which of several runs of one case disagree: every pair of targets and pipelines, and the stage where they part."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..contract.bundle import Predicted, StageHashes
from ..contract.mask import Mask
from ..contract.schema import Count, Strict, Text
from .compare import first_difference

AFTER_INPUT = "inference or after"


class Agreement(Strict):
    """Two runs of a case, as `target · pipeline`. `stage` is null where the masks are equal or no stage is known.

    `differing` is null where the masks have other sizes.
    """

    model: Text
    case: Text
    one: Text
    other: Text
    pixels: Count
    differing: Count | None
    stage: Text | None = None


@dataclass(frozen=True)
class Ran:
    """What one target and pipeline made of a case."""

    result: Predicted
    mask: Mask


def agreements(model: str, runs: Mapping[str, Mapping[str, Ran]]) -> list[Agreement]:
    """Every pair of `runs`, which are named `target · pipeline`, for each case that both have."""
    found = []
    for one, other in combinations(runs, 2):
        for case in runs[one]:
            if case in runs[other]:
                found.append(_agreement(model, case, (one, runs[one][case]), (other, runs[other][case])))
    return found


def _agreement(model: str, case: str, one: tuple[str, Ran], other: tuple[str, Ran]) -> Agreement:
    (name, mine), (other_name, theirs) = one, other
    same_size = mine.mask.shape == theirs.mask.shape
    differing = int(np.count_nonzero(mine.mask != theirs.mask)) if same_size else None
    stage = None if differing == 0 else _stage(mine.result.stages, theirs.result.stages)
    return Agreement(
        model=model,
        case=case,
        one=name,
        other=other_name,
        pixels=mine.mask.size,
        differing=differing,
        stage=stage,
    )


def _stage(mine: StageHashes, theirs: StageHashes) -> str | None:
    """The first stage that differs; what follows the input tensor, where that is the same."""
    if first := first_difference(mine, theirs):
        return first
    return AFTER_INPUT if mine.tensor and theirs.tensor else None


def lines(found: Iterable[Agreement]) -> list[str]:
    """A line for each pair of a model: how many cases agree, and those that do not, with the stage."""
    pairs: dict[tuple[str, str, str], list[Agreement]] = {}
    for each in found:
        pairs.setdefault((each.model, each.one, each.other), []).append(each)
    return [f"{model}: {one} and {other}: {_counted(rows)}" for (model, one, other), rows in pairs.items()]


def _counted(rows: Sequence[Agreement]) -> str:
    unlike = [row for row in rows if row.differing != 0]
    if not unlike:
        return f"all {len(rows)} cases equal"
    worst = max(unlike, key=lambda row: row.pixels if row.differing is None else row.differing)
    size = "another size" if worst.differing is None else f"{worst.differing:,} of {worst.pixels:,} pixels"
    stages = ", ".join(dict.fromkeys(row.stage or "no stage is known" for row in unlike))
    return f"{len(unlike)} of {len(rows)} cases differ, most in {worst.case} ({size}); first difference: {stages}"
