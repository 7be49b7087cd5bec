"""Masks and margin maps: PNGs that are damaged, mended, lie about their size, or are of another kind."""

import hashlib
import json

import numpy as np
import pytest
from conftest import REPO
from containers import rearranged
from fuzzing import fuzz, read_or_refuse
from hypothesis import strategies as st
from mutations import changed
from pngs import png

from goldmask.contract.bundle import load_bundle, margin_of, mask_of
from goldmask.contract.mask import encode_margin, encode_mask, read_mask
from goldmask.contract.soft import SCALE, decode_soft, encode_soft

SAMPLE = json.loads((REPO / "tests/samples/bundle.json").read_bytes())
CLASSES = (np.arange(54, dtype=np.uint8) % 5).reshape(6, 9)
MASK, MARGIN = encode_mask(CLASSES), encode_margin(np.linspace(0, 9, 54, dtype=np.float32).reshape(6, 9))
WIDE = np.arange(54, dtype=np.uint16).reshape(6, 9) * 1200
SOFT = encode_soft(np.linspace(0, 1, 54, dtype=np.float32).reshape(6, 9))
COLOURS = np.repeat(CLASSES[..., None], 3, axis=2)
# Depths that decoders scale, rows that are missing, sizes that take gigabytes, pictures that are no masks.
KINDS = {
    "mask": MASK,
    "margin": MARGIN,
    "4-bit gray": png(CLASSES, 4),
    "2-bit gray with transparency": png(CLASSES % 4, 2, before=((b"tRNS", b"\0\1"),)),
    "1-bit palette": png(CLASSES % 2, 1, 3),
    "interlaced": png(CLASSES, 8, 3, interlaced=True),
    "16-bit gray": png(WIDE, 16),
    "RGB": png(COLOURS, 8, 2),
    "a row": png(CLASSES, 8, 3, pixel_bytes=10),
    "a row more": png(CLASSES, 8, 3, more=bytes(10)),
    "giant": png(CLASSES, 8, 3, claims=(1, 1_000_000)),
    "square": png(CLASSES, 8, 3, claims=(30_000, 30_000)),
}


def either(*seeds: bytes) -> st.SearchStrategy[bytes]:
    """Chunks rearranged for the most part, or bytes changed."""
    pieces = rearranged([("png", data) for data in seeds])
    return st.one_of(pieces, pieces, changed(seeds))


@fuzz(either(*KINDS.values()), examples=300)
def test_masks(data, folder):
    (folder / "mask.png").write_bytes(data)
    mask = read_mask(folder / "mask.png")
    assert mask.dtype in (np.uint8, np.uint16) and mask.ndim == 2 and mask.size


@fuzz(either(KINDS["16-bit gray"], MASK, KINDS["RGB"], KINDS["giant"], SOFT))
def test_soft_masks(data, folder):
    soft = decode_soft(data, folder / "soft.png", SCALE)
    assert soft.dtype == np.float32 and soft.ndim == 2 and 0 <= soft.min() <= soft.max() <= 1


@fuzz(either(MASK, MARGIN, KINDS["16-bit gray"], KINDS["4-bit gray"], KINDS["giant"]))
def test_masks_and_margins_of_a_bundle(data, folder):
    """The hashes are right, for whoever changed the files changed the bundle as well."""
    result = SAMPLE["results"][0] | {"mask": "mask.png", "mask_size": [9, 6]}
    result["mask_sha256"] = hashlib.sha256(data).hexdigest()
    result["taps"] = {"margin": {"file": "mask.png", "sha256": result["mask_sha256"], "unit": "step"}}
    (folder / "mask.png").write_bytes(data)
    (folder / "bundle.json").write_text(json.dumps(SAMPLE | {"results": [result]}), "utf-8")
    (found,) = load_bundle(folder).results
    margins, _ = margin_of(folder, found)
    assert margins.dtype == np.float32 and (margins >= 0).all()
    assert mask_of(folder, found).shape == (6, 9)


@pytest.mark.parametrize("kind", ["mask", "4-bit gray", "interlaced"])
def test_a_file_that_is_cut_is_whole_or_refused(tmp_path, kind):
    """No class is made up, wherever a download ended."""
    data, path = KINDS[kind], tmp_path / "mask.png"

    def same(size: int, _: object) -> None:
        path.write_bytes(data[:size])
        assert (read_mask(path) == CLASSES).all(), f"{size} of {len(data)} bytes are other classes"

    assert read_or_refuse(same, len(data), tmp_path)
    answered = sum(read_or_refuse(same, size, tmp_path) for size in range(len(data)))
    assert answered <= 12, answered  # all or some of the end marker may be missing


def test_no_changed_bit_of_a_mask_changes_a_class_unseen(tmp_path):
    path = tmp_path / "mask.png"
    # A palette has colours for people; of its hundreds of bytes a few are enough.
    colours = range(MASK.index(b"PLTE") + 8, MASK.index(b"IDAT") - 8)

    def same(bit: int, _: object) -> None:
        data = bytearray(MASK)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        assert (read_mask(path) == CLASSES).all(), f"bit {bit % 8} of byte {bit // 8}"

    for bit in range(8 * len(MASK)):
        if bit // 8 not in colours:
            read_or_refuse(same, bit, tmp_path)


def test_the_seeds_are_right_or_refused(tmp_path):
    path = tmp_path / "mask.png"

    def read(data: bytes, _: object) -> None:
        path.write_bytes(data)
        read_mask(path)

    answered = {kind for kind, data in KINDS.items() if read_or_refuse(read, data, tmp_path)}
    small = {"4-bit gray", "2-bit gray with transparency", "1-bit palette"}
    assert answered == {"mask", "margin", "interlaced", "16-bit gray"} | small
