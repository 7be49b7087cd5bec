"""Expected, actual and difference side by side, for people who would rather look than read."""

import io
import zlib
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..contract.image import Pixels
from ..contract.mask import PALETTE, Mask, palette
from ..contract.soft import Soft
from ..project.ignored import Flags
from ..verdict.soft import SoftPair

TIE, CONFIDENT = (255, 200, 0), (230, 0, 60)
GAP_PX, CAPTION_PX = 8, 18
LEAST_WIDTH_PX, MOST_PX = 240, 2048
# The first colours of a picture, for its captions: black to white.
GRAYS = np.arange(16, dtype=np.uint8)[:, None].repeat(3, axis=1) * 17
# Among them, the gray of what is ignored.
UNSAID = 8
# Those of soft masks; with the captions' and a red they fit into a palette.
SHADES = np.linspace(0, 255, 224).astype(np.uint8)[:, None].repeat(3, axis=1)
Numbers = np.ndarray[tuple[int], np.dtype[np.int64 | np.uint16 | np.uint8]]
# A picture's pixels as indices of its colours.
Panel = np.ndarray[tuple[int, ...], np.dtype[np.uint16 | np.uint32]]


def side_by_side(expected: Mask, actual: Mask, confident: Flags | None, ignored: Flags | None = None) -> bytes:
    """A PNG of two masks of one size and where they differ: confident flips red, tie flips yellow.

    What is ignored is gray. Without `confident` the difference is left out. Of more than MOST_PX rows or columns those
    around the first difference are shown: a mask of a million rows must not become gigabytes.
    """
    differing = expected != actual
    if ignored is not None:
        differing &= ~ignored
    shown = _around(differing if confident is None or not confident.any() else confident)
    since = f" from x {shown[1].start}, y {shown[0].start}" if expected[shown].shape != expected.shape else ""
    masks = [mask[shown] for mask in (expected, actual)]
    numbers: Numbers = np.arange(int(max(mask.max() for mask in masks)) + 1)
    if len(numbers) > len(PALETTE):  # of 65,536 classes a picture shows few
        numbers = np.unique(np.concatenate([mask.ravel() for mask in masks]))
    classes = palette(int(numbers[-1]) + 1)[numbers]
    colours = np.concatenate((GRAYS, [TIE, CONFIDENT], classes, classes // 3 + 40)).astype(np.uint8)
    tie = len(GRAYS)
    coded = [_codes(mask, numbers) + np.uint16(tie + 2) for mask in masks]
    panels: list[tuple[str, Panel]] = [(f"expected{since}", coded[0]), ("actual", coded[1])]
    if confident is not None:
        faint = coded[0] + np.uint16(len(classes))
        if ignored is not None:
            faint[ignored[shown]] = UNSAID
        faint[differing[shown]] = tie
        faint[confident[shown]] = tie + 1
        ties = int(np.count_nonzero(differing)) - int(np.count_nonzero(confident))
        caption = f"differs: {np.count_nonzero(confident)} red, {ties} yellow (ties)"
        panels.append((caption + ("" if ignored is None else ", gray ignored"), faint))
    return _png(_sheet(panels), colours)


def soft_side_by_side(soft: SoftPair, confident: Flags | None) -> bytes:
    """A PNG of two soft masks of one size, black to white, and of their difference, whose largest is white.

    Confident flips of the category masks are red. Of more than MOST_PX rows or columns those around the largest
    difference are shown.
    """
    errors = np.abs(soft.actual - soft.expected)
    largest = float(errors.max())
    shown = _around(errors >= largest)
    since = f" from x {shown[1].start}, y {shown[0].start}" if errors[shown].shape != errors.shape else ""
    colours = np.concatenate((GRAYS, SHADES, [CONFIDENT])).astype(np.uint8)
    panels = [(f"expected{since}", _shaded(soft.expected[shown])), ("actual", _shaded(soft.actual[shown]))]
    difference, caption = _shaded(errors[shown] / (largest or 1)), f"differs: white is {largest:.2g}"
    if confident is not None and confident.any():
        difference[confident[shown]] = len(colours) - 1
        caption += f", {np.count_nonzero(confident)} flips red"
    return _png(_sheet([*panels, (caption, difference)]), colours)


def _codes(mask: Mask, numbers: Numbers) -> Panel:
    """Where each class of a mask is among the sorted numbers of a picture's classes."""
    kind = np.uint16 if len(numbers) <= len(PALETTE) else np.uint32  # of the colours there are two of each class
    if len(numbers) == int(numbers[-1]) + 1:
        return mask.astype(kind)
    return np.searchsorted(numbers, mask).astype(kind)


def _shaded(values: Soft) -> Panel:
    """Values from 0 to 1 as indices of SHADES, which follow GRAYS."""
    return (np.clip(values, 0, 1) * (len(SHADES) - 1) + 0.5).astype(np.uint16) + np.uint16(len(GRAYS))


def _sheet(panels: list[tuple[str, Panel]]) -> Panel:
    """Panels of one size beside each other, each below its caption."""
    # Small masks are enlarged by a whole factor, so that one wrong pixel stays one square.
    high, wide = panels[0][1].shape
    factor = max(1, min(-(-LEAST_WIDTH_PX // wide), MOST_PX // high))
    high, wide = high * factor, wide * factor
    size = high + CAPTION_PX + GAP_PX, (wide + GAP_PX) * len(panels) + GAP_PX
    sheet: Panel = np.full(size, len(GRAYS) - 1, panels[0][1].dtype)
    for index, (caption, panel) in enumerate(panels):
        left = GAP_PX + (wide + GAP_PX) * index
        text = _caption(caption)[:, :wide]
        sheet[:CAPTION_PX, left : left + text.shape[1]] = text
        if factor > 1:
            panel = panel.repeat(factor, axis=0).repeat(factor, axis=1)
        sheet[CAPTION_PX:-GAP_PX, left : left + wide] = panel
    return sheet


@lru_cache(maxsize=64)
def _caption(text: str) -> Panel:
    """A line of text; drawing it takes longer than its picture."""
    font = ImageFont.load_default()
    image = Image.new("L", (int(font.getlength(text)) + 1, CAPTION_PX), "white")
    ImageDraw.Draw(image).text((0, 3), text, fill="black", font=font)
    return np.asarray(image).astype(np.uint16) // 17


def _png(sheet: Panel, colours: Pixels) -> bytes:
    """A palette PNG where its colours suffice, which takes a quarter of the time."""
    if len(colours) <= 256:
        image = Image.fromarray(sheet.astype(np.uint8))
        image.putpalette(colours.tobytes())
    else:
        image = Image.fromarray(colours[sheet])
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_type=zlib.Z_RLE)
    return stream.getvalue()


def _around(flags: Flags) -> tuple[slice, slice]:
    """Rows and columns, at most MOST_PX of each, around the first pixel that is flagged."""
    centre = np.unravel_index(flags.argmax(), flags.shape)
    starts = (max(0, min(int(at) - MOST_PX // 2, side - MOST_PX)) for at, side in zip(centre, flags.shape, strict=True))
    top, left = starts
    return slice(top, top + MOST_PX), slice(left, left + MOST_PX)
