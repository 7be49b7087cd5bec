"""Pixels that nothing is said of: by their value, by a mask and by polygons; and what never hides behind them."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundles import host_bundle
from PIL import Image, ImageDraw

from goldmask.contract.bundle import Predicted, load_bundle, save
from goldmask.contract.errors import ExitCode
from goldmask.contract.mask import encode_mask
from goldmask.project.config import Tolerances
from goldmask.project.ignored import NOTHING, Ignored
from goldmask.report.pictures import side_by_side
from goldmask.verdict.compare import NotJudged, Pair, Verdict, compare_case
from goldmask.verdict.metrics import boundary_counts, measure, measure_equal, truth_scores

LABELS = ("ground", "square", "line")
UNSAID = 255


def square(value: int = 1) -> np.ndarray:
    mask = np.zeros((24, 32), np.uint8)
    mask[6:18, 8:20] = value
    return mask


def test_nothing_is_ignored_where_nothing_is_said():
    assert NOTHING.pixels(square()) is None
    assert Ignored(value=UNSAID).pixels(square()) is None


def test_a_value_is_ignored_where_the_golden_has_it(tmp_path):
    mask = square()
    mask[:3] = UNSAID
    assert Ignored(value=UNSAID).pixels(mask).sum() == 3 * 32


def test_a_mask_of_another_size_is_sampled_at_the_pixels_centres(tmp_path):
    region = np.zeros((48, 64), np.uint8)
    region[:24] = 7
    (tmp_path / "r.png").write_bytes(encode_mask(region))
    found = Ignored(mask=tmp_path / "r.png").pixels(square())
    assert found[:12].all() and not found[12:].any()


def test_polygons_are_what_pillow_draws():
    points = ((3.0, 2.0), (20.0, 4.0), (9.0, 21.0))
    canvas = Image.new("L", (32, 24))
    ImageDraw.Draw(canvas).polygon(points, fill=1, outline=1)
    found = Ignored(polygons=(points,), size=(32, 24)).pixels(square())
    assert (found == (np.asarray(canvas) == 1)).all() and found.any()
    halved = Ignored(polygons=(tuple((2 * x, 2 * y) for x, y in points),), size=(64, 48)).pixels(square())
    assert np.count_nonzero(halved != found) < 0.1 * found.sum() + 24


def test_what_is_ignored_is_in_no_figure():
    """All metrics are those of what is left: here of the lower half, cut out."""
    rng = np.random.default_rng(1)
    expected, actual = (rng.integers(0, 3, (40, 30)).astype(np.uint8) for _ in range(2))
    margins = rng.random((40, 30)).astype(np.float32)
    ignored = np.zeros((40, 30), bool)
    ignored[:20] = True
    found = measure(expected, actual, (margins, "score"), LABELS, Tolerances(tie_margin_score=0.5), ignored)
    half = (margins[20:], "score")
    wanted = measure(expected[20:], actual[20:], half, LABELS, Tolerances(tie_margin_score=0.5))
    assert found.ignored == 600
    placed = {"densest_window": None, "ignored": 0}
    assert found.model_copy(update=placed) == wanted.model_copy(update=placed)
    assert found.densest_window.differing == wanted.densest_window.differing


def test_nothing_ends_at_an_ignored_pixel():
    mask = square()
    ignored = np.zeros(mask.shape, bool)
    ignored[:, :10] = True
    whole, cut = (boundary_counts(mask, mask, [1], 2, each)[0] for each in (None, ignored))
    assert whole[0] == 44 and cut[0] == 10 + 10 + 10
    assert measure_equal(np.full((4, 4), 1, np.uint8), LABELS, has_margins=True, ignored=ignored[:4, 8:12]).pixels == 8


def test_a_truth_says_nothing_of_some_pixels():
    truth, right, wrong = square(), square(), square()
    truth[12:] = UNSAID
    wrong[12:] = 2
    scores = truth_scores(truth, right, wrong, UNSAID)
    assert (scores.miou, scores.golden_miou) == (1.0, 1.0)
    counted = truth_scores(np.where(truth == UNSAID, 0, truth).astype(np.uint8), right, wrong)
    assert counted.miou < 1
    assert truth_scores(np.full_like(truth, UNSAID), right, wrong, UNSAID) is None


def judged(bundles, expected: np.ndarray, actual: np.ndarray, ignore: Ignored, truth: Path | None = None):
    golden, bundle = bundles(expected, "golden"), bundles(actual, "bundle")
    return compare_case(
        model="m",
        case="flag",
        golden_folder=golden,
        golden=load_bundle(golden),
        folder=bundle,
        bundle=load_bundle(bundle),
        labels=LABELS,
        tolerances=Tolerances(),
        ignore=ignore,
        truth=truth,
    )


@pytest.fixture
def bundles(tmp_path):
    """Writes a mask as the bundle of a class map, without margins; returns its folder."""

    def write(mask: np.ndarray, name: str) -> Path:
        folder, data = tmp_path / name, encode_mask(mask)
        (folder / "masks").mkdir(parents=True, exist_ok=True)
        (folder / "masks/flag.png").write_bytes(data)
        result = Predicted(
            case="flag",
            image_sha256="0" * 64,
            status="ok",
            mask="masks/flag.png",
            mask_sha256=hashlib.sha256(data).hexdigest(),
            mask_size=mask.shape[::-1],
        )
        bundle = host_bundle([result])
        save(bundle, folder / "bundle.json")
        return folder

    return write


def test_a_class_map_with_ignored_pixels_passes_and_the_row_says_how_many(bundles):
    expected, actual = square(), square()
    expected[:3], actual[:3] = UNSAID, 2
    outcome = judged(bundles, expected, actual, Ignored(value=UNSAID))
    assert outcome.comparison.verdict is Verdict.PASS
    assert outcome.comparison.reason == "all 672 pixels equal; 96 more are ignored"
    assert (outcome.comparison.metrics.pixels, outcome.comparison.metrics.ignored) == (672, 96)
    assert not outcome.confident.any()


def test_its_twin_one_pixel_beside_them_fails(bundles):
    expected, actual = square(), square()
    expected[:3], actual[:3], actual[3, 0] = UNSAID, 2, 2
    row = judged(bundles, expected, actual, Ignored(value=UNSAID)).comparison
    assert row.verdict is Verdict.FAIL and row.metrics.differing == 1
    row = judged(bundles, expected, actual, NOTHING).comparison
    assert row.verdict is Verdict.FAIL and "ignore = 255 in model.toml" in row.reason


def test_a_mask_that_says_nothing_where_the_golden_has_a_class_fails(bundles):
    actual = square()
    actual[6:18, 8:20] = UNSAID
    row = judged(bundles, square(), actual, Ignored(value=UNSAID)).comparison
    assert row.verdict is Verdict.FAIL and row.metrics.differing == 144
    assert row.metrics.labels_added == ("ignored (255)",) and row.metrics.labels_missing == ("square",)


def test_where_all_is_ignored_nothing_was_compared(bundles):
    row = judged(bundles, np.full_like(square(), UNSAID), square(), Ignored(value=UNSAID))
    assert isinstance(row, NotJudged) and row.exit_code is ExitCode.ENVIRONMENT
    assert row.reason == "every pixel is ignored, so nothing was compared"


def test_a_region_hides_what_is_within_it_and_nothing_else(bundles):
    actual = square()
    actual[0:5, 0:5] = 2
    region = Ignored(polygons=(((0.0, 0.0), (5.0, 0.0), (5.0, 5.0), (0.0, 5.0)),), size=(32, 24))
    outcome = judged(bundles, square(), actual, region)
    assert isinstance(outcome, Pair) and outcome.comparison.verdict is Verdict.PASS
    assert outcome.ignored.sum() == 36
    moved = replace(region, polygons=(((1.0, 1.0), (6.0, 1.0), (6.0, 6.0), (1.0, 6.0)),))
    assert judged(bundles, square(), actual, moved).comparison.verdict is Verdict.FAIL


def test_a_region_that_cannot_be_read_is_no_pass(bundles, tmp_path):
    row = judged(bundles, square(), square(), Ignored(mask=tmp_path / "gone.png"))
    assert isinstance(row, NotJudged) and row.exit_code is ExitCode.GOLDEN


def test_a_picture_shows_what_is_ignored_in_gray(tmp_path):
    expected, actual = square(), square()
    actual[0, 0], actual[20, 30] = 2, 2
    ignored = np.zeros(expected.shape, bool)
    ignored[:3] = True
    confident = (expected != actual) & ~ignored
    (tmp_path / "p.png").write_bytes(side_by_side(expected, actual, confident, ignored))
    with Image.open(tmp_path / "p.png") as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    assert (136, 136, 136) in colours and (230, 0, 60) in colours


def test_a_picture_of_classes_beyond_a_byte():
    expected = np.zeros((24, 32), np.uint16)
    expected[6:18, 8:20] = 60000
    actual = expected.copy()
    actual[0, 0] = 500
    assert side_by_side(expected, actual, expected != actual).startswith(b"\x89PNG")
    labels = tuple(f"class_{index}" for index in range(1 << 16))
    metrics = measure(expected, actual, None, labels)
    assert (metrics.differing, metrics.labels_added, metrics.labels_missing) == (1, ("class_500",), ())
    assert metrics.class_iou["class_60000"] == 1.0
    small = [np.where(mask == 60000, 1, np.where(mask == 500, 2, 0)).astype(np.uint8) for mask in (expected, actual)]
    assert measure(*small, None, LABELS).boundary_f == metrics.boundary_f
