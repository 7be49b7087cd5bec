"""Why the masks of failed rows differ: hypotheses are held against what a target handed on, the cheapest first."""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from ..contract.bundle import Bundle, Predicted, RequestCase, mask_of
from ..contract.errors import GoldmaskError
from ..contract.image import FORMATS, as_stored, read_image, strip
from ..contract.mask import Mask
from ..contract.metadata import UnsupportedImage
from ..project.golden import Golden
from ..verdict import diagnosis
from ..verdict.compare import Comparison, Judged, Verdict, first_difference
from ..verdict.diagnosis import Diagnosis, Explanation, settled
from ..verdict.hash_search import HashSearch, distinct
from ..verdict.hypotheses_mask import POSTPROCESSINGS, Postprocessing, Prediction, permutation, permuted
from ..verdict.hypothesis import Alpha, ImageInput, Photo, Recipe

# Of one case; who asks for more than a look waits longer.
HASHES_S = 0.3
_STAGES = {"decoded": "decoded pixels", "resized": "resized pixels", "tensor": "input tensor"}


@dataclass(frozen=True)
class Materials:
    """What is at hand to try candidates on: the model's image tensor, the number of classes, the images by case."""

    classes: int
    image: ImageInput | None = None
    cases: dict[str, RequestCase] = field(default_factory=dict)


@dataclass(frozen=True)
class Sides:
    """A golden and a bundle, with their folders."""

    golden_folder: Path
    golden: Bundle | Golden
    folder: Path
    bundle: Bundle


def diagnose_rows(rows: Sequence[Comparison], sides: Sides, materials: Materials) -> list[Comparison]:
    """The rows, each FAIL of masks with its diagnosis; what cannot be read is left as it is.

    `rows` are of one model, target and pipeline: what explains one case is tried first on the others.
    """
    cases = {row.case: case for row in rows if (case := _failed_case(row, sides))}
    found: dict[str, Explanation] = {}
    diagnoses: dict[str, Diagnosis] = {}
    known: list[Recipe] = []
    # Small images are cheap to search, and what explains them is the first guess for a large one.
    for name in sorted(cases, key=lambda name: _bytes(materials.cases.get(name))):
        answer = explain(cases[name], materials, known)
        if isinstance(answer, Explanation):
            found[name] = answer
        else:
            diagnoses[name] = answer
    diagnoses |= settled(found)
    return [row.model_copy(update={"diagnosis": diagnoses[row.case]}) if row.case in diagnoses else row for row in rows]


def _failed_case(row: Comparison, sides: Sides) -> "Case | None":
    """The masks of a row that failed for its mask, where both can be read."""
    if not isinstance(row, Judged) or row.verdict is not Verdict.FAIL or row.across:
        return None
    golden = sides.golden.as_of(row.case) if isinstance(sides.golden, Golden) else sides.golden
    wanted, result = golden.result(row.case), sides.bundle.result(row.case)
    if not (isinstance(wanted, Predicted) and isinstance(result, Predicted)):
        return None
    try:
        expected, actual = mask_of(sides.golden_folder, wanted), mask_of(sides.folder, result)
    except GoldmaskError:
        return None
    # Equal masks failed for how they were run.
    return None if np.array_equal(expected, actual) else Case(wanted, result, expected, actual)


def _bytes(case: RequestCase | None) -> int:
    try:
        return Path(case.file).stat().st_size if case else 0
    except OSError:
        return 0


@dataclass(frozen=True)
class Case:
    """One case on both sides, with its masks."""

    wanted: Predicted
    result: Predicted
    expected: Mask
    actual: Mask

    @property
    def agreement(self) -> str:
        """How many pixels agree, as a clause."""
        if self.expected.shape != self.actual.shape:
            return "the masks have other sizes"
        return f"agreement was {np.mean(self.expected == self.actual):.1%}"


def explain(case: Case, materials: Materials, known: list[Recipe]) -> Explanation | Diagnosis:
    """What made one mask another one, or that it is not explained and what was tried.

    `known` are recipes that explained other cases. One that explains this case alone is added to them.
    """
    photo, missing = photo_of(materials.cases.get(case.wanted.case))
    tried, cut = [], False
    differs = first_difference(case.wanted.stages, case.result.stages) is not None
    if photo and materials.image:
        search = HashSearch(
            photo, materials.image, case.wanted.stages, case.result.stages, deadline(HASHES_S), tuple(known)
        )
        reproduced = search.recipes()
        # What was reproduced without a cause differs in the last bit at most.
        differs = differs and not any(not recipe.causes for recipe in reproduced)
        recipes = distinct([recipe for recipe in reproduced if recipe.causes])
        if recipes:
            if len(recipes) == 1 and recipes[0] not in known:
                known.append(recipes[0])
            stages = [name for stage, name in _STAGES.items() if getattr(case.result.stages, stage)]
            return diagnosis.by_hash([recipe.causes for recipe in recipes], stages, case.agreement)
        tried.append(f"{search.tried} hashes of decoded and resized pixels and input tensors")
        cut = search.cut
    else:
        tried.append(f"no hashes, as {missing or 'the model is not here'}")
    upright = photo.upright().shape[:2] if photo else None
    prediction = Prediction(case.expected, materials.classes, case.actual.shape, upright)
    trials = _postprocessings(case, prediction)
    tried.append(f"{len(trials)} ways to post-process the golden's mask")
    least = diagnosis.LEAST_AGAINST_HASHES if differs else diagnosis.LEAST_EXPLAINED
    return diagnosis.by_mask(trials, cut=cut, least=least) or diagnosis.unexplained(", ".join(tried), cut)


def _postprocessings(case: Case, prediction: Prediction) -> list[diagnosis.Trial]:
    """Each way of post-processing that can be tried on a prediction, held against the target's mask."""
    candidates: list[Postprocessing] = list(POSTPROCESSINGS)
    if table := permuted(prediction.mask, case.actual, prediction.classes):
        candidates.append(permutation(table))
    trials = []
    for each in candidates:
        made = each.apply(prediction)
        if made is not None and made.shape == case.actual.shape:
            trials.append(diagnosis.trial((each,), made, case.expected, case.actual))
    return trials


def photo_of(case: RequestCase | None) -> tuple[Photo | None, str]:
    """The image of a case, or why it cannot be had."""
    if case is None:
        return None, "the image is not here"
    path = Path(case.file)
    try:
        data = read_image(path)
        raw, own = as_stored(path, data)
    except GoldmaskError as error:
        return None, error.what
    return Photo(raw, case.orientation or own, _alpha(data)), ""


def _alpha(data: bytes) -> Alpha | None:
    """The alpha of an image that has one, uint8 [h, w]."""
    try:
        with Image.open(io.BytesIO(strip(data).data), formats=FORMATS) as image:
            if "A" not in image.getbands() and "transparency" not in image.info:
                return None
            return np.asarray(image.convert("RGBA").getchannel("A"))
    except (UnsupportedImage, OSError, SyntaxError, ValueError):  # a BMP, for example
        return None


def deadline(seconds: float, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Whether so many seconds have passed since now."""
    end = clock() + seconds
    return lambda: clock() >= end
