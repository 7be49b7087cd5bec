"""Expected, actual and difference side by side, for people who would rather look than read."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ..contract.mask import Mask, colourise
from ..verdict.metrics import Flags

TIE, CONFIDENT = (255, 200, 0), (230, 0, 60)
GAP_PX, CAPTION_PX = 8, 18
LEAST_WIDTH_PX, MOST_PX = 240, 2048
ENCODING = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP, cv2.IMWRITE_PNG_COMPRESSION, 1)


def side_by_side(expected: Mask, actual: Mask, confident: Flags | None) -> bytes:
    """A PNG of two masks of one size and where they differ: confident flips red, tie flips yellow.

    Without `confident` the difference is left out. Of more than MOST_PX rows or columns those around the first
    difference are shown: a mask of a million rows must not become gigabytes.
    """
    differing = expected != actual
    shown = _around(differing if confident is None or not confident.any() else confident)
    since = f" from x {shown[1].start}, y {shown[0].start}" if expected[shown].shape != expected.shape else ""
    panels = [(f"expected{since}", colourise(expected[shown])), ("actual", colourise(actual[shown]))]
    if confident is not None:
        faint = (colourise(expected[shown]) // 3 + 40).astype(np.uint8)
        faint[differing[shown]] = TIE
        faint[confident[shown]] = CONFIDENT
        ties = int(np.count_nonzero(differing)) - int(np.count_nonzero(confident))
        panels.append((f"differs: {np.count_nonzero(confident)} red, {ties} yellow (ties)", faint))
    # Small masks are enlarged by a whole factor, so that one wrong pixel stays one square.
    high, wide = panels[0][1].shape[:2]
    factor = max(1, min(-(-LEAST_WIDTH_PX // wide), MOST_PX // high))
    images = [
        (caption, Image.fromarray(panel).resize((panel.shape[1] * factor, panel.shape[0] * factor), 0))
        for caption, panel in panels
    ]
    width = sum(image.width + GAP_PX for _, image in images) + GAP_PX
    height = max(image.height for _, image in images) + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    x = GAP_PX
    for caption, image in images:
        draw.text((x, 3), caption, fill="black")
        sheet.paste(image, (x, CAPTION_PX))
        x += image.width + GAP_PX
    # Pillow tries five filters on each row of a colour picture: three times as long for a quarter less of bytes.
    return cv2.imencode(".png", cv2.cvtColor(np.asarray(sheet), cv2.COLOR_RGB2BGR), ENCODING)[1].tobytes()


def _around(flags: Flags) -> tuple[slice, slice]:
    """Rows and columns, at most MOST_PX of each, around the first pixel that is flagged."""
    centre = np.unravel_index(flags.argmax(), flags.shape)
    starts = (max(0, min(int(at) - MOST_PX // 2, side - MOST_PX)) for at, side in zip(centre, flags.shape, strict=True))
    top, left = starts
    return slice(top, top + MOST_PX), slice(left, left + MOST_PX)
