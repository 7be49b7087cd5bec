"""The bundled model's test cases: one small image per way an image can be unusual, each with its exact mask."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from goldmask.contract.mask import encode_mask

from .synthetic import LABELS, paint, soften

EXIF_ORIENTATION = 0x0112
SEED = 25  # of the bundled set; another seed would need other goldens
TURN_RIGHT = 6  # the value of phones held upright: the stored image is to be turned 90 degrees clockwise


@dataclass(frozen=True)
class Specimen:
    """One case as written to cases.json. `mask` is as the image is displayed, any EXIF orientation applied."""

    id: str
    file: str
    mask: str
    width: int
    height: int
    note: str


def write_cases(folder: Path, seed: int) -> list[Specimen]:
    """Write every case's image, its mask and cases.json into `folder`.

    Masks are 8-bit palette PNGs, a pixel is an index into synthetic.LABELS.
    """
    folder.mkdir(parents=True, exist_ok=True)
    specimens = []
    for number, (name, suffix, (width, height), shapes, note, save) in enumerate(_PLAN):
        image, mask = paint(np.random.default_rng([seed, number]), (height, width), shapes)
        file = f"{name}.{suffix}"
        save(image, folder / file)
        (folder / f"{name}_mask.png").write_bytes(encode_mask(mask))
        specimens.append(Specimen(name, file, f"{name}_mask.png", width, height, note))
    table = {"labels": LABELS, "cases": [asdict(specimen) for specimen in specimens]}
    (folder / "cases.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    return specimens


def _picture(image: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8))


def _plain(image: np.ndarray, path: Path) -> None:
    _picture(image).save(path, optimize=True)


def _jpeg(image: np.ndarray, path: Path) -> None:
    _picture(image).save(path, quality=90, optimize=True)


def _small_jpeg(image: np.ndarray, path: Path) -> None:
    _picture(image).save(path, quality=30, optimize=True, progressive=True)


def _webp(image: np.ndarray, path: Path) -> None:
    _picture(image).save(path, quality=85)


def _grey(image: np.ndarray, path: Path) -> None:
    _picture(image).convert("L").save(path, optimize=True)


def _with_alpha(image: np.ndarray, path: Path) -> None:
    """A clear margin that is black: dropping alpha, premultiplying by it and drawing over black then agree."""
    alpha = np.zeros(image.shape[:2], np.uint8)
    alpha[2:-2, 2:-2] = 255  # two pixels: a wide black frame would look like a shape of its own
    picture = _picture(image * (alpha[..., None] / 255))
    picture.putalpha(Image.fromarray(alpha))
    picture.save(path, optimize=True)


def _turned(image: np.ndarray, path: Path) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURN_RIGHT
    _picture(np.rot90(image)).save(path, quality=90, optimize=True, exif=exif)


def _faint(image: np.ndarray, path: Path) -> None:
    _plain(0.45 + 0.25 * (image - 0.5), path)


def _noisy(image: np.ndarray, path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(image.shape, np.float32)
    _jpeg(image + 0.04 * noise, path)


def _soft(image: np.ndarray, path: Path) -> None:
    _jpeg(soften(image, 0.25), path)


_PLAN: tuple[tuple[str, str, tuple[int, int], int, str, Callable[[np.ndarray, Path], None]], ...] = (
    ("square", "png", (192, 192), 3, "the plainest case: square, 8-bit RGB PNG", _plain),
    ("model_size", "png", (129, 129), 3, "exactly the model's input size: no resize may change a pixel", _plain),
    ("wide", "jpg", (400, 200), 3, "twice as wide as tall", _jpeg),
    ("tall", "jpg", (200, 400), 3, "twice as tall as wide", _jpeg),
    ("tiny", "png", (17, 23), 1, "17 x 23 px: odd sizes, enlarged before the model", _plain),
    ("large", "jpg", (4000, 3000), 4, "12 megapixels: memory, and shrinking by more than 20", _small_jpeg),
    ("exif_rotated", "jpg", (320, 240), 3, "stored turned, EXIF orientation 6; the mask is upright", _turned),
    ("grayscale", "png", (160, 160), 3, "one channel", _grey),
    ("rgba", "png", (160, 160), 3, "an alpha channel with a clear black border", _with_alpha),
    ("jpeg", "jpg", (256, 192), 3, "JPEG with subsampled colour", _jpeg),
    ("webp", "webp", (256, 192), 3, "lossy WebP", _webp),
    ("low_contrast", "png", (160, 160), 2, "a quarter of the contrast", _faint),
    ("noisy", "jpg", (240, 240), 3, "sensor noise and JPEG blocks", _noisy),
    ("soft", "jpg", (240, 240), 2, "out of focus", _soft),
    ("empty", "png", (96, 96), 0, "background only: no shape may be invented", _plain),
)
