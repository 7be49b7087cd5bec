"""BMP files byte by byte, of all kinds that docs/images.md has, with the pixels that are right."""

import struct
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from goldmask.contract.image import Pixels

WIDTH, HEIGHT = 13, 7
RNG = np.random.default_rng(0)
RGBA = np.clip(
    np.add.outer(np.arange(HEIGHT) * 20, np.arange(WIDTH) * 9)[..., None]
    + np.array([0, 30, 60, 5])
    + RNG.integers(0, 9, (HEIGHT, WIDTH, 4)),
    0,
    255,
).astype(np.uint8)
RGBA[0, :5, 3] = 0  # colours that nobody sees
RGB = RGBA[..., :3]


def bmp(
    rows: list[bytes],
    bits: int,
    *,
    width: int = WIDTH,
    compression: int = 0,
    masks: tuple[int, ...] = (),
    palette: np.ndarray | None = None,
    used: int = 0,
    top_down: bool = False,
    core: bool = False,
    cut: int | None = None,
) -> bytes:
    """A BMP of rows, which are padded where they are not compressed; the last one is the highest if not `top_down`."""
    colours = b"" if palette is None else palette[:, ::-1].tobytes()
    if palette is not None and not core:
        colours = np.insert(palette[:, ::-1], 3, 0, axis=1).tobytes()
    body = b"".join(row if compression in (1, 2) else row + bytes(-len(row) % 4) for row in rows)[:cut]
    height = -HEIGHT if top_down else HEIGHT
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, used, 0)
    if core:
        header = struct.pack("<IHHHH", 12, width, HEIGHT, 1, bits)
    header += struct.pack(f"<{len(masks)}I", *masks) + colours
    return b"BM" + struct.pack("<IHHI", 14 + len(header) + len(body), 0, 0, 14 + len(header)) + header + body


def packed_rows(samples: np.ndarray, bits: int) -> list[bytes]:
    """The rows of indices [h, w], the lowest first."""
    places = np.arange(bits - 1, -1, -1)
    return [np.packbits((row[:, None] >> places & 1).astype(np.uint8).ravel()).tobytes() for row in samples[::-1]]


def bmp_files() -> Iterator[tuple[str, bytes, Pixels]]:
    """Palettes of every depth, run lengths, 16 bits in their layouts, 24 and 32."""
    palette = RNG.integers(0, 256, (256, 3)).astype(np.uint8)
    for bits in (1, 2, 4, 8):
        samples = RGB[..., 0] >> (8 - bits)
        table = palette[: 1 << bits]
        yield f"bmp{bits}", bmp(packed_rows(samples, bits), bits, palette=table), palette[samples]
        yield f"bmp{bits}-core", bmp(packed_rows(samples, bits), bits, palette=table, core=True), palette[samples]
    few = RGB[..., 0] % 3
    ends = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    beyond = np.vstack([ends, np.zeros((1, 3), np.uint8)])
    for bits in (4, 8):  # Pillow takes such a palette for gray
        yield f"bmp{bits}-two-colours", bmp(packed_rows(few, bits), bits, palette=ends, used=2), beyond[few]
    for bits, compression in ((8, 1), (4, 2)):
        samples = np.repeat(RGB[:, ::4, 0], 4, axis=1)[:, :WIDTH] >> (8 - bits)
        table = palette[: 1 << bits]
        runs = [runs_of(row, bits) + b"\0\0" for row in samples[::-1]]
        literals = [literal_of(row, bits) + b"\0\0" for row in samples[::-1]]
        for name, rows in (("rle", runs), ("literal", literals)):
            yield (
                f"bmp{bits}-{name}",
                bmp([*rows, b"\0\1"], bits, compression=compression, palette=table),
                palette[samples],
            )
    for name, masks in (("555", (0x7C00, 0x3E0, 0x1F)), ("565", (0xF800, 0x7E0, 0x1F)), ("444", (0xF00, 0xF0, 0xF))):
        words, right = np.zeros((HEIGHT, WIDTH), np.uint16), np.empty_like(RGB)
        for channel, mask in enumerate(masks):
            most = mask // (mask & -mask)
            values = RGB[..., channel].astype(int) * most // 255
            words |= (values * (mask & -mask)).astype(np.uint16)
            right[..., channel] = np.floor(values * 255 / most + 0.5)
        rows = [row.astype("<u2").tobytes() for row in words[::-1]]
        yield f"bmp16-{name}", bmp(rows, 16, compression=3, masks=masks), right
        if name == "555":
            yield "bmp16", bmp(rows, 16), right
    blue_first = RGB[..., ::-1]
    rows = [row.tobytes() for row in blue_first[::-1]]
    yield "bmp24", bmp(rows, 24), RGB
    yield "bmp24-core", bmp(rows, 24, core=True), RGB
    yield "bmp24-top-down", bmp(rows[::-1], 24, top_down=True), RGB
    rows = [row.tobytes() for row in np.dstack([blue_first, RGBA[..., 3]])[::-1]]
    yield "bmp32", bmp(rows, 32), RGB
    masks = (0xFF, 0xFF00, 0xFF0000)
    yield "bmp32-red-first", bmp([row.tobytes() for row in RGBA[::-1]], 32, compression=3, masks=masks), RGB


def runs_of(row: np.ndarray, bits: int) -> bytes:
    """A row as run lengths."""
    edges = [0, *(np.flatnonzero(np.diff(row)) + 1), len(row)]
    return b"".join(bytes([end - at, row[at] * (17 if bits == 4 else 1)]) for at, end in pairwise(edges))


def literal_of(row: np.ndarray, bits: int) -> bytes:
    """A row as one literal."""
    values = packed_rows(row[None], bits)[0]
    return bytes([0, len(row)]) + values + bytes(len(values) % 2)
