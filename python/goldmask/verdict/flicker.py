"""How much a mask changes from one frame of a clip to the next, beside how much the golden does."""

import numpy as np
from pydantic import Field

from ..contract.mask import Mask
from ..contract.schema import Strict
from ..project.ignored import Flags


class Flicker(Strict):
    """Shares of pixels, 0 to 1, whose class is another one than in the frame before."""

    expected: float = Field(ge=0, le=1, description="in the golden")
    actual: float = Field(ge=0, le=1)
    extra: float = Field(ge=0, le=1, description="in the actual masks, and not in the golden")


def measure_flicker(expected: tuple[Mask, Mask], actual: tuple[Mask, Mask], ignored: Flags | None = None) -> Flicker:
    """The flicker of two frames, the earlier first, of the golden and of the actual masks; all have one size.

    Nothing is said of `ignored` pixels, of which there are fewer than all.
    """
    was, now = (before != after for before, after in (expected, actual))
    if ignored is not None:
        was, now = was[~ignored], now[~ignored]
    return Flicker(
        expected=np.count_nonzero(was) / was.size,
        actual=np.count_nonzero(now) / now.size,
        extra=np.count_nonzero(now & ~was) / now.size,
    )


def judge_flicker(flicker: Flicker, most: float | None) -> str:
    """The gate that is not met, as a clause; empty where it is, or where there is none."""
    if most is None or flicker.extra <= most:
        return ""
    return f"{flicker.extra:.2%} of the pixels flicker, and not in the golden (at most {most:.2%})"
