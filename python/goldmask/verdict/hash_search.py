"""Which hypotheses reproduce the hashes of a target's stages, bit for bit: nothing is run but numpy."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from ..contract.bundle import STAGES, StageHashes
from ..contract.image import Pixels
from ..contract.input_tensor import Tensor, stage_hash
from .hypotheses_decoding import DECODINGS
from .hypotheses_resize import FRAMINGS, KERNELS, ROUNDING_OF_KERNELS, opencv_kernels
from .hypotheses_tensor import HARMLESS, LAYOUTS, ORDERS, QUANTISINGS, RANGES, ROUNDING_OF_RANGES
from .hypothesis import ChannelOrder, ImageInput, Photo, Recipe

# More than two bugs at once are not looked for.
MOST_CAUSES = 2


@dataclass
class HashSearch:
    """A search for recipes that make what a target handed on. `tried` counts hashes; `cut` says that time ran out.

    `known` are recipes that explain other cases, and are tried first.
    """

    photo: Photo
    image: ImageInput
    expected: StageHashes
    actual: StageHashes
    out_of_time: Callable[[], bool]
    known: Sequence[Recipe] = ()
    tried: int = 0
    cut: bool = False
    _pixels: dict[tuple[str, ...], Pixels | None] = field(default_factory=dict)

    def recipes(self) -> list[Recipe]:
        """Those with the fewest causes that reproduce every hash which the target handed on; none where none do."""
        for recipe in self.known:
            if (
                self._shows(recipe)
                and self._decoded(recipe) is not None
                and all(self._matches(stage, recipe) for stage in STAGES)
            ):
                return [recipe]
        for most in range(MOST_CAUSES + 1):
            if found := list(self._of(most)):
                return found
            if self.cut:
                return []
        return []

    def _of(self, most: int) -> Iterator[Recipe]:
        """Recipes with exactly `most` causes."""
        begun = [Recipe()]
        for stage in (self._decodings, self._resizes, self._tensors):
            begun = [recipe for each in begun for recipe in stage(each, most)]
        yield from (recipe for recipe in begun if len(recipe.causes) == most and (not most or self._shows(recipe)))

    def _shows(self, recipe: Recipe) -> bool:
        """Whether a hash was handed on that every cause of a recipe changes: nothing proves the others."""
        known = [stage for stage in STAGES if getattr(self.actual, stage)]
        return bool(known) and all(STAGES.index(each.stage) <= STAGES.index(known[-1]) for each in recipe.causes)

    def _decodings(self, recipe: Recipe, most: int) -> list[Recipe]:
        if self._is_golden("decoded"):
            return [recipe]
        tried = [recipe, *(replace(recipe, decoding=each) for each in (DECODINGS if most else ()))]
        return [each for each in tried if self._decoded(each) is not None and self._matches("decoded", each)]

    def _resizes(self, recipe: Recipe, most: int) -> list[Recipe]:
        if not recipe.causes and self._is_golden("resized"):
            return [recipe]
        left = most - len(recipe.causes)
        kernels = (None, *(KERNELS + ROUNDING_OF_KERNELS + opencv_kernels() if left else ()))
        framings = (None, *(FRAMINGS if left else ()))
        tried = [
            replace(recipe, kernel=kernel, framing=framing)
            for framing, kernel in product(framings, kernels)
            if (framing is not None) + (kernel is not None) <= left
        ]
        known = self.actual.resized is not None
        # A target may hand on what it has swapped already.
        orders: tuple[ChannelOrder | None, ...] = (None, *ORDERS) if known and left else (None,)
        found = []
        for each, order in product(tried, orders):
            whole = replace(each, order=order)
            if len(whole.causes) <= most and not self._no_time() and self._matches("resized", whole):
                found.append(whole)
        return found

    def _tensors(self, recipe: Recipe, most: int) -> list[Recipe]:
        if self.actual.tensor is None or (not recipe.causes and self._is_golden("tensor")):
            return [recipe] if self.actual.tensor is None or not most else []
        left = most - len(recipe.causes)
        quantised = self.image.dtype != "float32"
        orders = (recipe.order,) if recipe.order or not left else (None, *ORDERS)
        ranges = (None, *(() if self.image.dtype == "uint8" else HARMLESS))
        ranges += RANGES + ROUNDING_OF_RANGES if left else ()
        quantisings = (None, *(each for each in QUANTISINGS if quantised and (left or each.harmless)))
        layouts = (None, *(LAYOUTS if left else ()))
        found = []
        for layout, quantising, order, values in product(layouts, quantisings, orders, ranges):
            each = replace(recipe, order=order, values=values, quantising=quantising, layout=layout)
            if len(each.causes) == most and not self._no_time() and self._matches("tensor", each):
                found.append(each)
        return found

    def _is_golden(self, stage: str) -> bool:
        expected, actual = getattr(self.expected, stage), getattr(self.actual, stage)
        return expected is not None and expected == actual

    def _matches(self, stage: str, recipe: Recipe) -> bool:
        """Whether a recipe makes what the target handed on at this stage; anything, where it handed on nothing."""
        wanted: str | None = getattr(self.actual, stage)
        if wanted is None:
            return True
        if stage == "decoded":
            made: Pixels | Tensor | None = self._decoded(recipe)
        else:
            resized = self._resized(recipe)
            if resized is None:
                return False
            made = recipe.ordered(resized) if stage == "resized" else recipe.tensor(resized, self.image)
        self.tried += 1
        return made is not None and stage_hash(made) == wanted

    def _decoded(self, recipe: Recipe) -> Pixels | None:
        key = ("decoded", recipe.decoding.name if recipe.decoding else "")
        if key not in self._pixels:
            self._pixels[key] = recipe.decoded(self.photo)
        return self._pixels[key]

    def _resized(self, recipe: Recipe) -> Pixels | None:
        parts = (recipe.decoding, recipe.framing, recipe.kernel)
        # Twins have one name, and other functions.
        key = tuple(f"{each.name} {id(each)}" if each else "" for each in parts)
        if key not in self._pixels:
            pixels = self._decoded(recipe)
            self._pixels[key] = None if pixels is None else recipe.resized(pixels, self.image)
        return self._pixels[key]

    def _no_time(self) -> bool:
        self.cut = self.cut or self.out_of_time()
        return self.cut


def distinct(recipes: Sequence[Recipe]) -> list[Recipe]:
    """The first recipe of each set of causes, by name: twins in their arithmetic are one."""
    found = {tuple(cause.name for cause in recipe.causes): recipe for recipe in reversed(recipes)}
    return list(reversed(found.values()))
