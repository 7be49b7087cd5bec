"""Photographs in, tensors out: the stated decoding rules and the one resize every platform repeats bit for bit.

Decoding rules, the same on every platform (docs/images.md):

- JPEG, PNG, BMP and WebP; of an animation, the first frame. A file that is not whole is refused.
- EXIF orientation is applied, and no other; an orientation given by the case replaces it.
- Grayscale and palette become RGB; alpha is dropped, not blended; 16-bit samples keep their high byte.
- Colour profiles are ignored; CMYK is refused, because no two decoders turn it into the same RGB.
"""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from . import bmp, jpeg, png, webp
from .errors import GoldmaskError
from .files import read_file
from .metadata import UPRIGHT, DamagedImage, Stripped, UnsupportedImage

# [height, width, 3], RGB.
Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Weights = np.ndarray[tuple[int], np.dtype[np.int32]]
Blend = np.ndarray[tuple[int, int], np.dtype[np.int32]]  # [height, 3 · width]
Texels = np.ndarray[tuple[int, int], np.dtype[np.void]]  # [height, width], three bytes each
FORMATS = ("JPEG", "PNG", "WEBP")
# 67 megapixels, 200 MB as RGB: more than any phone's default camera mode.
MAX_PIXELS = 1 << 26
# JPEG's own limit. A picture a pixel wide would cost a decoder more for its rows than for its pixels.
MAX_SIDE = 0xFFFF
DOWNLOAD = "copy or download the image again"
MAX_IMAGE_BYTES = 1 << 28
# OpenCV's and Skia's choice too: 8 bits of pixel and two weights of 11 bits fit 32-bit integers.
WEIGHT_BITS = 11
FULL_WEIGHT = 1 << WEIGHT_BITS


class ImageError(GoldmaskError):
    """A file that cannot be used as an input image."""


def read_image(path: Path) -> bytes:
    """The bytes of an image file, whatever they are. Raises ImageError for what is not a file, or too large for one."""
    try:
        return read_file(path, MAX_IMAGE_BYTES)
    except FileNotFoundError as error:
        raise ImageError(f"there is no image {path}", fix="name an image file") from error
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}", fix="name an image file") from error


def decode(path: Path, orientation: int | None = None, data: bytes | None = None) -> Pixels:
    """The pixels of an image file as uint8 [height, width, 3], RGB, upright.

    `orientation` is an EXIF orientation, 1 to 8, that replaces the file's own; `data` are the file's bytes
    where the caller has read, and maybe hashed, them already. Raises ImageError.
    """
    pixels, own = as_stored(path, data)
    return orient(pixels, orientation or own)


def as_stored(path: Path, data: bytes | None = None) -> tuple[Pixels, int]:
    """The pixels of an image file as they lie in it, and the EXIF orientation that it says. Raises ImageError."""
    data = read_image(path) if data is None else data
    if not data:
        raise ImageError(f"{path} is empty (0 bytes)", fix=DOWNLOAD)
    try:
        return _decode(data)
    except UnsupportedImage as error:
        raise ImageError(f"{path} is {error}", fix="use an RGB JPEG or PNG of up to 65,535 pixels a side") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:  # ours, and what Pillow raises
        raise ImageError(f"{path} is damaged: {error}", fix=DOWNLOAD) from error


def upright_size(path: Path, orientation: int | None = None) -> tuple[int, int]:
    """Width and height of an image file as `decode` turns it, without decoding it. Raises ImageError."""
    data = read_image(path)
    try:
        if data.startswith(bmp.SIGNATURE):
            header = bmp.read_header(data)
            return header.width, header.height
        found = strip(data)
    except (UnsupportedImage, OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise ImageError(f"{path} is damaged: {error}", fix=DOWNLOAD) from error
    turned = (orientation or found.orientation) in (5, 6, 7, 8)
    return (found.height, found.width) if turned else (found.width, found.height)


def strip(data: bytes) -> Stripped:
    """What a decoder is given of a JPEG, PNG or WebP, and the orientation that the rest said.

    Raises DamagedImage or another ValueError for a file that is not whole, UnsupportedImage.
    """
    if data.startswith(jpeg.SIGNATURE):
        stripped = jpeg.strip(data)
    elif data.startswith(png.SIGNATURE):
        header = png.read_header(data)
        _check_size(header.width, header.height)  # before its rows are counted
        stripped = png.strip(data)
    elif webp.is_webp(data):
        stripped = webp.strip(data)
    else:
        raise UnsupportedImage("not a JPEG, PNG, BMP or WebP image")
    _check_size(stripped.width, stripped.height)
    return stripped


def _decode(data: bytes) -> tuple[Pixels, int]:
    """The pixels as they lie in the file, and the orientation that it says."""
    if data.startswith(bmp.SIGNATURE):
        header = bmp.read_header(data)
        _check_size(header.width, header.height)
        return bmp.decode(data, header), UPRIGHT
    stripped = strip(data)
    if data.startswith(jpeg.SIGNATURE) and not jpeg.has_all_blocks(stripped.data):
        raise DamagedImage("rows are missing")
    return _by_pillow(stripped.data), stripped.orientation


def _check_size(width: int, height: int) -> None:
    """Raise UnsupportedImage for more pixels than are decoded, DamagedImage for none."""
    if width < 1 or height < 1:
        raise DamagedImage(f"it claims {width}×{height} pixels")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise UnsupportedImage(
            f"an image of {width}×{height} pixels; the limit is {MAX_PIXELS:,}, and {MAX_SIDE:,} a side"
        )


def _by_pillow(data: bytes) -> Pixels:
    """uint8 [h, w, 3] of a stripped file. Raises OSError, SyntaxError, ValueError or EOFError."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.mode.startswith("I"):  # 16-bit grayscale, as I;16 or widened to I
            gray = (np.asarray(image) >> 8).astype(np.uint8)
            return np.repeat(gray[..., None], 3, axis=2)
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
    above = _gather(texels, top, left) * (FULL_WEIGHT - along)
    above += _gather(texels, top, right) * along
    below = _gather(texels, bottom, left) * (FULL_WEIGHT - along)
    below += _gather(texels, bottom, right) * along
    above *= FULL_WEIGHT - down
    below *= down
    above += below
    above += 1 << (2 * WEIGHT_BITS - 1)
    above >>= 2 * WEIGHT_BITS
    return above.astype(np.uint8).reshape(height, width, 3)


def _taps(source: int, target: int) -> tuple[Indices, Indices, Weights]:
    """For each of `target` outputs: the two source indices and the second one's weight in 1/ONE."""
    centre = ((2 * np.arange(target, dtype=np.int64) + 1) * source * FULL_WEIGHT) // (2 * target) - FULL_WEIGHT // 2
    centre = np.clip(centre, 0, (source - 1) * FULL_WEIGHT)
    first = centre >> WEIGHT_BITS
    second = np.minimum(first + 1, source - 1)
    return first, second, (centre & (FULL_WEIGHT - 1)).astype(np.int32)


def _gather(texels: Texels, rows: Indices, columns: Indices) -> Blend:
    """int32 [len(rows), 3 · len(columns)]: the texels where rows and columns cross."""
    # The axis that leaves less between the two steps first: a panorama of two rows must not become gigabytes.
    if len(rows) * texels.shape[1] <= len(columns) * texels.shape[0]:
        crossed = texels.take(rows, axis=0).take(columns, axis=1)
    else:
        crossed = texels.take(columns, axis=1).take(rows, axis=0)
    return crossed.view(np.uint8).reshape(len(rows), -1).astype(np.int32)
