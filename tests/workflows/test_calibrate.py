"""golden.calibrate on a reference that is a toy: what it runs, what it says, and what --write changes."""

import pytest
from desks import NEAR, Desk, Reference, Toy

from goldmask.cli import golden as cli
from goldmask.contract.errors import ExitCode, GoldenError
from goldmask.contract.options import RunOptions
from goldmask.project.config import load_config
from goldmask.workflows import calibrate as calibrating
from goldmask.workflows.selection import select


class Calibrated(Reference):
    """A reference whose cpu delegate moves the mask by a pixel."""

    delegates = ("xnnpack", "cpu")

    def __init__(self) -> None:
        super().__init__(Toy())
        self.asked: list[RunOptions] = []

    def session(self, context):
        self.asked.append(context.options)
        self.toy = Toy(shift=int(context.options.delegate == "cpu"))
        return super().session(context)


@pytest.fixture
def reference(monkeypatch) -> Calibrated:
    """The toy, in place of the python target."""
    made = Calibrated()
    monkeypatch.setattr(calibrating, "find_target", lambda name: made)
    monkeypatch.setattr(calibrating, "at_hand", lambda pipeline, runtime, logs: runtime == "litert")
    return made


def test_every_delegate_and_number_of_threads_is_run(desk: Desk, reference, capsys):
    desk.predict(Toy(margin=2 * NEAR))
    desk.project.accept()
    before = (desk.root / "goldmask.toml").read_text("utf-8")
    assert cli.calibrate_margins([], False) == ExitCode.OK
    assert len(reference.asked) == 7 and {each.threads for each in reference.asked} == {1, 2, 4}
    text = capsys.readouterr().out
    assert "tiny: 24 of 192 pixels flip in 6 runs" in text and "would excuse 100.0% of all pixels" in text
    assert (desk.root / "goldmask.toml").read_text("utf-8") == before


def test_what_is_proposed_is_written_with_its_reason_and_only_once(desk: Desk, reference, monkeypatch, capsys):
    desk.predict(Toy(margin=2 * NEAR))
    desk.project.accept()
    monkeypatch.setattr("goldmask.verdict.calibration.MOST_EXCUSED", 1.0)
    for _ in range(2):
        cli.calibrate_margins(["tiny"], True)
    config = load_config(desk.root)
    assert len(config.overrides) == 1 and config.overrides[0].model == "tiny"
    assert "24 of 192 pixels flip in 6 runs" in config.overrides[0].reason
    assert 2 * NEAR < config.overrides[0].changes["tie_margin_score"] < 5 * NEAR
    assert "an override for tiny" in capsys.readouterr().out
    assert select(config, "default").models == ("tiny",)


def test_stale_goldens_calibrate_nothing(desk: Desk, reference):
    desk.predict(Toy())
    desk.project.accept()
    desk.retrain()
    with pytest.raises(GoldenError, match="stale"):
        cli.calibrate_margins([], False)
