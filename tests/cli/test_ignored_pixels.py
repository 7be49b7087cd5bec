"""Ignored pixels where a person compares: `compare` with a declared model's goldens, and the fixture of pytest."""

import numpy as np
import pytest
from conftest import changed_bundle
from desks import Desk, Toy

from goldmask.cli.compare import run_compare
from goldmask.cli.pytest_plugin import GoldenMask, MaskDiffers
from goldmask.contract.bundle import mask_of
from goldmask.contract.errors import ExitCode

UPPER = "ignore_polygons = [[[0, 0], [7, 0], [7, 3], [0, 3]]]"
BUT_ONE_PIXEL = "ignore_polygons = [[[1, 0], [7, 0], [7, 3], [0, 3], [0, 1]]]"
WHOLE = "ignore_polygons = [[[0, 0], [7, 0], [7, 7], [0, 7]]]"


@pytest.fixture
def recorded(desk: Desk) -> Desk:
    """The desk, with goldens."""
    desk.predict(Toy())
    desk.project.accept()
    return desk


@pytest.mark.parametrize(
    ("region", "code"),
    [(UPPER, ExitCode.OK), (BUT_ONE_PIXEL, ExitCode.MASKS_DIFFER), (WHOLE, ExitCode.ENVIRONMENT)],
    ids=["ignored", "one pixel beside", "all ignored"],
)
@pytest.mark.parametrize("by_name", [True, False], ids=["name", "folder"])
def test_compare_leaves_out_what_the_goldens_model_ignores(recorded, capsys, region, code, by_name):
    bundle = changed_bundle(recorded.project, recorded.root / "changed")
    golden = "tiny" if by_name else str(recorded.project.golden)
    recorded.ignore(region)
    assert run_compare(golden, str(bundle), "out") == code
    if code is ExitCode.OK:
        assert run_compare(str(bundle), golden, "out") == ExitCode.MASKS_DIFFER  # a bundle declares nothing


@pytest.mark.parametrize(
    ("region", "reason"),
    [(UPPER, ""), (BUT_ONE_PIXEL, "1 confident flip "), (WHOLE, "every pixel is ignored")],
    ids=["ignored", "one pixel beside", "all ignored"],
)
def test_the_fixture_leaves_out_what_is_ignored(recorded, tmp_path, region, reason):
    golden = recorded.golden()
    mask = mask_of(golden.folder, golden.bundle.result("flag")).copy()
    mask[:4] = np.where(mask[:4] == 1, 2, 1)
    recorded.ignore(region)
    fixture = GoldenMask(recorded.root, tmp_path / "scratch")
    if not reason:
        fixture.assert_matches(mask, "flag")
        return
    with pytest.raises(MaskDiffers, match=reason):
        fixture.assert_matches(mask, "flag")
