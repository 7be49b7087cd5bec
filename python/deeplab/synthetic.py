"""Seeded images of textured, overlapping shapes, with masks that are exact because the shapes are known as formulas.

Every example is a pure function of (seed, split, index, size): a run can stop and resume anywhere, and the held-out
split cannot share an example with the training split, whatever the seeds.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from PIL import Image

from goldmask.contract.errors import UsageError

from .builder import PIXEL_MEAN, PIXEL_STD

LABELS = ("background", "circle", "square", "triangle", "star", "cross")
SPLITS = ("train", "validation", "held-out")
SMALLEST, LARGEST = 0.16, 0.4  # a shape's radius, as a part of the image's shorter side
VISIBLE = 0.85  # of each shape, at least: what is hidden further cannot be told from another shape


def normalise(pixels):
    """Bytes 0..255 as the model's float32 input in [-1, 1]."""
    return (tf.cast(pixels, tf.float32) - PIXEL_MEAN) / PIXEL_STD


def dataset(
    seed: int, split: str, count: int, size: tuple[int, int], batch_size: int, start: int = 0
) -> tf.data.Dataset:
    """Batches of (float32 images [n, h, w, 3] in [-1, 1], uint8 masks [n, h, w]) of examples start..count-1, in order.

    `size` is (height, width). Raises UsageError when there is nothing to draw.
    """
    if count <= start or batch_size < 1:
        raise UsageError(
            f"no examples: {count} examples from {start} on in batches of {batch_size}",
            f"use a count of {start + 1} or more and a batch size of 1 or more",
        )
    _check_split(split)

    def draw(index):
        return tf.numpy_function(
            lambda i: example(seed, split, int(i), size), [index], (tf.uint8, tf.uint8), stateful=False
        )

    def shape(image, mask):
        return tf.ensure_shape(image, (*size, 3)), tf.ensure_shape(mask, size)

    return (
        tf.data.Dataset.range(start, count)
        .map(draw, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .map(shape)
        .batch(batch_size)
        .map(lambda images, masks: (normalise(images), masks))
        .prefetch(tf.data.AUTOTUNE)
    )


def example(seed: int, split: str, index: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Example `index` of a split: uint8 image [h, w, 3] and uint8 mask [h, w] of indices into LABELS.

    One in five is stretched up to 2.5 times, as a wide or tall photo is when it is squeezed into a square input; some
    are grey, soft, noisy or of low contrast.
    """
    _check_split(split)
    rng = np.random.default_rng([seed, SPLITS.index(split), index])
    stretch = 2.5 ** rng.uniform(-1, 1) if rng.random() < 0.2 else 1.2 ** rng.uniform(-1, 1)
    image, mask = paint(rng, size, int(rng.choice(5, p=(0.04, 0.24, 0.3, 0.24, 0.18))), stretch)
    return photograph(rng, image), mask


def paint(
    rng: np.random.Generator, size: tuple[int, int], shapes: int, stretch: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """A clean scene: float32 image [h, w, 3] in [0, 1] and uint8 mask [h, w].

    A pixel belongs to a shape when its centre does; edges are blended over one pixel. `stretch` is how much wider than
    tall a circle is drawn. A shape that finds no place without hiding another is left out.
    """
    height, width = size
    shades = rng.permutation(np.linspace(0.08, 0.92, shapes + 1)) + rng.uniform(-0.04, 0.04, shapes + 1)
    grain = min(0.3, 0.5 / (shapes + 1))  # below the distance of two shades, or texture could hide an edge
    image = _fill(rng, size, shades[0], grain)
    mask = np.zeros(size, np.uint8)
    layer = np.zeros(size, np.uint8)  # which shape is on top, so that overlaps can be limited per shape
    areas: list[int] = []
    for shade in shades[1:]:
        label = int(rng.integers(1, len(LABELS)))
        for _ in range(8):
            radius = rng.uniform(SMALLEST, LARGEST) * min(size)
            centre = rng.uniform(0, 1, 2) * (width, height)
            box, distance = _place(label, centre, radius, rng.uniform(0, 2 * np.pi), stretch, size)
            inside = distance < 0
            whole = _unit_area(label) * radius**2
            kept = [
                np.count_nonzero(layer == i) - np.count_nonzero(layer[box][inside] == i)
                for i in range(1, len(areas) + 1)
            ]
            if inside.sum() < VISIBLE * whole or any(k < VISIBLE * a for k, a in zip(kept, areas, strict=True)):
                continue
            cover = np.clip(0.5 - distance, 0, 1)[..., None].astype(np.float32)
            texture = _fill(rng, distance.shape, shade, grain)
            image[box] += cover * (texture - image[box])
            mask[box][inside] = label
            areas.append(int(inside.sum()))
            layer[box][inside] = len(areas)
            break
    return np.clip(image, 0, 1), mask


def photograph(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """What a camera or a re-save does to a clean image: float32 [h, w, 3] in [0, 1] to uint8 of the same shape."""
    if rng.random() < 0.15:
        image = np.repeat(image.mean(-1, keepdims=True), 3, axis=-1)
    if rng.random() < 0.35:
        image = soften(image, rng.uniform(0.15, 0.9))
    contrast = rng.uniform(0.2, 1.0) if rng.random() < 0.35 else 1.0
    noise = rng.uniform(0, 0.04) * rng.standard_normal(image.shape, np.float32)
    image = 0.5 + contrast * (image - 0.5 + noise) + rng.uniform(-0.15, 0.15)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def soften(image: np.ndarray, scale: float) -> np.ndarray:
    """`image` made smaller by `scale` and enlarged again: the blur of a picture taken at fewer pixels."""
    height, width = image.shape[:2]
    small = (max(8, int(width * scale)), max(8, int(height * scale)))
    bytes_ = Image.fromarray((np.clip(image, 0, 1) * 255).astype(np.uint8))
    resized = bytes_.resize(small, Image.Resampling.BILINEAR).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32) / 255


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise UsageError(f"split {split!r} is unknown", f"use one of {', '.join(SPLITS)}")


def _corners(label: int) -> np.ndarray:
    """The outline of a polygon within the unit circle, [n, 2]."""
    name = LABELS[label]
    if name == "cross":
        arm = 0.33
        quarter = np.array([(1, -arm), (1, arm), (arm, arm)]) / np.hypot(1, arm)
        turn = np.array(((0, 1), (-1, 0)))  # a quarter turn of row vectors
        return np.concatenate([quarter @ np.linalg.matrix_power(turn, n) for n in range(4)])
    count = {"square": 4, "triangle": 3, "star": 10}[name]
    angle = np.arange(count) * 2 * np.pi / count
    radius = np.where(np.arange(count) % 2, 0.45, 1.0) if name == "star" else np.ones(count)
    return np.stack((radius * np.cos(angle), radius * np.sin(angle)), -1)


def _unit_area(label: int) -> float:
    if LABELS[label] == "circle":
        return np.pi
    x, y = _corners(label).T
    return 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def _place(label: int, centre, radius: float, angle: float, stretch: float, size: tuple[int, int]):
    """The box a shape touches (two slices), and the signed distance in pixels of its pixel centres, negative inside."""
    scale = np.array((np.sqrt(stretch), 1 / np.sqrt(stretch)))
    reach = radius * scale + 2
    (left, top) = np.clip(np.floor(centre - reach).astype(int), 0, (size[1] - 1, size[0] - 1))
    (right, bottom) = np.clip(np.ceil(centre + reach).astype(int), 1, (size[1], size[0]))
    x = np.arange(left, max(right, left + 1), dtype=np.float32)[None, :] + 0.5 - np.float32(centre[0])
    y = np.arange(top, max(bottom, top + 1), dtype=np.float32)[:, None] + 0.5 - np.float32(centre[1])
    box = (slice(top, top + y.shape[0]), slice(left, left + x.shape[1]))
    if LABELS[label] == "circle":
        # The value over its gradient: zero exactly on the ellipse, and its distance to first order near by.
        u, v = x / np.float32(scale[0] * radius), y / np.float32(scale[1] * radius)
        norm = np.sqrt(u * u + v * v) + 1e-6
        slope = np.sqrt((u / (scale[0] * radius)) ** 2 + (v / (scale[1] * radius)) ** 2) / norm + 1e-6
        return box, ((norm - 1) / slope).astype(np.float32)
    cos, sin = np.cos(angle), np.sin(angle)
    outline = _corners(label) @ np.array(((cos, sin), (-sin, cos))) * radius * scale
    return box, _polygon_distance(x, y, outline.astype(np.float32))


def _polygon_distance(x: np.ndarray, y: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Signed distance of points (x [1, w], y [h, 1]) to a closed polygon [n, 2], negative inside (even-odd rule)."""
    nearest = np.full((y.shape[0], x.shape[1]), np.inf, np.float32)
    inside = np.zeros(nearest.shape, bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        nearest = np.minimum(nearest, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2)
        if dy:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (y - y0) * (dx / dy) + x0)
    return np.where(inside, -1, 1) * np.sqrt(nearest)


def _fill(rng: np.random.Generator, size: tuple[int, int], shade: float, grain: float) -> np.ndarray:
    """A textured colour near the luminance `shade`: float32 [h, w, 3]. Shades differ, so shapes do in grey too."""
    chroma = rng.uniform(-0.3, 0.3, 3)
    colour = shade + chroma - chroma.mean()
    texture = TEXTURES[rng.integers(len(TEXTURES))](rng, size) - np.float32(0.5)
    tint = rng.uniform(0.6, 1.0, 3) * rng.uniform(0, grain)
    return (colour.astype(np.float32) + texture[..., None] * tint.astype(np.float32)).astype(np.float32)


def _gradient(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    x, y = _grid(size, rng.uniform(0, 2 * np.pi))
    return 0.5 + 0.5 * (x + y) / 2


def _stripes(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    x, _ = _grid(size, rng.uniform(0, 2 * np.pi))
    return 0.5 + 0.5 * np.sin(x * np.float32(rng.uniform(8, 30)) + np.float32(rng.uniform(0, 6)))


def _checks(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    x, y = _grid(size, rng.uniform(0, 2 * np.pi))
    pitch = np.float32(rng.uniform(8, 25))
    return 0.5 + 0.5 * np.sin(x * pitch) * np.sin(y * pitch)


def _blotches(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    cells = rng.integers(0, 256, (rng.integers(3, 12), rng.integers(3, 12)), np.uint8)
    return np.asarray(Image.fromarray(cells).resize(size[::-1], Image.Resampling.BICUBIC), np.float32) / 255


def _grid(size: tuple[int, int], angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates that span about -1..1 over the area, turned by `angle`: textures look alike at every image size."""
    y = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cos * x + sin * y, cos * y - sin * x


TEXTURES: tuple[Callable[[np.random.Generator, tuple[int, int]], np.ndarray], ...] = (
    _gradient,
    _stripes,
    _checks,
    _blotches,
)
