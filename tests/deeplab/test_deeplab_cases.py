import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from deeplab.cases import EXIF_ORIENTATION, write_cases
from deeplab.synthetic import LABELS

pytestmark = pytest.mark.project


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    write_cases(folder, 25)
    return folder


def opened(path: Path) -> Image.Image:
    """An image whose file is read and closed."""
    with Image.open(path) as image:
        image.load()
    return image


@pytest.fixture(scope="module")
def cases(folder) -> dict[str, dict]:
    return {case["id"]: case for case in json.loads((folder / "cases.json").read_text())["cases"]}


def test_every_kind_of_image_is_there(folder, cases):
    assert len(cases) >= 12
    sizes = {name: (case["width"], case["height"]) for name, case in cases.items()}
    assert sizes["tiny"] == (17, 23) and sizes["large"] == (4000, 3000)
    assert sizes["wide"][0] >= 2 * sizes["wide"][1] and sizes["tall"][1] >= 2 * sizes["tall"][0]
    modes = {name: opened(folder / case["file"]).mode for name, case in cases.items()}
    assert modes["grayscale"] == "L" and modes["rgba"] == "RGBA"
    formats = {opened(folder / case["file"]).format for case in cases.values()}
    assert formats == {"PNG", "JPEG", "WEBP"}
    assert opened(folder / cases["exif_rotated"]["file"]).getexif()[EXIF_ORIENTATION] == 6


def test_masks_fit_the_image_as_it_is_displayed(folder, cases):
    for name, case in cases.items():
        image = ImageOps.exif_transpose(opened(folder / case["file"]))
        mask = opened(folder / case["mask"])
        assert mask.mode == "P" and mask.size == image.size == (case["width"], case["height"]), name
        classes = np.unique(np.asarray(mask))
        assert classes.max() < len(LABELS) and (len(classes) > 1) == (name != "empty"), name


def test_the_turned_image_is_right_only_after_its_orientation(folder, cases):
    stored = opened(folder / cases["exif_rotated"]["file"])
    assert stored.size == (240, 320)
    upright = np.asarray(ImageOps.exif_transpose(stored), np.float32).mean(-1)
    mask = np.asarray(opened(folder / cases["exif_rotated"]["mask"]))

    def spread(picture: np.ndarray) -> float:
        """The mean spread of brightness within each class: small when mask and image belong together."""
        return float(np.mean([picture[mask == label].std() for label in np.unique(mask)]))

    assert spread(upright) < 0.9 * spread(np.flipud(upright))


def test_clear_pixels_are_black_so_that_every_way_to_drop_alpha_agrees(folder, cases):
    pixels = np.asarray(opened(folder / cases["rgba"]["file"]))
    assert (pixels[..., 3] == 0).any() and not pixels[pixels[..., 3] == 0][:, :3].any()


def test_the_set_is_small(folder):
    assert sum(path.stat().st_size for path in folder.iterdir()) < 500_000
