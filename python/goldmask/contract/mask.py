"""Category masks and margin maps: what they mean, and the PNG files they live in."""

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from . import png
from .errors import RunError
from .files import read_file

# [h, w]: a class index per pixel; the margin of each pixel.
# Of 16 bits where a model has more than 256 classes.
Mask = np.ndarray[tuple[int, int], np.dtype[np.uint8 | np.uint16]]
Margins = np.ndarray[tuple[int, int], np.dtype[np.float32]]
# [h, w, classes]: floats, or the integers of a quantised output.
Scores = np.ndarray[tuple[int, int, int], np.dtype[np.float32 | np.float16 | np.uint8 | np.int8 | np.int16]]
# Classes of an 8-bit mask, and of a 16-bit one.
MAX_CLASSES = 256
MAX_LABELS = 1 << 16
MAX_MASK_PIXELS = 1 << 26
MAX_MASK_BYTES = 1 << 26
MAX_MASK_SIDE = 1 << 20
COLOURS = {png.GRAY: "gray", 2: "RGB", png.PALETTE: "palette", 4: "gray and alpha", 6: "RGBA"}
# A margin's code is the exponent and the two highest mantissa bits of its float32, counted from 2^-24: four codes an
# octave, whole numbers up to 8 exactly. Code 0 is an exact tie.
MARGIN_SHIFT = 21
MARGIN_BASE = ((127 - 24) << 2) - 1
FIX = "run the target again"


def palette(classes: int = MAX_CLASSES) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """uint8 [classes, 3]: PASCAL VOC's colour map, in which each class takes its colour from the bits of its index."""
    index = np.arange(classes)
    colours = np.zeros((classes, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((index >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return colours


PALETTE = palette()


def encode_mask(mask: Mask) -> bytes:
    """A class-index mask as an 8-bit palette PNG: people see colours, programs see classes.

    One of uint16 is a 16-bit grayscale PNG, as palettes end at 256.
    """
    image = Image.fromarray(mask)
    if mask.dtype == np.uint8:
        image.putpalette(PALETTE.tobytes())
    return _png(image)


def encode_margin(margin: Margins) -> bytes:
    """A margin map, float [h, w] ≥ 0, as an 8-bit grayscale PNG of logarithmic codes: dark is fragile."""
    bits = np.ascontiguousarray(margin, np.float32).view(np.int32)
    codes = np.clip((bits >> MARGIN_SHIFT) - MARGIN_BASE, 1, 255).astype(np.uint8)
    codes[margin == 0] = 0
    return _png(Image.fromarray(codes))


def read_mask(path: Path) -> Mask:
    """The class indices [h, w], uint8 or uint16, of a mask PNG from anywhere. Raises RunError for anything else."""
    try:
        return decode_mask(read_file(path, MAX_MASK_BYTES), path)
    except OSError as error:
        raise RunError(f"mask {path} cannot be read: {error.strerror}", fix=FIX) from error


def mask_size(data: bytes, path: Path) -> tuple[int, int]:
    """Width and height that a mask's header claims; nothing is decoded. Raises RunError."""
    header = _header(data, path)
    return header.width, header.height


def decode_mask(data: bytes, path: Path) -> Mask:
    """The class indices [h, w], uint8 or uint16, that a mask PNG stores, whatever its depth. Raises RunError.

    `path` is for the error's sentence.
    """
    return _samples(data, path, (png.GRAY, png.PALETTE), "class indices", "write an 8-bit palette PNG", depth=16)


def decode_margin(data: bytes, path: Path) -> Margins:
    """The lower bound of each pixel's margin, float32 [h, w], from the bytes of a margin PNG. Raises RunError."""
    codes = _samples(data, path, (png.GRAY,), "the codes of a margin map", "record it again", depth=8)
    levels = ((np.arange(256, dtype=np.int32) + MARGIN_BASE) << MARGIN_SHIFT).view(np.float32)
    levels[0] = 0
    return levels[codes]


def top_two_margin(scores: Scores) -> tuple[Mask, Margins]:
    """The winning class and top-1 minus top-2 score, of `scores` [h, w, classes] in any order in memory.

    The lowest index wins a tie, as in TFLite's ARG_MAX and Android's usual loop. Raises ValueError when a
    score is NaN, because then no class wins.
    """
    # int8, uint8 and int16 steps are exact in float32.
    planes = np.ascontiguousarray(np.moveaxis(scores, -1, 0)).astype(np.float32, copy=False)
    # A running top two over class planes: several times faster than sorting short rows.
    best, second = planes[0].copy(), np.full(planes.shape[1:], -np.inf, np.float32)
    winner: Mask = np.zeros(best.shape, np.uint8 if len(planes) <= MAX_CLASSES else np.uint16)
    for index, plane in enumerate(planes[1:], start=1):
        wins = plane > best
        np.maximum(second, np.minimum(best, plane), out=second)
        np.maximum(best, plane, out=best)
        winner[wins] = index
    if np.isnan(best).any():  # np.maximum hands NaN on, so one look at the end sees them all
        raise ValueError("the output has NaN scores")
    return winner, best - second


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    # Run lengths suit flat classes and quarter-octave margins: as small as zlib's default here, in a third of the time.
    image.save(stream, "PNG", compress_type=zlib.Z_RLE)
    return stream.getvalue()


def _header(data: bytes, path: Path) -> png.Header:
    """The header of a PNG from outside, its size bounded before a pixel is decoded."""
    try:
        header = png.read_header(data)
    except png.NotPng as error:
        raise RunError(f"mask {path} is not a PNG", fix=FIX) from error
    except png.DamagedPng as error:
        raise RunError(f"mask {path} is damaged: {error}", fix=FIX) from error
    if header.width * header.height > MAX_MASK_PIXELS or max(header.width, header.height) > MAX_MASK_SIDE:
        raise RunError(f"mask {path} claims {header.width}×{header.height} pixels", fix=FIX)
    return header


def _samples(data: bytes, path: Path, colours: tuple[int, ...], what: str, fix: str, depth: int) -> Mask:
    """[h, w]: the samples as they are stored, neither scaled nor looked up in a palette; uint16 of 16 bits."""
    header = _header(data, path)
    if header.colour not in colours or header.depth > depth:
        kind = f"{header.depth}-bit {COLOURS[header.colour]}"
        raise RunError(f"mask {path} is a {kind} picture, not {what}", fix=fix)
    try:
        stream = bytearray()
        for piece in png.scanlines(data, header):
            stream += piece
        if header.depth >= 8 and not header.interlaced:
            rows = np.frombuffer(stream, np.uint8).reshape(header.height, 1 + header.stride)
            if not rows[:, 0].any():  # no row is filtered, as in the masks that goldmask writes
                samples = np.ascontiguousarray(rows[:, 1:])
                return samples if header.depth == 8 else samples.view(">u2").astype(np.uint16)
        return _unfiltered(data, header)
    except (png.DamagedPng, OSError, SyntaxError, ValueError) as error:
        raise RunError(f"mask {path} is damaged: {error}", fix=FIX) from error


def _unfiltered(data: bytes, header: png.Header) -> Mask:
    """What Pillow reads of the chunks that hold pixels; of the others, such as transparency, it knows nothing."""
    held = [png.chunk(kind, body) for kind, body in png.chunks(data) if kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND")]
    with Image.open(io.BytesIO(png.SIGNATURE + b"".join(held)), formats=("PNG",)) as image:
        samples: Mask = np.array(image, np.uint8 if header.depth <= 8 else np.uint16)
    # Pillow scales 2- and 4-bit gray up to 255; 1-bit gray it reads as bool, and palettes as they are.
    scaled = header.colour == png.GRAY and header.depth in (2, 4)
    return samples // (255 // ((1 << header.depth) - 1)) if scaled else samples
