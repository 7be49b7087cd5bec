"""One failed case with all that a diagnosis looks at: both sides' hashes and masks, and the photo."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..contract.bundle import Bundle, Predicted, RequestCase, mask_of
from ..contract.errors import GoldmaskError
from ..contract.image import FORMATS, as_stored, read_image, strip
from ..contract.mask import Mask
from ..contract.metadata import UnsupportedImage
from ..project.golden import Golden
from ..verdict.compare import Comparison, Judged, Verdict
from ..verdict.hypothesis import Alpha, Photo


@dataclass(frozen=True)
class Sides:
    """A golden and a bundle, with their folders."""

    golden_folder: Path
    golden: Bundle | Golden
    folder: Path
    bundle: Bundle


@dataclass(frozen=True)
class FailedCase:
    """One case on both sides, with its masks."""

    wanted: Predicted
    result: Predicted
    expected: Mask
    actual: Mask

    @property
    def differing(self) -> int:
        """How many pixels differ; all of them in masks of other sizes."""
        if self.expected.shape != self.actual.shape:
            return self.actual.size
        return int(np.count_nonzero(self.expected != self.actual))

    @property
    def agreement(self) -> str:
        """How many pixels agree, as a clause."""
        if self.expected.shape != self.actual.shape:
            return "the masks have other sizes"
        return f"agreement was {1 - self.differing / self.actual.size:.1%}"


def failed_case(row: Comparison, sides: Sides) -> FailedCase | None:
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
    return None if np.array_equal(expected, actual) else FailedCase(wanted, result, expected, actual)


def bytes_of(case: RequestCase | None) -> int:
    """The size of a case's file; 0 where it is not here."""
    try:
        return Path(case.file).stat().st_size if case else 0
    except OSError:
        return 0


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
