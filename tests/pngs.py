"""PNG files sample by sample, of every depth and damage that libraries do not write."""

import zlib

import numpy as np

from goldmask.contract.png import CHANNELS, HEADER, PALETTE, PASSES, SIGNATURE, chunk

COLOURS = bytes(range(256)) * 3


def png(
    samples: np.ndarray,
    depth: int = 8,
    colour: int = 0,
    *,
    interlaced: bool = False,
    pixel_bytes: int | None = None,
    more: bytes = b"",
    claims: tuple[int, int] | None = None,
    before: tuple[tuple[bytes, bytes], ...] = (),
    clear: bytes = b"",
    after: tuple[tuple[bytes, bytes], ...] = (),
    spoilt: bytes = b"",
    end: bool = True,
) -> bytes:
    """A PNG of `samples` [h, w] or [h, w, channels], unfiltered.

    `pixel_bytes` cuts the rows before they are compressed, `more` follows them. IHDR says `claims`, a width and a
    height. `before` and `after` are chunks around the pixels, `clear` is transparency, `spoilt` is a chunk whose
    checksum is wrong, `end` is IEND.
    """
    samples = samples.reshape(*samples.shape[:2], CHANNELS[colour])
    height, width = samples.shape[:2]
    rows = packed(samples, depth, interlaced)[:pixel_bytes] + more
    header = HEADER.pack(*(claims or (width, height)), depth, colour, 0, 0, interlaced)
    held = [(b"IHDR", header), *before]
    if colour == PALETTE:
        held.append((b"PLTE", COLOURS[: 3 << depth]))
    if clear:
        held.append((b"tRNS", clear))
    held += [(b"IDAT", zlib.compress(rows, 9)), *after]
    if end:
        held.append((b"IEND", b""))
    written = (chunk(kind, body)[:-1] + b"?" if kind == spoilt else chunk(kind, body) for kind, body in held)
    return SIGNATURE + b"".join(written)


def packed(samples: np.ndarray, depth: int = 8, interlaced: bool = False) -> bytes:
    """The rows of a picture, or of its seven passes, with a filter byte of 0 each."""
    if interlaced:
        parts = [samples[top::down, left::across] for left, top, across, down in PASSES]
        return b"".join(packed(part, depth) for part in parts if part.size)
    rows = samples.reshape(samples.shape[0], -1)
    if depth == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
    return b"".join(b"\0" + np.packbits(row).tobytes() for row in bits)
