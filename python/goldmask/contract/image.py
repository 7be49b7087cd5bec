"""Photographs in, tensors out: the stated decoding rules and the one resize every platform repeats bit for bit.

Decoding rules, the same on every platform (docs/images.md):

- JPEG, PNG, BMP and WebP; of an animation, the first frame.
- EXIF orientation is applied; an orientation given by the case replaces it.
- Grayscale and palette become RGB; alpha is dropped, not blended; 16-bit samples keep their high byte.
- Colour profiles are ignored; CMYK is refused, because no two decoders turn it into the same RGB.
"""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from .errors import GoldmaskError
from .files import read_file
from .jpeg import has_all_blocks
from .png import read_header, scanlines

# [height, width, 3], RGB.
Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
# [1, height, width, 3], of the model's input type.
Tensor = np.ndarray[tuple[int, int, int, int], np.dtype[np.float32 | np.uint8 | np.int8]]
Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Weights = np.ndarray[tuple[int], np.dtype[np.int32]]
Blend = np.ndarray[tuple[int, int], np.dtype[np.int32]]  # [height, 3 · width]
Texels = np.ndarray[tuple[int, int], np.dtype[np.void]]  # [height, width], three bytes each
FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
# 67 megapixels, 200 MB as RGB: more than any phone's default camera mode, and below the size at which Pillow warns.
MAX_PIXELS = 1 << 26
# A JPEG's. Pillow takes 12 bytes for each row, however short.
MAX_SIDE = 65_535
MAX_IMAGE_BYTES = 1 << 28
EXIF_ORIENTATION = 0x0112
# OpenCV's and Skia's choice too: 8 bits of pixel and two weights of 11 bits fit 32-bit integers.
WEIGHT_BITS = 11
ONE = 1 << WEIGHT_BITS


class ImageError(GoldmaskError):
    """A file that cannot be used as an input image."""


def decode(path: Path, orientation: int | None = None, data: bytes | None = None) -> Pixels:
    """The pixels of an image file as uint8 [height, width, 3], RGB, upright.

    `orientation` is an EXIF orientation, 1 to 8, that replaces the file's own; `data` are the file's bytes
    where the caller has read, and maybe hashed, them already. Raises ImageError.
    """
    fix = "convert it to an RGB JPEG or PNG"
    try:
        data = read_file(path, MAX_IMAGE_BYTES) if data is None else data
        if not data:
            raise ImageError(f"{path} is empty (0 bytes)", fix="copy or download the image again")
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                raise ImageError(
                    f"{path} claims {width}×{height} pixels; the limit is {MAX_PIXELS:,}, and {MAX_SIDE:,} a side",
                    fix="scale the image down",
                )
            if image.mode == "CMYK":
                raise ImageError(f"{path} is a CMYK image, which every decoder turns into other colours", fix=fix)
            if orientation is None:
                orientation = image.getexif().get(EXIF_ORIENTATION, 1)
            _check_whole(data, image.format)
            pixels = _rgb(image)
    except UnidentifiedImageError as error:
        raise ImageError(f"{path} is not a JPEG, PNG, BMP or WebP image", fix=fix) from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path} claims too many pixels; the limit is {MAX_PIXELS:,}", fix="scale it down") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{path} cannot be decoded: {reason}", fix="copy or download the image again") from error
    return orient(pixels, orientation if orientation in range(1, 9) else 1)


def _check_whole(data: bytes, kind: str | None) -> None:
    """Raise ValueError where Pillow would make pixels up: it does not of BMP and WebP."""
    if kind == "PNG":
        for _ in scanlines(data, read_header(data)):
            pass
    elif kind == "JPEG" and not has_all_blocks(data):
        raise ValueError("rows are missing")


def _rgb(image: Image.Image) -> Pixels:
    """uint8 [h, w, 3] of any mode the four formats open in."""
    if image.mode.startswith("I"):  # 16-bit grayscale, as I;16 or widened to I
        gray = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")  # a palette's transparency is alpha: dropped in the next step
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def orient(pixels: Pixels, orientation: int) -> Pixels:
    """`pixels` [h, w, …] turned upright from an EXIF orientation 1 to 8 (EXIF 2.3, tag 0x0112)."""
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """Bilinear resize of uint8 [h, w, 3] to uint8 [height, width, 3] in integer arithmetic only.

    Half-pixel centres: output i samples input (i + 0.5) · in / out - 0.5, clamped to the edge, in fixed
    point with WEIGHT_BITS fractional bits, rounded down; the blend is rounded half up. No antialiasing,
    as a camera preview is scaled. Integers make Python, Kotlin and Swift agree in every bit;
    tests/vectors/preprocess.json holds them together.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    top, bottom, down = _taps(pixels.shape[0], height)
    left, right, along = _taps(pixels.shape[1], width)
    down, along = down[:, None], np.repeat(along, 3)
    texels: Texels = np.ascontiguousarray(pixels).view("V3")[..., 0]  # three bytes moved as one
    above = _gather(texels, top, left) * (ONE - along)
    above += _gather(texels, top, right) * along
    below = _gather(texels, bottom, left) * (ONE - along)
    below += _gather(texels, bottom, right) * along
    above *= ONE - down
    below *= down
    above += below
    above += 1 << (2 * WEIGHT_BITS - 1)
    above >>= 2 * WEIGHT_BITS
    return above.astype(np.uint8).reshape(height, width, 3)


def _taps(source: int, target: int) -> tuple[Indices, Indices, Weights]:
    """For each of `target` outputs: the two source indices and the second one's weight in 1/ONE."""
    centre = ((2 * np.arange(target, dtype=np.int64) + 1) * source * ONE) // (2 * target) - ONE // 2
    centre = np.clip(centre, 0, (source - 1) * ONE)
    first = centre >> WEIGHT_BITS
    second = np.minimum(first + 1, source - 1)
    return first, second, (centre & (ONE - 1)).astype(np.int32)


def _gather(texels: Texels, rows: Indices, columns: Indices) -> Blend:
    """int32 [len(rows), 3 · len(columns)]: the texels where rows and columns cross."""
    # The axis that leaves less between the two steps first: a panorama of two rows must not become gigabytes.
    if len(rows) * texels.shape[1] <= len(columns) * texels.shape[0]:
        crossed = texels.take(rows, axis=0).take(columns, axis=1)
    else:
        crossed = texels.take(columns, axis=1).take(rows, axis=0)
    return crossed.view(np.uint8).reshape(len(rows), -1).astype(np.int32)


def to_tensor(
    pixels: Pixels,
    dtype: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    scale: float = 0.0,
    zero_point: int = 0,
) -> Tensor:
    """The input tensor [1, h, w, 3] for uint8 RGB `pixels` [h, w, 3].

    float32: (pixel - mean) / std in float32. uint8: the pixels as they are, which is what quantised image
    models are made for and what the Task Library feeds them. int8: the float32 value divided by `scale`,
    rounded half away from zero, plus `zero_point`, clamped. `mean` and `std` have one value or three.
    """
    if dtype == "uint8":
        return pixels[None]
    mean32, std32 = np.asarray(mean, np.float32), np.asarray(std, np.float32)
    if dtype == "float32":
        return ((pixels.astype(np.float32) - mean32) / std32)[None]
    levels = (np.arange(256, dtype=np.float32)[:, None] - mean32) / std32 / np.float32(scale)
    rounded = np.trunc(levels + np.copysign(np.float32(0.5), levels)) + zero_point
    table = np.broadcast_to(np.clip(rounded, -128, 127).astype(np.int8), (256, 3))
    return table[pixels, np.arange(3)][None]
