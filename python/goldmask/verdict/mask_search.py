"""Which candidates a mask is tried on, and in which order; nothing is run here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from ..contract.bundle import StageHashes
from ..contract.image import Pixels
from ..contract.input_tensor import Tensor, stage_hash
from ..contract.mask import Mask
from .diagnosis import Trial, trial
from .hypotheses_decoding import DECODINGS
from .hypotheses_mask import POSTPROCESSINGS, Postprocessing, Prediction, permutation, permuted
from .hypotheses_resize import FRAMINGS, KERNELS, opencv_kernels
from .hypotheses_tensor import LAYOUTS, ORDERS, QUANTISINGS, RANGES
from .hypothesis import Hypothesis, ImageInput, Photo, Recipe


def singles(expected: StageHashes, actual: StageHashes, image: ImageInput, of_tensors: bool) -> list[Recipe]:
    """Recipes with one hypothesis, but for those of stages that are known to be the golden's."""
    slots: dict[str, Sequence[Hypothesis]] = {}
    if not _same("tensor", expected, actual):
        if not _same("decoded", expected, actual):
            slots["decoding"] = DECODINGS
        if not _same("resized", expected, actual):
            slots |= {"framing": FRAMINGS, "kernel": KERNELS + opencv_kernels()}
        slots["order"] = ORDERS
        if of_tensors:
            slots |= {"values": RANGES, "layout": LAYOUTS}
            if image.dtype != "float32":
                slots["quantising"] = tuple(each for each in QUANTISINGS if not each.harmless)
            if image.dtype == "uint8":
                slots["values"] = ()
    return [Recipe(**{slot: each}) for slot, known in slots.items() for each in known]  # type: ignore[arg-type]  # by name


def _same(stage: str, expected: StageHashes, actual: StageHashes) -> bool:
    was, now = getattr(expected, stage), getattr(actual, stage)
    return was is not None and was == now


def pairs(recipes: Sequence[Recipe], explained: Mapping[Recipe, float]) -> list[Recipe]:
    """Two hypotheses of different slots each, those first whose single ones explain most."""
    found = [
        (max(one, two) + min(one, two) / 2, both)
        for index, first in enumerate(recipes)
        for second in recipes[index + 1 :]
        if (both := _joined(first, second))
        for one, two in [(explained.get(first, 0), explained.get(second, 0))]
    ]
    return [both for _, both in sorted(found, key=lambda each: -each[0])]


def _joined(first: Recipe, second: Recipe) -> Recipe | None:
    for slot in fields(Recipe):
        mine, other = getattr(first, slot.name), getattr(second, slot.name)
        if mine and other:
            return None
        if other:
            joined = replace(first, **{slot.name: other})
    return joined


@dataclass
class Inputs:
    """The inputs of recipes for one photo, each made once: recipes that make the same are candidates together."""

    photo: Photo
    image: ImageInput
    of_tensors: bool
    recipes: list[list[Recipe]] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)
    _decoded: dict[str, Pixels | None] = field(default_factory=dict)

    def add(self, recipe: Recipe) -> Tensor | Pixels | None:
        """What a recipe feeds the model; None where another one feeds it the same, or nothing is changed."""
        made = self._made(recipe)
        if made is None:
            return None
        digest = stage_hash(made)
        if digest in self._known:
            self.recipes[self._known[digest]].append(recipe)
            return None
        self._known[digest] = len(self.recipes)
        self.recipes.append([recipe])
        return made

    def _made(self, recipe: Recipe) -> Tensor | Pixels | None:
        name = recipe.decoding.name if recipe.decoding else ""
        if name not in self._decoded:
            self._decoded[name] = recipe.decoded(self.photo)
        pixels = self._decoded[name]
        if pixels is None:
            return None
        if self.of_tensors:
            return recipe.tensor(recipe.resized(pixels, self.image), self.image)
        if recipe.framing or recipe.kernel:
            pixels = recipe.resized(pixels, self.image)
        return recipe.ordered(pixels)


def trials(
    recipes: Sequence[Recipe], prediction: Prediction, expected: Mask, actual: Mask, most: int
) -> Iterator[Trial]:
    """The mask of some recipes as it is, and post-processed in each way, held against the target's."""
    causes = [recipe.causes for recipe in recipes]
    fewest = min(map(len, causes))
    if prediction.mask.shape == actual.shape and fewest:
        yield from (trial(each, prediction.mask, expected, actual) for each in causes)
    if fewest >= most:
        return
    candidates: list[Postprocessing] = [*POSTPROCESSINGS, *prediction.others]
    if table := permuted(prediction.mask, actual, prediction.classes):
        candidates.append(permutation(table))
    for way in candidates:
        made = way.apply(prediction)
        if made is not None and made.shape == actual.shape:
            yield from (trial((*each, way), made, expected, actual) for each in causes if len(each) < most)
