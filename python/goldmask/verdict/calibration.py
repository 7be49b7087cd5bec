"""How undecided the pixels are that flip between runs of one model, and the tie margin that follows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..contract.bundle import MarginUnit
from ..contract.mask import Margins, Mask

# Another machine's kernels may differ by a little more than what was measured: twice as much where scores are floats,
# a step where they are quantised.
TIMES, STEPS = 2, 1
# A tie margin that would excuse more than this share of all pixels excuses wrong masks as well.
MOST_EXCUSED = 0.05


@dataclass(frozen=True)
class Flips:
    """The pixels of a case that ever differ from its golden: `margins` are theirs, `everywhere` all of the case's."""

    case: str
    margins: Sequence[float]
    everywhere: Margins


@dataclass(frozen=True)
class Calibration:
    """What a model's runs showed: how many pixels of how many flip, the largest margin, and what follows from it.

    `proposed` is None where no pixel flips or the margin would excuse too much; `excused` is the share of pixels that a
    tie margin of `proposed`, or else of the largest measured one, excuses.
    """

    model: str
    unit: MarginUnit
    runs: int
    pixels: int
    flipped: int
    largest: float
    worst_case: str
    proposed: float | None
    excused: float

    def sentence(self) -> str:
        """What was measured, and what follows."""
        unit = "quantisation steps" if self.unit == "step" else "scores"
        if not self.flipped:
            return f"{self.model}: no pixel of {self.pixels:,} flips in {self.runs} runs; the tie margin can stay"
        text = f"{self.model}: {self.flipped:,} of {self.pixels:,} pixels flip in {self.runs} runs, with margins up to "
        text += f"{self.largest:.3g} {unit} ({self.worst_case})"
        if self.proposed is None:
            return f"{text}; a tie margin of that would excuse {self.excused:.1%} of all pixels: these are no ties"
        return f"{text}; tie_margin_{self.unit} = {self.proposed:g} excuses them and {self.excused:.3%} of all pixels"


def flips(case: str, golden: Mask, others: Sequence[Mask], margins: Margins) -> Flips:
    """The pixels, each once, in which any of `others` differs from the golden, all of one shape."""
    ever = np.zeros(golden.shape, bool)
    for other in others:
        ever |= other != golden
    return Flips(case, margins[ever].tolist(), margins)


def calibrate(model: str, unit: MarginUnit, runs: int, cases: Sequence[Flips]) -> Calibration:
    """What the flips of a model's cases say about its tie margin."""
    largest, worst = max(((max(each.margins, default=0.0), each.case) for each in cases), default=(0.0, ""))
    flipped = sum(len(each.margins) for each in cases)
    proposed = largest + STEPS if unit == "step" else _rounded_up(largest * TIMES)
    pixels = sum(each.everywhere.size for each in cases)
    within = sum(int(np.count_nonzero(each.everywhere <= proposed)) for each in cases)
    excused = within / pixels if pixels else 0.0
    allowed = flipped > 0 and excused <= MOST_EXCUSED
    return Calibration(model, unit, runs, pixels, flipped, largest, worst, proposed if allowed else None, excused)


def _rounded_up(value: float) -> float:
    """To two significant digits, upwards."""
    if not value:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / step - 1e-9) * step:.2g}")
