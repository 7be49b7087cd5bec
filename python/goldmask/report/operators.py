"""A comparison by operator as JSON, as lines for the terminal, and as a picture."""

import math
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from ..verdict.operators import Difference, Grown, Limit

WIDTH, HEIGHT = 960, 360
LEFT, RIGHT, TOP, BOTTOM = 90, 24, 40, 48
INK, GRAY, DOT, RING, LIMIT, FIRST = "#222222", "#bbbbbb", "#1f6fb4", "#1f6fb4", "#d9822b", "#c23030"
RADIUS, FONT_SIZE = 3, 14
# The range of shares that is drawn: what float32 can tell apart, and all of a tensor's range.
LOWEST, HIGHEST = -8, 1


def to_dict(difference: Difference) -> dict[str, object]:
    """A difference for JSON, in which an infinite one is null."""
    figures: Mapping[str, float | None] = {
        "largest": difference.largest,
        "rms": difference.rms,
        "range": difference.extent,
        "share": difference.share,
        "steps": difference.steps,
    }
    finite = {name: value if value is not None and math.isfinite(value) else None for name, value in figures.items()}
    return finite | {"differing": difference.differing, "of": difference.of, "text": str(difference)}


def row_to_dict(row: Grown) -> dict[str, object]:
    """A row of the growth for JSON."""
    added = row.added if math.isfinite(row.added) else None
    own = to_dict(row.own) if row.own else None
    return {"number": row.number, "operator": row.name, "added": added, "own": own, "output": to_dict(row.output)}


def to_picture(
    title: str, rows: Sequence[Grown], operators: int, limit: Limit, alone: Sequence[int], first: int | None
) -> Image.Image:
    """The difference of each operator's output along the graph, on a logarithmic axis.

    Dots are of the run with all intermediate outputs; those of the numbers `alone`, of prefixes run by themselves, have
    a ring. `first` is marked.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(FONT_SIZE)

    def x(number: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (number + 0.5) / operators

    def y(share: float) -> float:
        power = math.log10(share) if 0 < share < math.inf else (HIGHEST if share else LOWEST)
        inside = min(max(power, LOWEST), HIGHEST)
        return HEIGHT - BOTTOM - (inside - LOWEST) / (HIGHEST - LOWEST) * (HEIGHT - TOP - BOTTOM)

    draw.text((LEFT, TOP / 2), title, INK, font, "lm")
    for power in range(LOWEST, HIGHEST + 1, 1):
        draw.line((LEFT, y(10.0**power), WIDTH - RIGHT, y(10.0**power)), GRAY)
        name = f"{10.0 ** (power + 2):.{max(0, -power - 2)}f} %" if power > LOWEST else "0"
        draw.text((LEFT - 8, y(10.0**power)), name, INK, font, "rm")
    if limit.share:
        draw.line((LEFT, y(limit.share), WIDTH - RIGHT, y(limit.share)), LIMIT, 2)
    if first is not None:
        draw.line((x(first), TOP, x(first), HEIGHT - BOTTOM), FIRST, 2)
        draw.text((x(first), HEIGHT - BOTTOM + 6), f"#{first}", FIRST, font, "ma")
    for row in rows:
        at, level = x(row.number), y(row.output.share)
        draw.ellipse((at - RADIUS, level - RADIUS, at + RADIUS, level + RADIUS), DOT)
        if row.number in alone:
            wide = 2 * RADIUS
            draw.ellipse((at - wide, level - wide, at + wide, level + wide), None, RING, 2)
    draw.text((WIDTH - RIGHT, HEIGHT - 6), f"{operators} operators, in the order of execution", INK, font, "rs")
    return image
