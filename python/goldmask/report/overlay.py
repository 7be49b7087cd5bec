"""A mask on its photograph, beside the golden one, for whoever has to say whether it is right."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..contract.image import Pixels
from ..contract.mask import PALETTE, Mask
from ..project.ignored import Flags

SIDE_PX, LEAST_PX = 480, 240
GAP_PX, CAPTION_PX = 8, 18
DIFFERS = (230, 0, 60)


def overlay(photograph: Pixels, now: Mask, was: Mask | None = None, ignored: Flags | None = None) -> bytes:
    """A PNG: the photograph, the golden mask on it where there is one, the new mask on it, and where the two differ.

    The photograph, uint8 [height, width, 3], is scaled to the masks, as the model saw it; they are at most SIDE_PX high
    and wide here. Of `ignored` pixels it shows no difference.
    """
    panels: list[tuple[str, Mask | None]] = [("photograph", None)]
    if was is not None:
        panels.append(("golden", was))
    panels.append(("new", now))
    high, wide = _size(now)
    photo = Image.fromarray(photograph).resize((wide, high), Image.Resampling.BILINEAR)
    pictures = [(name, photo if mask is None else _on(photo, mask)) for name, mask in panels]
    if was is not None and was.shape == now.shape:
        differing = was != now if ignored is None else (was != now) & ~ignored
        if differing.any():
            pictures.append((f"{np.count_nonzero(differing):,} pixels differ", _flags(photo, differing)))
    sheet = Image.new("RGB", ((wide + GAP_PX) * len(pictures) + GAP_PX, high + CAPTION_PX + GAP_PX), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    for index, (name, picture) in enumerate(pictures):
        left = GAP_PX + (wide + GAP_PX) * index
        draw.text((left, 3), name, fill="black", font=font)
        sheet.paste(picture, (left, CAPTION_PX))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _size(mask: Mask) -> tuple[int, int]:
    high, wide = mask.shape
    factor = min(SIDE_PX / max(high, wide), max(1, -(-LEAST_PX // max(high, wide))))
    return max(1, round(high * factor)), max(1, round(wide * factor))


def _on(photo: Image.Image, mask: Mask) -> Image.Image:
    colours = Image.fromarray(mask).resize(photo.size, Image.Resampling.NEAREST)
    return Image.blend(photo, Image.fromarray(PALETTE[np.asarray(colours)]), 0.5)


def _flags(photo: Image.Image, flags: Flags) -> Image.Image:
    # A single pixel must not be lost where a mask is shown smaller than it is.
    scaled = Image.fromarray((flags * 255).astype(np.uint8)).resize(photo.size, Image.Resampling.BOX)
    pale = np.asarray(Image.blend(photo.convert("L").convert("RGB"), Image.new("RGB", photo.size, "white"), 0.5)).copy()
    pale[np.asarray(scaled) > 0] = DIFFERS
    return Image.fromarray(pale)
