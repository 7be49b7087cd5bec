"""The named cause of a FAIL: what a diagnosis is, and which of several candidates it names. Nothing is run."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..contract.mask import Mask
from ..contract.schema import Many, Strict, Text
from .hypothesis import Hypothesis

Source = Literal["hash", "mask", "model"]
# A candidate explains a mask if it reproduces at least so much of what differs from the golden; and more, where hashes
# say that the difference begins before what the candidate changes.
LEAST_EXPLAINED, LEAST_AGAINST_HASHES = 0.9, 0.98
# So few pixels flip between runtimes as well, and any candidate may hit them by chance.
FEWEST_PIXELS = 16
CUT = " (cut for time)"


class Cause(Strict):
    """One thing that an app does otherwise: its name, the stage where it shows, and how the line reads when right."""

    name: Text
    stage: Literal["decoded", "resized", "tensor", "mask", "model"]
    text: Text
    kotlin: Text = ""
    swift: Text = ""
    python: Text = ""


class Diagnosis(Strict):
    """Why a mask differs. `cause` is null where nothing that was tried explains it; `evidence` says what was tried.

    `certain` is a hash that is reproduced, or a mask in every pixel; `alternatives` are causes that make the very same.
    """

    cause: Text | None
    evidence: Text
    found_by: Source | None = None
    certainty: Literal["certain", "likely", "none"] = "none"
    causes: Many[Cause] = ()
    alternatives: Many[Text] = ()
    cut: bool = False


@dataclass(frozen=True)
class Trial:
    """What a candidate made of a case: of `pixels` of the target's mask it reproduces all but `missed`.

    `differing` is how many differ from the golden. `made` is its mask, where that explains anything.
    """

    causes: tuple[Hypothesis, ...]
    missed: int
    differing: int
    pixels: int
    made: Mask | None = None

    @property
    def cost(self) -> float:
        """What ranks candidates: pixels missed, and for each cause as many as runtimes may differ in."""
        return self.missed + len(self.causes) * max(FEWEST_PIXELS / 4, self.differing / 400)

    def explains(self, least: float = LEAST_EXPLAINED) -> bool:
        """Whether it reproduces what differs, and too much of it for chance."""
        return self.differing >= FEWEST_PIXELS and self.missed <= self.differing * (1 - least)

    @property
    def evidence(self) -> str:
        """`reproduces 16,384 of 16,384 pixels; agreement was 71.0%`."""
        hit, agreement = self.pixels - self.missed, 1 - self.differing / self.pixels
        return f"reproduces {hit:,} of {self.pixels:,} pixels; agreement was {agreement:.1%}"


def trial(causes: tuple[Hypothesis, ...], made: Mask, expected: Mask, actual: Mask) -> Trial:
    """How well a candidate's mask, of the target's size, is the target's; where the golden has another, all differs."""
    differing = int(np.count_nonzero(expected != actual)) if expected.shape == actual.shape else actual.size
    found = Trial(causes, int(np.count_nonzero(made != actual)), differing, actual.size)
    return replace(found, made=made) if found.explains() else found


def best(trials: Iterable[Trial], least: float = LEAST_EXPLAINED) -> list[Trial]:
    """Those that explain the mask, the best first, and as they came."""
    return sorted((each for each in trials if each.explains(least)), key=lambda each: each.cost)


@dataclass(frozen=True)
class Explanation:
    """Sets of causes that make the very same of one case, the likelier ones first, and how well they do."""

    candidates: tuple[tuple[Hypothesis, ...], ...]
    evidence: str
    found_by: Source
    certainty: Literal["certain", "likely"] = "certain"
    cut: bool = False


def by_mask(trials: Sequence[Trial], *, cut: bool = False, least: float = LEAST_EXPLAINED) -> Explanation | None:
    """What the best of some trials explain; None where none explains the mask."""
    ranked = best(trials, least)
    if not ranked:
        return None
    first = ranked[0]
    equal = [each.causes for each in ranked if each.cost == first.cost and _same(each.made, first.made)]
    return Explanation(tuple(equal), first.evidence, "mask", "likely" if first.missed else "certain", cut)


def _same(one: Mask | None, other: Mask | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)


def by_hash(found: Sequence[tuple[Hypothesis, ...]], stages: Sequence[str], agreement: str) -> Explanation:
    """What recipes explain that make the very bytes which a target handed on at `stages`."""
    evidence = f"reproduces every byte of the {' and the '.join(stages)}; {agreement}"
    return Explanation(tuple(found), evidence, "hash")


def settled(explanations: Mapping[str, Explanation]) -> dict[str, Diagnosis]:
    """The diagnosis of each case: of causes that make the same of one case, the one that explains most cases.

    One bug is in all cases of an app. So an image that is turned in every case is not one whose EXIF is ignored,
    though the case with EXIF cannot tell.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for each in explanations.values():
        counts.update({_names(causes) for causes in each.candidates})
    return {case: _settled(each, counts) for case, each in explanations.items()}


def _settled(found: Explanation, counts: Mapping[tuple[str, ...], int]) -> Diagnosis:
    chosen = max(found.candidates, key=lambda causes: counts[_names(causes)])  # the first of several
    others = [causes for causes in found.candidates if counts[_names(causes)] == counts[_names(chosen)]]
    named = sentence(chosen)
    return Diagnosis(
        cause=named,
        evidence=found.evidence + (CUT if found.cut else ""),
        found_by=found.found_by,
        certainty=found.certainty,
        causes=tuple(map(cause_of, chosen)),
        alternatives=tuple(text for text in dict.fromkeys(map(sentence, others)) if text != named),
        cut=found.cut,
    )


def _names(causes: tuple[Hypothesis, ...]) -> tuple[str, ...]:
    return tuple(each.name for each in causes)


def unexplained(tried: str, cut: bool = False) -> Diagnosis:
    """That nothing explains a mask, and what was tried."""
    return Diagnosis(cause=None, evidence=f"not explained: {tried}" + (CUT if cut else ""), cut=cut)


def sentence(causes: Sequence[Hypothesis]) -> str:
    """The causes as one clause."""
    return ", and ".join(each.cause for each in causes)


def cause_of(found: Hypothesis) -> Cause:
    """A hypothesis as it stands in a report."""
    return Cause(
        name=found.name,
        stage=found.stage,
        text=found.cause,
        kotlin=found.fix.kotlin,
        swift=found.fix.swift,
        python=found.fix.python,
    )
