"""A project whose reference is a toy in the test's own process: what pends and what is golden costs no process."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import Project, colours, make_project
from PIL import Image

from goldmask.cli import review
from goldmask.contract import engine
from goldmask.contract.bundle import Request, RuntimeInfo
from goldmask.contract.engine import Segmented
from goldmask.project import golden as goldens
from goldmask.project.config import load_config
from goldmask.project.golden import load_golden
from goldmask.project.pending import STORE
from goldmask.workflows.check import request_for
from goldmask.workflows.pending import Change, assets_of, look, pend
from goldmask.workflows.selection import recording_options

NEAR, FAR = 5e-4, 3.0
CASES = ("flag", "tall", "wide")
RUNTIME = RuntimeInfo(name="toy", version="1", delegate="xnnpack", threads=2)


@dataclass
class Toy:
    """An engine: the strongest of red, green and blue, moved to the left by `shift` pixels; the margin is `margin`."""

    shift: int = 0
    margin: float = 3.0
    runtime: RuntimeInfo = RUNTIME

    def segment(self, pixels: np.ndarray, with_margin: bool) -> Segmented:
        small = np.asarray(Image.fromarray(pixels).resize((8, 8), Image.Resampling.NEAREST))
        mask = np.roll(small.argmax(axis=2).astype(np.uint8), -self.shift, axis=1)
        margin = np.full(mask.shape, self.margin, np.float32) if with_margin else None
        return Segmented(mask, margin, "score", pixels, small.astype(np.float32), 1.0, 1.0, 1.0)


@dataclass
class Desk:
    """A project whose reference is a toy in this process."""

    project: Project
    model: str = "tiny"

    @property
    def root(self) -> Path:
        return self.project.folder

    @property
    def store(self) -> Path:
        return self.root / STORE

    def ignore(self, *lines: str) -> None:
        """Declare what is ignored of `flag`."""
        self.project.edit("models/tiny/model.toml", 'id = "flag"\n', "\n".join(['id = "flag"', *lines, ""]))

    def request(self, *cases: str) -> Request:
        assets = assets_of(self.root, self.model)
        chosen = tuple(case for case in assets.cases if not cases or case.id in cases)
        options = recording_options(load_config(self.root))
        return request_for(assets.model, chosen, "lib_interpreter", options, taps=("margin",))

    def predict(self, toy: Toy, *cases: str) -> None:
        """Have pend what a toy predicts."""
        out = self.root.parent / "predicted"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        request = self.request(*cases)
        engine.write_bundle(request, out, out, lambda _: toy, {})
        pend(self.root, [self.store], request, out)

    def look(self, *cases: str, store: Path | None = None) -> list[Change]:
        return look(self.root, load_config(self.root), store or self.store, cases=cases)

    def golden(self) -> goldens.Golden:
        return load_golden(self.project.golden)

    def retrain(self, weight: float = 2.0) -> None:
        self.project.declare(tiny.scores(weight=weight))


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Desk:
    """A desk with three cases and no goldens."""
    monkeypatch.setattr(engine.platform, "platform", lambda: "Toy-1")
    monkeypatch.delenv("CI", raising=False)
    project = make_project(tmp_path / "project")
    Image.fromarray(colours(24, 16)).save(project.model / "tall.png")
    project.declare((project.model / "tiny.tflite").read_bytes())
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(review, "user_name", lambda folder: "Ada")
    return Desk(project)


class Reference:
    """In place of the python target: a toy in this process."""

    def __init__(self, toy: Toy) -> None:
        self.toy = toy

    @contextmanager
    def session(self, context):
        yield self

    def prepare(self, pipeline: str) -> None:
        pass

    def run(self, request: Request, out: Path, on_case=None) -> object:
        return engine.write_bundle(request, out, out, lambda _: self.toy, {})
