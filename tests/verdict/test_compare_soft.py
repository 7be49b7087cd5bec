"""Soft masks against a golden: what passes, and each twin that must not."""

import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from bundles import host_bundle
from PIL import Image

from goldmask.contract import mask as masks
from goldmask.contract.bundle import SoftFile, Tap, files_of
from goldmask.contract.errors import ExitCode
from goldmask.contract.soft import SCALE, category, encode_soft
from goldmask.project.config import Gates, Tolerances
from goldmask.report.write import row_of
from goldmask.verdict.compare import Pair, Verdict, compare_case

LABELS = ("background", "person")


def disc(size: int = 48) -> np.ndarray:
    """A soft disc: 1 in the middle, 0 at the rim, and a slope between."""
    y, x = np.mgrid[:size, :size] - size / 2 + 0.5
    return np.clip(1.5 - np.hypot(x, y) / (size / 4), 0, 1).astype(np.float32)


def write(folder: Path, soft: np.ndarray | None, mask: np.ndarray | None = None, threshold: float = 0.5, **of_soft):
    """A bundle of one case; its mask is what the threshold makes of `soft`, but for one that is given."""
    folder.mkdir(parents=True, exist_ok=True)

    def put(name: str, data: bytes) -> str:
        (folder / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    implied, margin = category(disc() if soft is None else soft, threshold)
    mask = implied if mask is None else mask
    fields = {
        "case": "one",
        "image_sha256": "0" * 64,
        "status": "ok",
        "mask": "mask.png",
        "mask_sha256": put("mask.png", masks.encode_mask(mask)),
        "mask_size": mask.shape[::-1],
        "taps": {"margin": Tap(file="margin.png", sha256=put("margin.png", masks.encode_margin(margin)), unit="score")},
    }
    if soft is not None:
        sha256 = put("soft.png", encode_soft(soft))
        fields["soft"] = SoftFile.model_validate(
            {"file": "soft.png", "sha256": sha256, "scale": SCALE, "threshold": threshold} | of_soft
        )
    return host_bundle([fields])


def compared(tmp_path: Path, soft: np.ndarray | None, tolerances: Tolerances = Tolerances(), **of_bundle):
    """`soft` in a bundle against the disc's golden."""
    warnings = of_bundle.pop("warnings", Gates())
    golden = write(tmp_path / "golden", disc())
    bundle = write(tmp_path / "bundle", soft, **of_bundle)
    return compare_case(
        model="selfie", case="one", golden_folder=tmp_path / "golden", golden=golden, folder=tmp_path / "bundle",
        bundle=bundle, labels=LABELS, tolerances=tolerances, warnings=warnings,
    )  # fmt: skip


def row(outcome):
    return outcome.comparison if isinstance(outcome, Pair) else outcome


def nudged(by: float) -> np.ndarray:
    """The disc, off by so much in one pixel far from the threshold."""
    soft = disc()
    soft[24, 24] -= by
    return soft


def test_an_equal_soft_mask_passes(tmp_path):
    comparison = row(compared(tmp_path, disc()))
    assert comparison.verdict is Verdict.PASS and comparison.soft.largest == 0
    assert comparison.reason == "all 2,304 pixels equal; soft masks within 0"


def test_a_step_of_an_8_bit_mask_passes_and_two_fail(tmp_path):
    near = row(compared(tmp_path / "near", nudged(0.9 / 255)))
    assert near.verdict is Verdict.PASS and 0.8 / 255 < near.soft.largest <= 1 / 255
    far = row(compared(tmp_path / "far", nudged(2 / 255)))
    assert (far.verdict, far.exit_code) == (Verdict.FAIL, ExitCode.MASKS_DIFFER)
    assert far.metrics.differing == 0 and far.reason.startswith("largest soft error 0.007843 (at most 0.003922)")


def test_a_flip_at_the_threshold_is_a_tie_and_elsewhere_it_is_confident(tmp_path):
    level = np.full((48, 48), 0.5002, np.float32)
    golden = write(tmp_path / "golden", level)
    for by, verdict, ties in ((0.0004, Verdict.PASS, 1), (0.0032, Verdict.PASS, 1), (0.3, Verdict.FAIL, 1)):
        soft = level.copy()
        soft[3, 3] -= by
        bundle = write(tmp_path / "bundle", soft)
        comparison = row(
            compare_case(
                model="selfie",
                case="one",
                golden_folder=tmp_path / "golden",
                golden=golden,
                folder=tmp_path / "bundle",
                bundle=bundle,
                labels=LABELS,
                tolerances=Tolerances(agreement_min=0.99, window_density_max=1),
            )
        )
        # The margin is the golden's distance from the threshold, whatever the other side's is.
        assert (comparison.verdict, comparison.metrics.tie_flips) == (verdict, ties)


def test_what_breaks_a_warning_of_soft_masks_is_a_warning(tmp_path):
    comparison = row(compared(tmp_path, nudged(0.9 / 255), warnings=Gates(soft_mae_max=0)))
    assert comparison.verdict is Verdict.WARN and comparison.reason.startswith("soft MAE")


WRONG = [
    ("none", None, {}, "the golden has a soft mask, the bundle has none"),
    ("threshold", disc(), {"threshold": 0.4}, "the golden's threshold is 0.5, the bundle's 0.4"),
    ("hash", disc(), {"sha256": "0" * 64}, "soft.png is not what its bundle.json recorded"),
    ("missing", disc(), {"file": "none.png"}, "names none.png, which is missing"),
    ("no soft mask", disc(), {"file": "mask.png"}, "is not what its bundle.json recorded"),
    ("size", disc(40), {"mask": np.zeros((48, 48), np.uint8)}, "has another size than its mask"),
    ("other mask", disc(), {"mask": np.zeros((48, 48), np.uint8)}, "mask mask.png in .* is not what soft.png makes"),
    ("scale", disc(), {"scale": SCALE / 2}, "mask mask.png in .* is not what soft.png makes of it"),
]  # fmt: skip


@pytest.mark.parametrize(("soft", "changes", "reason"), [each[1:] for each in WRONG], ids=[each[0] for each in WRONG])
def test_what_is_no_answer_is_an_error(tmp_path, soft, changes, reason):
    comparison = row(compared(tmp_path, soft, **changes))
    assert comparison.verdict is Verdict.ERROR and comparison.soft is None
    assert re.search(reason, comparison.reason)


def test_a_damaged_soft_mask_of_the_golden_is_the_goldens_fault(tmp_path):
    golden, bundle = write(tmp_path / "golden", disc()), write(tmp_path / "bundle", disc())
    (tmp_path / "golden/soft.png").write_bytes(b"")
    comparison = compare_case(
        model="selfie", case="one", golden_folder=tmp_path / "golden", golden=golden, folder=tmp_path / "bundle",
        bundle=bundle, labels=LABELS, tolerances=Tolerances(),
    )  # fmt: skip
    assert (comparison.verdict, comparison.exit_code) == (Verdict.ERROR, ExitCode.GOLDEN)


def test_a_golden_of_another_size_fails_without_figures(tmp_path):
    comparison = row(compared(tmp_path, disc(40)))
    assert comparison.verdict is Verdict.FAIL and comparison.soft is None and "40×40" in comparison.reason


def test_the_files_of_a_result_name_its_soft_mask(tmp_path):
    assert files_of(write(tmp_path, disc()).results[0]) == ("mask.png", "soft.png", "margin.png")
    assert files_of(write(tmp_path, None).results[0]) == ("mask.png", "margin.png")


def test_a_failures_picture_shows_both_and_where_they_differ(tmp_path):
    soft = disc()
    soft[24, 10:14] = 0.9
    outcome = compared(tmp_path, soft)
    comparison = row_of(outcome, tmp_path / "out")
    with Image.open(io.BytesIO((tmp_path / "out" / comparison.picture).read_bytes())) as image:
        assert image.mode == "P"
        pixels = np.asarray(image.convert("RGB"))
    red = (pixels == (230, 0, 60)).all(axis=-1)
    # Of the three panels only the last has red, of the pixels that flipped, enlarged by five.
    assert red[:, : 2 * pixels.shape[1] // 3].sum() == 0 and red.sum() == int((outcome.confident).sum()) * 25 > 0
