"""An app with bugs, in numpy: photos become a bundle as a target would write it, by a recipe of hypotheses."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from goldmask.contract.bundle import Bundle, ModelInfo, Predicted, RequestCase, RuntimeInfo, StageHashes, TargetInfo
from goldmask.contract.errors import ExitCode
from goldmask.contract.input_tensor import stage_hash
from goldmask.contract.mask import encode_mask
from goldmask.verdict import hypotheses_decoding, hypotheses_mask, hypotheses_resize, hypotheses_tensor
from goldmask.verdict.compare import Judged, Verdict
from goldmask.verdict.hypotheses_mask import Postprocessing, Prediction
from goldmask.verdict.hypothesis import Hypothesis, ImageInput, Recipe

SLOTS = {
    "decoding": hypotheses_decoding.DECODINGS,
    "framing": hypotheses_resize.FRAMINGS,
    "kernel": hypotheses_resize.KERNELS,
    "order": hypotheses_tensor.ORDERS,
    "values": hypotheses_tensor.RANGES + hypotheses_tensor.HARMLESS,
    "quantising": hypotheses_tensor.QUANTISINGS,
    "layout": hypotheses_tensor.LAYOUTS,
}
INPUT = ImageInput(24, 24, "float32", (127.5,), (127.5,))
INT8 = ImageInput(24, 24, "int8", (127.5,), (127.5,), 1 / 127.5, 0)
LABELS = ("red", "green", "blue")


def failed_row(case: str) -> Judged:
    """The row of a case whose mask differs, in which the cause is looked for."""
    return Judged(
        model="colours",
        case=case,
        target="android-jvm",
        pipeline="lib_interpreter",
        verdict=Verdict.FAIL,
        reason="it differs",
        exit_code=ExitCode.MASKS_DIFFER,
    )


def recipe(*names: str) -> Recipe:
    """The recipe with the hypotheses of these names."""
    chosen: dict[str, Hypothesis] = {}
    for name in names:
        (slot,) = (slot for slot, known in SLOTS.items() if any(each.name == name for each in known))
        chosen[slot] = next(each for each in SLOTS[slot] if each.name == name)
    return Recipe(**chosen)


def postprocessing(name: str) -> Postprocessing:
    """The first way to post-process of this name."""
    return next(each for each in hypotheses_mask.POSTPROCESSINGS if each.name == name)


def photograph(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 [height, width, 3]: soft blobs of colour with some noise, unlike in each direction."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (5, 6, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(smooth + generator.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)


def save_photos(folder: Path) -> dict[str, RequestCase]:
    """Three photos of other sizes: a PNG, one with alpha, and a JPEG that EXIF says is on its side."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photograph(40, 52)).save(folder / "plain.png")
    alpha = np.tile(np.linspace(0, 255, 61).astype(np.uint8), (33, 1))
    Image.fromarray(np.dstack([photograph(33, 61, 1), alpha])).save(folder / "glass.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photograph(48, 30, 2)).save(folder / "side.jpg", exif=exif)
    return {
        path.stem: RequestCase(id=path.stem, file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.iterdir())
    }


Predict = Callable[[np.ndarray], np.ndarray]


def predicted(tensor: np.ndarray) -> np.ndarray:
    """Scores [h, w, 3] of a model to which colour, neighbours, scale and place matter, so that no two bugs are one."""
    pixels = tensor[0].astype(np.float32) / (127.5 if tensor.dtype != np.float32 else 1)
    near = np.roll(pixels, (1, 2), axis=(0, 1)) - np.roll(pixels, (-3, 1), axis=(0, 1))
    mixed = pixels @ np.array([[1, -0.3, 0.1], [-0.2, 0.9, 0.2], [0.4, -0.5, 1.1]], np.float32)
    rows, columns = np.indices(pixels.shape[:2], np.float32)
    place = np.stack([rows / len(rows), 0.3 + columns / len(rows) / 2, np.full_like(rows, 0.2)], axis=-1)
    return mixed + near[..., ::-1] * 0.4 + place + 0.15 * np.abs(pixels) @ np.diag([1, -1, 0.5]).astype(np.float32)


class NumpyReference:
    """In place of the reference runtime: the same model in numpy, and how many inputs it was asked for."""

    def __init__(self, of_tensors: bool = True, image: ImageInput = INPUT) -> None:
        self.takes_tensors, self.image, self.asked = of_tensors, image, 0

    def predict_tensors(self, tensors, scored, budget_s):
        """The masks, and the scores of those that are `scored`."""
        self.asked += len(tensors)
        scores = [predicted(tensor) for tensor in tensors]
        masks = [each.argmax(axis=-1).astype(np.uint8) for each in scores]
        return masks, {index: scores[index] for index in scored if index < len(scores)}

    def predict_images(self, images):
        """The masks of images, which are scaled and normalised here."""
        tensors = [Recipe().tensor(Recipe().resized(pixels, self.image), self.image) for pixels in images]
        return self.predict_tensors(tensors, (), 60)[0]


@dataclass(frozen=True)
class App:
    """What an app does: the recipe, what it does to the mask, and the stages whose hashes it does not hand on."""

    recipe: Recipe = field(default_factory=Recipe)
    mask: Postprocessing | None = None
    hidden: tuple[str, ...] = ()
    flips: int = 0

    def write(
        self, folder: Path, cases: Mapping[str, RequestCase], image: ImageInput = INPUT, predict: Predict = predicted
    ) -> Bundle:
        """The bundle of `cases` with a model that makes scores [h, w, classes] of an input tensor."""
        from goldmask.workflows.failed_case import photo_of

        (folder / "masks").mkdir(parents=True)
        results = []
        for name, case in cases.items():
            photo, _ = photo_of(case)
            decoded = self.recipe.decoded(photo)
            decoded = photo.upright() if decoded is None else decoded
            resized = self.recipe.resized(decoded, image)
            tensor = self.recipe.tensor(resized, image)
            scores = predict(tensor)
            mask = scores.argmax(axis=-1).astype(np.uint8)
            if self.mask:
                size = photo.upright().shape[:2]
                mask = self.mask.apply(Prediction(mask, len(LABELS), mask.shape, size, scores))
            mask = mask.copy()
            spots = np.random.default_rng(1).choice(mask.size, self.flips, replace=False)
            mask.ravel()[spots] = (mask.ravel()[spots] + 1) % len(LABELS)
            data = encode_mask(mask)
            (folder / f"masks/{name}.png").write_bytes(data)
            made = {"decoded": decoded, "resized": self.recipe.ordered(resized), "tensor": tensor}
            hashes = {stage: stage_hash(each) for stage, each in made.items() if stage not in self.hidden}
            results.append(
                Predicted(
                    case=name,
                    image_sha256=case.sha256,
                    status="ok",
                    mask=f"masks/{name}.png",
                    mask_sha256=hashlib.sha256(data).hexdigest(),
                    mask_size=mask.shape[::-1],
                    stages=StageHashes(**hashes),
                )
            )
        return Bundle(
            target=TargetInfo(name="android-jvm", kind="jvm", platform="linux", abi="x86_64", os="Linux"),
            pipeline="lib_interpreter",
            runtime=RuntimeInfo(name="numpy", version="2", delegate="cpu", threads=1),
            model=ModelInfo(name="colours", sha256="0" * 64),
            started_at="2026-01-01T00:00:00+00:00",
            results=tuple(results),
        )
