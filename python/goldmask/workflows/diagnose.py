"""Why the masks of failed rows differ: hypotheses are held against what a target handed on, the cheapest first."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..contract.bundle import Request, RequestCase
from ..contract.errors import ExitCode
from ..contract.options import Options
from ..contract.tensors import InputSpec
from ..project.golden import Golden
from ..project.model import Model
from ..verdict import diagnosis
from ..verdict.compare import Comparison, Verdict, first_difference
from ..verdict.diagnosis import Diagnosis, Explanation, settled
from ..verdict.hash_search import HashSearch, distinct
from ..verdict.hypotheses_mask import Prediction
from ..verdict.hypotheses_model import KnownModel, Ran, by_model, other_labels
from ..verdict.hypothesis import ImageInput, Photo, Recipe
from ..verdict.mask_search import trials
from .by_reference import MaskSearch, explain_by_reference
from .failed_case import FailedCase, Sides, bytes_of, failed_case, photo_of
from .reference import Predictor, Reference

# Of one case by hash; and of all cases by the reference, whose search of one case has a limit of its own.
HASHES_S, REFERENCE_S = 0.3, 60.0
# Of so many cases that hashes explain, the mask is predicted as well: a second bug may come after inference.
VERIFIED = 2
_STAGES = {"decoded": "decoded pixels", "resized": "resized pixels", "tensor": "input tensor"}


@dataclass(frozen=True)
class Materials:
    """What is at hand to try candidates on: the model's image tensor, the number of classes, the images by case.

    Without `reference` nothing is predicted. After `budget_s` seconds no further case is searched. `labels` are the
    golden's, `known` the models whose file or labels an app may have taken instead; `dtype` is what the bundle's takes.
    """

    classes: int
    image: ImageInput | None = None
    cases: dict[str, RequestCase] = field(default_factory=dict)
    reference: Predictor | None = None
    budget_s: float = REFERENCE_S
    labels: tuple[str, ...] = ()
    known: tuple[KnownModel, ...] = ()
    dtype: str = ""


def materials_of(request: Request, model: Model | None, logs: Path) -> Materials:
    """What a request and its model, where that can be read, give to try; the request's paths lead to the files.

    The reference predicts with its own options: what was asked of a target is no concern of candidates.
    """
    cases = {case.id: case for case in request.cases}
    if not _is_plain(request.model.input):
        return Materials(len(request.model.labels), None, cases)
    if model is None:  # of floats, the request says enough to make a tensor
        image = ImageInput.of(request.model.input) if request.model.input.dtype != "int8" else None
        return Materials(len(request.model.labels), image, cases)
    image = ImageInput.of(request.model.input, model.input.scale, model.input.zero_point)
    options = Options(pipeline=request.options.pipeline)
    reference = Reference(request.model_copy(update={"options": options}), logs)
    return Materials(len(request.model.labels), image, cases, reference)


def _is_plain(image: InputSpec) -> bool:
    """Whether an image tensor is of a kind that hypotheses are about: [1, h, w, 3] of floats, or of bytes."""
    plain = (image.layout, image.channels, image.fourth, image.index) == ("nhwc", "rgb", None, 0)
    return plain and image.dtype in ("float32", "uint8", "int8") and image.steps == "pixels"


def diagnose_rows(rows: Sequence[Comparison], sides: Sides, materials: Materials) -> list[Comparison]:
    """The rows, each FAIL of masks with its diagnosis; what cannot be read is left as it is.

    `rows` are of one model, target and pipeline: what explains one case is tried first on the others.
    """
    cases = {row.case: case for row in rows if (case := failed_case(row, sides))}
    diagnoses = explain_cases(cases, materials) | _of_other_models(rows, sides, materials)
    return [row.model_copy(update={"diagnosis": diagnoses[row.case]}) if row.case in diagnoses else row for row in rows]


def _of_other_models(rows: Sequence[Comparison], sides: Sides, materials: Materials) -> dict[str, Diagnosis]:
    """The diagnosis of each case whose golden is of another model; one that is compared on purpose has none."""
    found = {}
    for row in rows:
        if row.verdict is Verdict.FAIL and row.across and row.exit_code is ExitCode.GOLDEN:
            dtype = sides.golden.origin(row.case).input.dtype if isinstance(sides.golden, Golden) else ""
            ran = Ran(row.model, row.across.golden, row.across.model, dtype, materials.dtype)
            agreement = f"agreement was {row.metrics.agreement:.1%}" if row.metrics else "the masks have other sizes"
            if diagnosis_of_model := by_model(ran, materials.known, agreement):
                found[row.case] = diagnosis_of_model
    return found


def explain_cases(cases: Mapping[str, FailedCase], materials: Materials) -> dict[str, Diagnosis]:
    """The diagnosis of each of some cases of one bundle."""
    doctor = _Doctor(materials)
    found: dict[str, Explanation] = {}
    diagnoses: dict[str, Diagnosis] = {}
    # Small images are cheap to search, and what explains them is the first guess for a large one.
    for name in sorted(cases, key=lambda name: bytes_of(materials.cases.get(name))):
        answer = doctor.explain(cases[name])
        if isinstance(answer, Explanation):
            found[name] = answer
        else:
            diagnoses[name] = answer
    return diagnoses | settled(found)


class _Doctor:
    """Explains the cases of one bundle, and knows what explained those before."""

    def __init__(self, materials: Materials) -> None:
        self.materials = materials
        self.others = other_labels(materials.labels, materials.known)
        self.known: list[Recipe] = []
        self.verified = 0
        self.out_of_time = deadline(materials.budget_s)

    def explain(self, case: FailedCase) -> Explanation | Diagnosis:
        """What made one mask another one, or that it is not explained and what was tried."""
        photo, missing = photo_of(self.materials.cases.get(case.wanted.case))
        image = self.materials.image
        tried, cut = [], False
        # Whether the input of inference is known to be another than the golden's.
        differs = first_difference(case.wanted.stages, case.result.stages) is not None
        same = case.result.stages.tensor is not None and not differs
        if photo and image:
            # When the time for all is over, what is known is still recognised. It is this thread's own time: a busy
            # machine finds the same causes as an idle one.
            no_time = deadline(0 if self.out_of_time() else HASHES_S, time.thread_time)
            search = HashSearch(photo, image, case.wanted.stages, case.result.stages, no_time, self.known)
            reproduced = search.recipes()
            if recipes := distinct([recipe for recipe in reproduced if recipe.causes]):
                return self._of_hashes(case, photo, image, recipes)
            # What was reproduced without a cause differs in the last bit at most.
            if reproduced and case.result.stages.tensor:
                differs, same = False, True
            tried.append(f"{search.tried} hashes of decoded and resized pixels and input tensors")
            cut = search.cut
        else:
            tried.append(f"no hashes, as {missing or 'the model is not here'}")
        upright = photo.upright().shape[:2] if photo else None
        prediction = Prediction(case.expected, self.materials.classes, case.actual.shape, upright, others=self.others)
        ways = list(trials([Recipe()], prediction, case.expected, case.actual, most=1))
        tried.append(f"{len(ways)} ways to post-process the golden's mask")
        least = diagnosis.LEAST_AGAINST_HASHES if differs else diagnosis.LEAST_EXPLAINED
        found = diagnosis.by_mask(ways, cut=cut, least=least)
        # A model sees a turned image nearly as it sees the image: only what fits in every pixel needs no second look.
        if found and found.certainty == "certain":
            return found
        if photo and image and (reference := self._reference(case)):
            if self.out_of_time():
                cut = True
            else:
                search_masks = MaskSearch(case, photo, image, self.materials.classes, reference, input_known=same)
                by_prediction, what, short = explain_by_reference(search_masks, self.known)
                tried, cut = [*tried, what], cut or short
                found = by_prediction or found
        return found or diagnosis.unexplained(", ".join(tried), cut)

    def _of_hashes(
        self, case: FailedCase, photo: Photo, image: ImageInput, recipes: Sequence[Recipe]
    ) -> Explanation | Diagnosis:
        """The causes that hashes show, and what comes after inference besides them."""
        if len(recipes) == 1 and recipes[0] not in self.known:
            self.known.append(recipes[0])
        stages = [name for stage, name in _STAGES.items() if getattr(case.result.stages, stage)]
        found = diagnosis.by_hash([recipe.causes for recipe in recipes], stages, case.agreement)
        reference = self._reference(case)
        if not reference or self.verified >= VERIFIED or self.out_of_time():
            return found
        self.verified += 1
        search = MaskSearch(case, photo, image, self.materials.classes, reference, input_known=True)
        both, _, _ = explain_by_reference(search, [*recipes], wide=False)
        if both and len(both.candidates[0]) > len(recipes[0].causes):
            self.verified = 0
            return both
        return found

    def _reference(self, case: FailedCase) -> Predictor | None:
        few = case.differing < diagnosis.FEWEST_PIXELS
        return None if few else self.materials.reference


def deadline(seconds: float, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Whether so many seconds have passed since now."""
    end = clock() + seconds
    return lambda: clock() >= end
