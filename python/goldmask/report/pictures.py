"""Expected, actual and difference side by side, for people who would rather look than read."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ..contract.mask import Mask, colourise
from ..verdict.metrics import Flags

TIE, CONFIDENT = (255, 200, 0), (230, 0, 60)
GAP_PX, CAPTION_PX = 8, 18
LEAST_WIDTH_PX = 240
ENCODING = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP, cv2.IMWRITE_PNG_COMPRESSION, 1)


def side_by_side(expected: Mask, actual: Mask, confident: Flags | None) -> bytes:
    """A PNG of two masks and where they differ: confident flips red, tie flips yellow.

    Without `confident`, as for masks of different sizes, the difference is left out.
    """
    classes = colourise(expected)
    panels = [("expected", classes), ("actual", colourise(actual))]
    if confident is not None:
        faint = (classes // 3 + 40).astype(np.uint8)
        faint[expected != actual] = TIE
        faint[confident] = CONFIDENT
        ties = int(np.count_nonzero(expected != actual)) - int(np.count_nonzero(confident))
        panels.append((f"differs: {np.count_nonzero(confident)} red, {ties} yellow (ties)", faint))
    # Small masks are enlarged by a whole factor, so that one wrong pixel stays one square.
    factor = max(1, -(-LEAST_WIDTH_PX // max(panel.shape[1] for _, panel in panels)))
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
