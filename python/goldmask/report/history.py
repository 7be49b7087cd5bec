"""A history of latencies as a picture: each median with its interval, and a line for each level."""

import math
from itertools import pairwise
from statistics import fmean

from PIL import Image, ImageDraw, ImageFont

from ..verdict.steps import History

WIDTH, HEIGHT = 960, 360
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 40, 48
INK, GRAY, POINT, LEVEL, STEP = "#222222", "#bbbbbb", "#1f6fb4", "#d9822b", "#c23030"
DOT, FONT_SIZE, TICKS = 3, 14, 4


def to_picture(found: History) -> Image.Image:
    """The picture; milliseconds upwards from zero, measurements to the right."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(FONT_SIZE)
    top_ms = _round_up(max(point.high_ms for point in found.points) * 1.05)
    width = (WIDTH - LEFT - RIGHT) / max(1, len(found.points) - 1)

    def x(index: float) -> float:
        return LEFT + index * width

    def y(ms: float) -> float:
        return HEIGHT - BOTTOM - ms / top_ms * (HEIGHT - TOP - BOTTOM)

    draw.text((LEFT, TOP / 2), f"{found.name}: median inference in ms", INK, font, "lm")
    for tick in range(TICKS + 1):
        ms = top_ms * tick / TICKS
        draw.line((LEFT, y(ms), WIDTH - RIGHT, y(ms)), GRAY)
        draw.text((LEFT - 8, y(ms)), f"{ms:.3g}", INK, font, "rm")
    edges = [0, *(step.index for step in found.steps), len(found.points)]
    for begin, end in pairwise(edges):
        level = y(math.exp(fmean(math.log(point.median_ms) for point in found.points[begin:end])))
        draw.line((x(begin - 0.3), level, x(end - 1 + 0.3), level), LEVEL, 2)
    for step in found.steps:
        draw.line((x(step.index - 0.5), TOP, x(step.index - 0.5), HEIGHT - BOTTOM), STEP)
        draw.text(
            (x(step.index - 0.5), HEIGHT - BOTTOM + 6), f"{step.commit[:8]} {step.factor - 1:+.0%}", STEP, font, "ma"
        )
    for index, point in enumerate(found.points):
        draw.line((x(index), y(point.low_ms), x(index), y(point.high_ms)), POINT)
        draw.ellipse((x(index) - DOT, y(point.median_ms) - DOT, x(index) + DOT, y(point.median_ms) + DOT), POINT)
    for index, anchor in ((0, "ls"), (len(found.points) - 1, "rs"))[: len(found.points)]:
        draw.text((x(index), HEIGHT - 6), found.points[index].at[:10], INK, font, anchor)
    return image


def _round_up(ms: float) -> float:
    """The next number of two digits."""
    step = 10 ** (math.floor(math.log10(ms)) - 1) if ms > 0 else 1.0
    return math.ceil(ms / step) * step
