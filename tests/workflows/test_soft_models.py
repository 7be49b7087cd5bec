"""Models of soft masks through the real program: recorded, checked, and what another threshold or class does."""

import json

import pytest
import tiny

from goldmask.contract.bundle import load_bundle, soft_of
from goldmask.contract.mask import read_mask

pytestmark = pytest.mark.project

SOFT = '[input]\nmean = [127.5]\nstd = [127.5]\n[output]\nkind = "logit"\n'


def declare(project, channels: int, output: str = "") -> None:
    """The tiny model with so many channels, whose logits are red, green and blue from -1 to 1."""
    project.declare(tiny.scores(channels=channels), f"{SOFT}{output}")
    project.edit("models/tiny/model.toml", 'labels = ["red", "green", "blue"]', 'labels = ["no", "yes"]')


def test_one_channel_is_recorded_and_checked_as_a_soft_mask(project):
    declare(project, 1, "threshold = 0.6\n")
    project.record("--mode", "all")
    golden = load_bundle(project.golden)
    result = golden.result("flag")
    mask = read_mask(project.golden / result.mask)
    soft = soft_of(project.golden, result, mask)
    # Red is 200 above and 30 below: the sigmoids of 0.569 and of -0.765.
    assert result.soft.threshold == 0.6 and mask[:4].all() and not mask[4:].any()
    assert soft[:4] == pytest.approx(0.6384, abs=1e-4) and soft[4:] == pytest.approx(0.3176, abs=1e-4)
    ran = project.run("check", "--target", "python")
    assert ran.code == 0, ran.text
    rows = json.loads((project.folder / "build/check/report.json").read_text("utf-8"))["comparisons"]
    assert [row["soft"]["largest"] for row in rows] == [0, 0] and "soft masks within 0" in rows[0]["reason"]
    # Its twin: another threshold makes other masks of the same scores, and is another reading.
    project.edit("models/tiny/model.toml", "threshold = 0.6", "threshold = 0.65")
    ran = project.run("check", "--target", "python")
    assert ran.code == 5 and "the golden's threshold is 0.6, the bundle's 0.65" in ran.text


def test_of_two_channels_the_foreground_is_the_second_or_declared(project):
    declare(project, 2)
    project.record("--mode", "all")
    mask = read_mask(project.golden / load_bundle(project.golden).result("flag").mask)
    # Green is more than red at the lower left; where both are 30 they are as probable, and the mask begins at a half.
    assert not mask[:4].any() and mask[4:].all()
    project.edit("models/tiny/model.toml", 'kind = "logit"', 'kind = "logit"\nforeground = 0')
    ran = project.run("check", "--target", "python")
    assert ran.code == 10 and "confident flips" in ran.text
