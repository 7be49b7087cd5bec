"""By mask: the reference predicts what candidates feed it, and the mask that is the target's names the cause."""

import time
from collections.abc import Sequence

import numpy as np

from ..contract.errors import GoldmaskError
from ..contract.image import Pixels
from ..contract.input_tensor import Tensor
from ..contract.mask import Mask, Scores
from ..verdict.diagnosis import Explanation, Trial, by_mask
from ..verdict.hypotheses_mask import Postprocessing, Prediction
from ..verdict.hypothesis import ImageInput, Photo, Recipe
from ..verdict.mask_search import Inputs, pairs, singles, trials
from .failed_case import FailedCase
from .reference import Predictor

# Of one case at most, the start of the reference's processes included. On an idle machine a case takes a tenth of it.
CASE_S = 20.0
MOST_PAIRS = 400
# Of how many inputs scores are kept, which are many times as large as masks.
SCORED = 6
MOST_CAUSES = 2


class MaskSearch:
    """The search for the cause of one case; `tried` says what was tried, `cut` that time ran out.

    With `input_known` the input is the golden's, or that of a known recipe, and only what follows is looked for.
    """

    def __init__(
        self,
        case: FailedCase,
        photo: Photo,
        image: ImageInput,
        classes: int,
        reference: Predictor,
        input_known: bool = False,
    ) -> None:
        self.input_known = input_known
        self.case, self.photo, self.image, self.classes, self.reference = case, photo, image, classes, reference
        self.cut = False
        self.predicted = 0
        self._inputs = Inputs(photo, image, reference.takes_tensors)
        self._trials: list[Trial] = []
        self._explained: dict[Recipe, float] = {}
        self._end = time.monotonic() + CASE_S

    @property
    def tried(self) -> str:
        """What was tried, as a clause."""
        return f"{self.predicted} predictions of the reference, each post-processed in known ways"

    def run(self, known: Sequence[Recipe] = (), wide: bool = True) -> Explanation | None:
        """What explains the case: `known` recipes, then one cause, then two. Raises GoldmaskError.

        Without `wide`, only what is known, as it is or post-processed.
        """
        hashes = self.case.wanted.stages, self.case.result.stages
        one = [] if self.input_known else singles(*hashes, self.image, self.reference.takes_tensors)
        if known or not wide:
            # What hashes prove is in every candidate.
            found = self._try([Recipe(), *known] if wide else known, scored=len(known) + 1)
            if not wide or (found and found.certainty == "certain"):
                return found
            found = self._try(one, scored=0)
        else:
            found = self._try([Recipe(), *one], scored=1)
        if found or not one:
            return found
        self._try(pairs(one, self._explained)[:MOST_PAIRS], scored=0)
        # The best of one cause once more, with its scores: a threshold, for example, is a second cause.
        likely = sorted(self._explained, key=lambda each: -self._explained[each])[:SCORED]
        return self._best() or (self._try_scored(likely) if likely else None)

    def _try(self, recipes: Sequence[Recipe], scored: int) -> Explanation | None:
        first = len(self._inputs.recipes)
        made = [each for recipe in recipes if not self._no_time() and (each := self._inputs.add(recipe)) is not None]
        groups = self._inputs.recipes[first:]
        return self._predict(groups, made, scored) if made else self._best()

    def _try_scored(self, recipes: Sequence[Recipe]) -> Explanation | None:
        again = Inputs(self.photo, self.image, self.reference.takes_tensors)
        made = [each for recipe in recipes if (each := again.add(recipe)) is not None]
        if self._no_time() or not self.reference.takes_tensors:
            return None
        return self._predict(again.recipes, made, scored=len(made))

    def _predict(
        self, groups: Sequence[list[Recipe]], made: Sequence[Tensor | Pixels], scored: int
    ) -> Explanation | None:
        left = max(self._end - time.monotonic(), 0.1)
        scores: dict[int, Scores] = {}
        masks: Sequence[Mask | None]
        if self.reference.takes_tensors:
            masks, scores = self.reference.predict_tensors(made, range(scored), left)  # type: ignore[arg-type]  # of takes_tensors
        else:
            masks = self.reference.predict_images(made)  # type: ignore[arg-type]  # without takes_tensors
        self.cut = self.cut or len(masks) < len(made)
        self.predicted += len(masks)
        photo = self.photo.upright().shape[:2]
        for index, (group, mask) in enumerate(zip(groups, masks, strict=False)):
            if mask is None:
                continue
            prediction = Prediction(mask, self.classes, self.case.actual.shape, photo, scores.get(index))
            self._trials += trials(group, prediction, self.case.expected, self.case.actual, MOST_CAUSES)
            if mask.shape == self.case.actual.shape and group[0].causes:
                share = 1 - np.count_nonzero(mask != self.case.actual) / max(self.case.differing, 1)
                self._explained |= dict.fromkeys(group[:1], float(share))
        return self._best()

    def recipes_of(self, found: Explanation) -> list[Recipe]:
        """The recipes of all candidates, without what comes after inference: which of them is right, other cases tell.

        That is why none of those that make the same may be left out.
        """
        before = {
            tuple(cause.name for cause in causes if not isinstance(cause, Postprocessing))
            for causes in found.candidates
        }
        every = (each for group in self._inputs.recipes for each in group)
        return [each for each in every if each.causes and tuple(cause.name for cause in each.causes) in before]

    def _best(self) -> Explanation | None:
        return by_mask(self._trials, cut=self.cut)

    def _no_time(self) -> bool:
        self.cut = self.cut or time.monotonic() >= self._end
        return self.cut


def explain_by_reference(
    search: MaskSearch, known: list[Recipe], wide: bool = True
) -> tuple[Explanation | None, str, bool]:
    """What explains a case, what was tried, and whether time ran out; where the reference does not run, that."""
    try:
        found = search.run(known, wide)
    except GoldmaskError as error:
        return None, f"no predictions, as {error.what}", False
    if found:
        known.extend(recipe for recipe in search.recipes_of(found) if recipe not in known)
    return found, search.tried, search.cut
