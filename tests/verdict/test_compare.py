"""Metrics of known masks, and for each gate a pair that passes and a twin that fails."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goldmask.contract import mask as masks
from goldmask.contract.bundle import Bundle, ModelInfo, RuntimeInfo, StageHashes, Tap, TargetInfo
from goldmask.contract.errors import ExitCode
from goldmask.project.config import Gates, Tolerances
from goldmask.verdict.compare import Asked, Judged, Pair, Verdict, compare_case, judge
from goldmask.verdict.metrics import measure

LABELS = tuple(f"label{index}" for index in range(6))


def square(size: int = 64) -> np.ndarray:
    """A mask with a square of class 1 and a bar of class 2."""
    mask = np.zeros((size, size), np.uint8)
    mask[16:40, 16:40] = 1
    mask[50:54, :] = 2
    return mask


def firm(mask: np.ndarray, margin: float = 5.0) -> tuple[np.ndarray, str]:
    """A margin map in which every pixel is decided."""
    return np.full(mask.shape, margin, np.float32), "score"


def test_equal_masks_have_perfect_figures():
    metrics = measure(square(), square(), firm(square()), LABELS)
    perfect = (metrics.agreement, metrics.miou, metrics.fwiou, metrics.boundary_f)
    assert perfect == (1, 1, 1, 1) and metrics.densest_window is None
    assert (metrics.confident_flips, metrics.tie_flips, metrics.labels_added, metrics.labels_missing) == (0, 0, (), ())
    assert (
        judge(metrics, Tolerances(miou_min=1, class_iou_min=1, fwiou_min=1, boundary_f_min=1, same_labels=True)) == []
    )


def test_a_shift_within_the_boundary_distance_keeps_boundary_f_but_not_iou():
    shifted = np.roll(square(), 2, axis=1)
    metrics = measure(square(), shifted, None, LABELS, Tolerances(boundary_px=2))
    assert metrics.boundary_f == pytest.approx(1) and metrics.miou < 0.96
    assert measure(square(), np.roll(square(), 4, axis=1), None, LABELS, Tolerances(boundary_px=2)).boundary_f < 0.95


def test_area_and_labels_tell_what_came_and_went():
    actual = square()
    actual[actual == 2] = 3
    actual[16:28, 16:40] = 0
    metrics = measure(square(), actual, None, LABELS)
    assert metrics.labels_added == ("label3",) and metrics.labels_missing == ("label2",)
    assert metrics.area_change["label1"] == -0.5
    assert metrics.area_change["label2"] == -1 and metrics.area_change["label3"] is None


def one_flip(mask: np.ndarray) -> np.ndarray:
    flipped = mask.copy()
    flipped[5, 5] = 1
    return flipped


def half(mask: np.ndarray, value: float, unit: str) -> tuple[np.ndarray, str]:
    return np.full(mask.shape, value, np.float32), unit


@pytest.mark.parametrize(
    ("margin", "confident"),
    [
        (half(square(), 0.0005, "score"), 0),
        (half(square(), 0.002, "score"), 1),
        (half(square(), 2, "step"), 0),
        (half(square(), 3, "step"), 1),
    ],
    ids=["score tie", "score twin", "step tie", "step twin"],
)
def test_a_flip_is_a_tie_by_its_margin_and_unit(margin, confident):
    metrics = measure(square(), one_flip(square()), margin, LABELS)
    assert (metrics.confident_flips, metrics.tie_flips) == (confident, 1 - confident)
    assert bool(judge(metrics, Tolerances())) == bool(confident)


def blocked(mask: np.ndarray, side: int) -> np.ndarray:
    changed = mask.copy()
    changed[2 : 2 + side, 2 : 2 + side] = 4
    return changed


WIDE = Tolerances(confident_flips_max=10**6, agreement_min=0, window_density_max=1)


# For each gate: the mask, a tolerance that the mask just meets, and its twin that it just misses.
@pytest.mark.parametrize(
    ("actual", "meets", "misses", "clause"),
    [
        (one_flip(square()), {"confident_flips_max": 1}, {"confident_flips_max": 0}, "1 confident flip (at most 0)"),
        (one_flip(square()), {"agreement_min": 1 - 1 / 4096}, {"agreement_min": 1 - 0.9 / 4096}, "agreement"),
        (blocked(square(), 8), {"window_density_max": 0.16}, {"window_density_max": 0.159}, "20×20 window"),
        (blocked(square(), 2), {"miou_min": 0.7}, {"miou_min": 0.8}, "mIoU"),
        (one_flip(square()), {"class_iou_min": 0.99}, {"class_iou_min": 0.999}, "IoU of label1"),
        (blocked(square(), 8), {"fwiou_min": 0.98}, {"fwiou_min": 0.99}, "frequency-weighted IoU"),
        (blocked(square(), 8), {"boundary_f_min": 0.6}, {"boundary_f_min": 0.8}, "boundary F"),
        (
            np.where(square() == 1, 0, square()).astype(np.uint8),
            {"area_change_max": 1},
            {"area_change_max": 0.9},
            "its area",
        ),
        (one_flip(square()), {"same_labels": True}, None, ""),
        (blocked(square(), 2), {"same_labels": False}, {"same_labels": True}, "other classes than the golden"),
    ],
    ids=["confident", "agreement", "window", "miou", "class iou", "fwiou", "boundary", "area", "same", "labels"],
)
def test_every_gate_has_a_twin_that_fails(actual, meets, misses, clause):
    metrics = measure(square(), actual, firm(square()), LABELS)
    assert judge(metrics, WIDE.model_copy(update=meets)) == []
    if misses:
        broken = judge(metrics, WIDE.model_copy(update=misses))
        assert broken and all(clause in reason for reason in broken), broken


RUNTIME = {"name": "LiteRT", "version": "1", "delegate": "cpu", "threads": 1}


def write_bundle(folder: Path, picture: np.ndarray, margin: np.ndarray | None = None, **changes) -> Bundle:
    """A one-case bundle in `folder`; `changes` replace fields of its result, and of what ran."""

    def put(name: str, data: bytes) -> str:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    digest = put("masks/one.png", masks.encode_mask(picture))
    fields = {"case": "one", "image_sha256": "a" * 64, "status": "ok"}
    if "error" not in changes:
        fields |= {"mask": "masks/one.png", "mask_sha256": digest, "mask_size": picture.shape[::-1]}
    if margin is not None:
        digest = put("taps/one.png", masks.encode_margin(margin))
        fields["taps"] = {"margin": Tap(file="taps/one.png", sha256=digest, unit="score")}
    return Bundle(
        schema=1,
        target=TargetInfo(name="python", kind="host", platform="linux", abi="x86_64", os="linux"),
        pipeline="lib_interpreter",
        runtime=RuntimeInfo.model_validate(RUNTIME | changes.pop("runtime", {})),
        model=ModelInfo(name="model", sha256=changes.pop("model_sha256", "b" * 64)),
        started_at="2026-01-01T00:00:00+00:00",
        results=(fields | changes,),
    )


def compared(tmp_path: Path, picture: np.ndarray, **changes):
    """`picture` as a bundle against the square's golden."""
    golden = write_bundle(
        tmp_path / "golden", square(), firm(square())[0], stages=StageHashes(decoded="d" * 64, tensor="e" * 64)
    )
    bundle = write_bundle(tmp_path / "bundle", picture, **changes)
    return compare_case(
        model="model", case="one", golden_folder=tmp_path / "golden", golden=golden, folder=tmp_path / "bundle",
        bundle=bundle, labels=LABELS, tolerances=Tolerances(),
    )  # fmt: skip


def test_an_equal_mask_passes(tmp_path):
    pair = compared(tmp_path, square())
    assert (pair.comparison.verdict, pair.comparison.exit_code) == (Verdict.PASS, ExitCode.OK)
    assert pair.comparison.reason == "all 4,096 pixels equal"


def other_bytes(picture: np.ndarray) -> bytes:
    """A mask's PNG as another program would write it."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG", compress_level=9)
    return stream.getvalue()


def test_equal_bytes_and_equal_pixels_make_the_same_row(tmp_path):
    same = compared(tmp_path / "same", square())
    data = other_bytes(square())
    (tmp_path / "other/bundle/masks").mkdir(parents=True)
    (tmp_path / "other/bundle/masks/other.png").write_bytes(data)
    other = compared(
        tmp_path / "other", square(), mask="masks/other.png", mask_sha256=hashlib.sha256(data).hexdigest()
    )  # fmt: skip
    assert data != masks.encode_mask(square()) and same.comparison == other.comparison
    assert same.comparison.metrics == measure(square(), square(), firm(square()), LABELS)


def test_the_hash_of_the_golden_does_not_make_another_mask_equal(tmp_path):
    digest = hashlib.sha256(masks.encode_mask(square())).hexdigest()
    comparison = compared(tmp_path, one_flip(square()), mask_sha256=digest)
    assert (comparison.verdict, comparison.exit_code) == (Verdict.ERROR, ExitCode.RUN)
    assert "is not what its bundle.json recorded" in comparison.reason


@pytest.mark.parametrize("picture", [square(), one_flip(square())], ids=["equal", "different"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data + b"0", "is not what its bundle.json recorded"),
        (lambda _: masks.encode_margin(np.ones((63, 64), np.float32)), "has another size than its mask"),
    ],
    ids=["changed", "smaller"],
)
def test_a_damaged_margin_map_is_an_error_whatever_the_mask(tmp_path, picture, damage, reason):
    golden = write_bundle(tmp_path / "golden", square(), firm(square())[0])
    path = tmp_path / "golden/taps/one.png"
    path.write_bytes(damage(path.read_bytes()))
    if "size" in reason:  # as its bundle says
        tap = Tap(file="taps/one.png", sha256=hashlib.sha256(path.read_bytes()).hexdigest(), unit="score")
        result = golden.results[0].model_copy(update={"taps": {"margin": tap}})
        golden = golden.model_copy(update={"results": (result,)})
    comparison = compare_case(
        model="model", case="one", golden_folder=tmp_path / "golden", golden=golden, folder=tmp_path / "bundle",
        bundle=write_bundle(tmp_path / "bundle", picture), labels=LABELS, tolerances=Tolerances(),
    )  # fmt: skip
    assert (comparison.verdict, comparison.exit_code) == (Verdict.ERROR, ExitCode.GOLDEN)
    assert reason in comparison.reason


def test_a_row_says_who_decoded_the_image(tmp_path):
    own, handed = compared(tmp_path, square()), compared(tmp_path, square(), decoded_by="host")
    assert (own.comparison.decoded_by, handed.comparison.decoded_by) == ("target", "host")
    assert handed.comparison.reason == "all 4,096 pixels equal (decoded by the host)"
    missing = compared(tmp_path, square(), mask="masks/gone.png", decoded_by="host")
    assert missing.decoded_by is None


SWAPPED = np.array([0, 2, 1], np.uint8)[square()]


# STYLE of a comparison test: each of these differs from the golden in one known way, and must not pass.
@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (one_flip(square()), "1 confident flip (at most 0)"),
        (SWAPPED, "confident flips"),
        (np.roll(square(), 1, axis=0), "confident flips"),
        (np.rot90(square()).copy(), "confident flips"),
        (np.zeros_like(square()), "confident flips"),
        (square(63), "the mask is 63×63, the golden 64×64"),
        (square(128)[:64, :].copy(), "the mask is 128×64"),
        (np.where(square() == 2, 6, square()).astype(np.uint8), "class 6, the model's highest is 5"),
        (np.where(square() == 2, 255, square()).astype(np.uint8), "ignore = 255 in model.toml"),
    ],
    ids=[
        "one pixel",
        "labels swapped",
        "shifted a row",
        "rotated",
        "empty",
        "smaller",
        "wider",
        "unknown class",
        "ignored",
    ],
)
def test_every_wrong_mask_fails(tmp_path, mask, reason):
    outcome = compared(tmp_path, mask)
    comparison = outcome.comparison if isinstance(outcome, Pair) else outcome
    assert (comparison.verdict, comparison.exit_code) == (Verdict.FAIL, ExitCode.MASKS_DIFFER)
    assert reason in comparison.reason


def test_a_missing_result_is_an_error(tmp_path):
    golden = write_bundle(tmp_path / "golden", square())
    bundle = write_bundle(tmp_path / "bundle", square()).model_copy(update={"results": ()})
    arguments = {
        "model": "m",
        "golden_folder": tmp_path / "golden",
        "folder": tmp_path / "bundle",
        "labels": LABELS,
        "tolerances": Tolerances(),
    }
    comparison = compare_case(case="one", golden=golden, bundle=bundle, **arguments)
    assert (comparison.verdict, comparison.exit_code) == (Verdict.ERROR, ExitCode.RUN)
    comparison = compare_case(case="one", golden=bundle, bundle=golden, **arguments)
    assert (comparison.verdict, comparison.exit_code) == (Verdict.ERROR, ExitCode.GOLDEN)


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"status": "error", "error": {"stage": "init", "message": "no delegate"}}, ExitCode.RUN, "init: no delegate"),
        ({"image_sha256": "c" * 64}, ExitCode.GOLDEN, f"the golden is of image {'a' * 64}, the bundle of {'c' * 64}"),
        ({"mask": "masks/gone.png"}, ExitCode.RUN, "names masks/gone.png, which is missing"),
        ({"mask_sha256": "c" * 64}, ExitCode.RUN, "is not what its bundle.json recorded"),
        ({"mask_size": (65, 64)}, ExitCode.RUN, "its bundle says 65×64"),
    ],
    ids=["app error", "image", "missing mask", "changed mask", "claimed size"],
)
def test_what_cannot_be_judged_is_an_error(tmp_path, changes, code, reason):
    comparison = compared(tmp_path, square(), **changes)
    assert (comparison.verdict, comparison.exit_code) == (Verdict.ERROR, code)
    assert reason in comparison.reason


def test_a_link_out_of_the_bundle_is_refused(tmp_path):
    (tmp_path / "secret.png").write_bytes(masks.encode_mask(square()))
    (tmp_path / "bundle/masks").mkdir(parents=True)
    (tmp_path / "bundle/masks/link.png").symlink_to(tmp_path / "secret.png")
    comparison = compared(tmp_path, square(), mask="masks/link.png")
    assert comparison.verdict is Verdict.ERROR and "is a symbolic link" in comparison.reason


@pytest.mark.parametrize(
    ("stages", "first", "words"),
    [
        (StageHashes(decoded="0" * 64, tensor="0" * 64), "decoded", "first difference: decoded pixels"),
        (StageHashes(decoded="d" * 64, tensor="0" * 64), "tensor", "first difference: input tensor"),
        (StageHashes(decoded="d" * 64, tensor="e" * 64), None, "made by inference or after it"),
        (StageHashes(), None, "at most 0"),
    ],
    ids=["decoded", "tensor", "inference", "unknown"],
)
def test_a_failure_names_the_first_stage_that_differs(tmp_path, stages, first, words):
    comparison = compared(tmp_path, one_flip(square()), stages=stages).comparison
    assert comparison.stages.first_difference == first and words in comparison.reason


def judged(tmp_path, expected: np.ndarray, actual: np.ndarray, tolerances: Tolerances, **more: object) -> Judged:
    """A comparison without a margin map."""
    outcome = compare_case(
        model="model",
        case="one",
        golden_folder=tmp_path / "golden",
        golden=write_bundle(tmp_path / "golden", expected),
        folder=tmp_path / "bundle",
        bundle=write_bundle(tmp_path / "bundle", actual),
        labels=LABELS,
        tolerances=tolerances,
        **more,
    )
    return outcome.comparison


BIG = np.zeros((1024, 1024), np.uint8)
BIG[:8] = 1
SOME = BIG.copy()
SOME[100::64, ::64] = 1


def test_without_a_margin_map_nothing_is_excused(tmp_path):
    row = judged(tmp_path, BIG, SOME, Tolerances())
    assert row.verdict is Verdict.FAIL and row.exit_code is ExitCode.MASKS_DIFFER
    assert "240 pixels differ and no margin map excuses them (at most 0)" in row.reason
    allowed = judged(tmp_path, BIG, SOME, Tolerances(confident_flips_max=240))
    assert allowed.verdict is Verdict.PASS and allowed.metrics.confident_flips is None
    blocks = judged(tmp_path, BIG, blocked(BIG, 20), Tolerances(confident_flips_max=1000))
    assert blocks.verdict is Verdict.FAIL  # 0.04 % of the pixels: agreement alone would pass it


@pytest.mark.parametrize("swap", [False, True])
def test_without_a_margin_map_a_class_that_appears_or_vanishes_fails(tmp_path, swap):
    one = BIG.copy()
    one[500, 500] = 2
    before, after = (one, BIG) if swap else (BIG, one)
    row = judged(tmp_path, before, after, Tolerances(confident_flips_max=10))
    assert row.verdict is Verdict.FAIL and "other classes than the golden" in row.reason
    allowed = Tolerances(confident_flips_max=10, class_change="allow")
    assert judged(tmp_path, before, after, allowed).verdict is Verdict.PASS


def test_what_breaks_only_a_warning_is_a_warning(tmp_path):
    lenient = Tolerances(confident_flips_max=1000)
    row = judged(tmp_path, BIG, SOME, lenient, warnings=Gates(agreement_min=0.9999))
    assert row.verdict is Verdict.WARN and row.exit_code is ExitCode.OK
    assert row.reason.startswith("agreement 99.9771% (at least 99.99%); ")
    assert judged(tmp_path, BIG, SOME, lenient, warnings=Gates(agreement_min=0.999)).verdict is Verdict.PASS
    assert judged(tmp_path, BIG, SOME, Tolerances(), warnings=Gates(agreement_min=1)).verdict is Verdict.FAIL


def test_a_delegate_that_was_asked_for_has_to_have_run(tmp_path):
    asked = {"asked": Asked(delegate="xnnpack", threads=4)}
    row = judged(tmp_path, BIG, BIG, Tolerances(), **asked)
    assert row.verdict is Verdict.FAIL and row.exit_code is ExitCode.RUN
    assert row.reason.startswith("the delegate xnnpack was asked for and cpu ran; all 1,048,576 pixels equal")
    assert (row.delegate.asked, row.delegate.ran, row.threads.asked, row.threads.ran) == ("xnnpack", "cpu", 4, 1)
    allowed = judged(tmp_path, BIG, BIG, Tolerances(same_delegate=False), **asked)
    assert allowed.verdict is Verdict.PASS
    gated = judged(tmp_path, BIG, BIG, Tolerances(same_delegate=False, same_threads=True), **asked)
    assert gated.verdict is Verdict.FAIL and "4 threads were asked for and 1 ran" in gated.reason
    warned = judged(tmp_path, BIG, BIG, Tolerances(same_delegate=False), warnings=Gates(same_threads=True), **asked)
    assert warned.verdict is Verdict.WARN
    assert judged(tmp_path, BIG, BIG, Tolerances()).verdict is Verdict.PASS  # nothing was asked for


def xnnpack(delegated: int, of: int = 70) -> dict:
    """What ran, where XNNPACK took some of a graph."""
    return {"delegate": "xnnpack", "nodes": {"delegated": delegated, "of": of}}


def ran(tmp_path: Path, runtime: dict, golden: dict, picture: np.ndarray = BIG) -> Judged:
    """A mask of one runtime against the golden of another."""
    was = write_bundle(tmp_path / "golden", BIG, runtime=golden)
    now = write_bundle(tmp_path / "bundle", picture, runtime=runtime)
    outcome = compare_case(
        model="model", case="one", golden_folder=tmp_path / "golden", golden=was, folder=tmp_path / "bundle",
        bundle=now, labels=LABELS, tolerances=Tolerances(),
    )  # fmt: skip
    return outcome.comparison


def test_a_delegate_that_took_some_of_the_graph_is_told(tmp_path):
    row = ran(tmp_path, xnnpack(57), xnnpack(70))
    assert row.verdict is Verdict.PASS and row.reason == "all 1,048,576 pixels equal; xnnpack took 57 of 70 nodes"
    assert row.delegate.model_dump() == {"asked": None, "ran": "xnnpack", "nodes": {"delegated": 57, "of": 70}}
    assert (row.runtime, row.golden_runtime) == (
        "LiteRT 1, xnnpack (57 of 70 nodes), 1 threads",
        "LiteRT 1, xnnpack, 1 threads",
    )
    failed = ran(tmp_path, xnnpack(57), xnnpack(70), SOME)
    assert failed.verdict is Verdict.FAIL and failed.reason.endswith("; xnnpack took 57 of 70 nodes")


def test_a_delegate_that_took_all_or_does_not_tell_needs_no_words(tmp_path):
    whole = ran(tmp_path, xnnpack(70), {"delegate": "xnnpack"})
    assert whole.reason == "all 1,048,576 pixels equal" and whole.delegate.nodes.delegated == 70
    silent = ran(tmp_path, {"delegate": "xnnpack"}, xnnpack(70))
    assert silent.reason == "all 1,048,576 pixels equal" and silent.delegate.nodes is None


def test_another_delegate_than_the_goldens_is_told(tmp_path):
    row = ran(tmp_path, {"nodes": {"delegated": 0, "of": 70}}, xnnpack(70))
    assert row.reason == "all 1,048,576 pixels equal; the golden was recorded with xnnpack"
    assert row.delegate.ran == "cpu" and row.runtime == "LiteRT 1, cpu, 1 threads"
    failed = ran(tmp_path, xnnpack(1), {}, SOME)
    assert failed.reason.endswith("; xnnpack took 1 of 70 nodes; the golden was recorded with cpu")
