"""What all tests share: the real program, tiny projects for it, and the rule that CI skips nothing."""

import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import tiny
from needs import need
from PIL import Image

from goldmask.apple.swift import Swift, find_swift
from goldmask.contract.files import sha256_of
from goldmask.contract.mask import encode_mask, read_mask
from goldmask.machine import shell
from goldmask.machine.fetch import Source, fetch
from goldmask.project.config import load_config
from goldmask.project.model import fetch_model, load_spec
from goldmask.project.pending import STORE
from goldmask.workflows.accept import accept
from goldmask.workflows.pending import look

pytest_plugins = ("rings", "phones", "desks", "wheels")
REPO = Path(__file__).resolve().parents[1]
# Tests run in folders of their own, from which a relative mirror would be nowhere.
if (mirror := os.environ.get("GOLDMASK_MIRROR")) and Path(mirror).is_dir():
    os.environ["GOLDMASK_MIRROR"] = str(Path(mirror).resolve())
# A job in the background may ignore signals, and whatever it starts would ignore them too: tests send some.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
# A test has a time limit (rings.py); an example of one has none, as machines that do other work as well are slow.
hypothesis.settings.register_profile("goldmask", deadline=None)
hypothesis.settings.load_profile("goldmask")
# Not the way to skip a test in CI, but the list of what no CI machine can have.
CANNOT_RUN_IN_CI: tuple[str, ...] = ()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a skip is a failure, with the skip's own reason."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(known in reason for known in CANNOT_RUN_IN_CI):
            report.outcome, report.longrepr = "failed", f"skipped in CI, where everything must run: {reason}"
    return report


@dataclass(frozen=True)
class Ran:
    """The real program's ending: exit code, stdout, and stderr."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Both streams with line breaks folded, to look for sentences in."""
        return re.sub(r"\s+", " ", self.stdout + " " + self.stderr)


def run_program(
    folder: Path, *words: str | Path, start: tuple[str | Path, ...] = (REPO / "tasks.py",), **environment: str
) -> Ran:
    """The program as a user starts it in `folder`, past the launcher. A traceback is a failure of any test."""
    argv = [sys.executable, *start, *words]
    with tempfile.TemporaryDirectory() as logs:  # not in `folder`, which parallel tests share when it is REPO
        log = Path(logs) / "stderr.log"
        done = shell.run(argv, log=log, deadline_s=300, cwd=folder, env={"CI": "", **environment})
        stderr = log.read_text("utf-8", "replace")
    assert "Traceback" not in stderr, stderr
    return Ran(done.code, done.stdout, stderr)


def edited_samples(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of the samples and vectors that every platform's tests read, with `old` in one of them replaced once."""
    for each in ("samples", "vectors"):
        shutil.copytree(REPO / "tests" / each, folder / each)
    text = (folder / name).read_text("utf-8")
    assert old in text, f"{name} has no {old}"
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    return folder


# Pixels as the tiny models are fed them: declared, for nothing is recorded on an assumption.
NORMALISED = "[input]\nmean = [127.5]\nstd = [127.5]\n"


@dataclass(frozen=True)
class Project:
    """A folder with a goldmask.toml and one model, `tiny`, that scores red, green and blue."""

    folder: Path

    def run(self, *words: str | Path, **environment: str) -> Ran:
        """The real program in this project."""
        return run_program(self.folder, *words, **environment)

    @property
    def model(self) -> Path:
        """models/tiny."""
        return self.folder / "models/tiny"

    @property
    def golden(self) -> Path:
        """The goldens of lib_interpreter."""
        return self.model / "goldens/lib_interpreter"

    def accept(self) -> None:
        """Make all that pends golden; in this process, which costs no start of the program."""
        accept_all(self.folder)

    def record(self, *words: str) -> Ran:
        """The real program's golden.record, and what pends then is accepted."""
        ran = self.run("golden.record", *words)
        assert ran.code == 0, ran.text
        self.accept()
        return ran

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old`, which must be there, in a file of the project."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new), "utf-8")

    def declare(self, model: bytes, extra: str = "") -> None:
        """Make `model` the project's model, with its two cases."""
        (self.model / "tiny.tflite").write_bytes(model)
        cases = "".join(
            f'[[cases]]\nid = "{path.stem}"\nfile = "{path.name}"\nsha256 = "{sha256_of(path)}"\n'
            for path in sorted(self.model.glob("*.png"))
        )
        digest = sha256_of(self.model / "tiny.tflite")
        (self.model / "model.toml").write_text(
            'schema = 1\nsummary = "three colours"\npipelines = ["lib_interpreter"]\n'
            f'labels = ["red", "green", "blue"]\n{extra or NORMALISED}'
            f'[model]\nfile = "tiny.tflite"\nsha256 = "{digest}"\n{cases}',
            "utf-8",
        )


def accept_all(folder: Path, reason: str = "it is right") -> None:
    """Make all that pends in a project golden."""
    accept(folder, look(folder, load_config(folder), folder / STORE), reason, "somebody")


def colours(height: int = 8, width: int = 8) -> np.ndarray:
    """uint8 [height, width, 3]: red above, green and blue below."""
    pixels = np.full((height, width, 3), 30, np.uint8)
    pixels[: height // 2, :, 0] = 200
    pixels[height // 2 :, : width // 2, 1] = 200
    pixels[height // 2 :, width // 2 :, 2] = 200
    return pixels


def make_project(folder: Path, model: bytes | None = None) -> Project:
    """A project in `folder`, without goldens."""
    project = Project(folder)
    project.model.mkdir(parents=True)
    (folder / "goldmask.toml").write_text(
        'schema = 1\n[suites.default]\nmodels = ["tiny"]\npipelines = ["lib_interpreter"]\n', "utf-8"
    )
    Image.fromarray(colours()).save(project.model / "flag.png")
    Image.fromarray(colours(16, 24)).save(project.model / "wide.png")
    project.declare(model or tiny.scores())
    return project


def equal_bundle(project: Project, folder: Path) -> Path:
    """A bundle that the project's golden passes; for tests of all that comes after a run."""
    shutil.copytree(project.golden, folder, ignore=shutil.ignore_patterns("golden.json"))
    return folder


def changed_bundle(project: Project, folder: Path) -> Path:
    """A bundle in which the upper half of one mask is another class."""
    equal_bundle(project, folder)
    path = folder / "bundle.json"
    bundle = json.loads(path.read_text("utf-8"))
    result = bundle["results"][0]
    mask = read_mask(folder / result["mask"]).copy()
    mask[: len(mask) // 2] = 1
    (folder / result["mask"]).write_bytes(encode_mask(mask))
    result["mask_sha256"] = sha256_of(folder / result["mask"])
    path.write_text(json.dumps(bundle), "utf-8")
    return folder


@pytest.fixture(scope="session")
def recorded_template(tmp_path_factory) -> Path:
    """A project whose goldens the real program recorded, once."""
    project = make_project(tmp_path_factory.mktemp("template"))
    project.record()
    shutil.rmtree(project.folder / "build")
    return project.folder


@pytest.fixture
def project(recorded_template, tmp_path) -> Project:
    """A recorded project of the test's own."""
    folder = tmp_path / "project"
    shutil.copytree(recorded_template, folder)
    return Project(folder)


@pytest.fixture
def bare_project(tmp_path) -> Callable[..., Project]:
    """Makes a project without goldens, with a model of the test's choice."""
    return lambda model=None: make_project(tmp_path / "project", model)


@pytest.fixture
def swift(monkeypatch) -> Swift:
    """This machine's Swift, or else the rig's (tests/rig/SWIFT.md)."""
    need("swift", "tensorflow-lite")
    if not shutil.which("swift"):
        monkeypatch.setenv("SWIFT", str(REPO / "tests/rig/bin/swift"))
    return find_swift()


@pytest.fixture(scope="session")
def tiny_backbone():
    """The name of a DeepLab backbone that builds, trains and converts in a second or two."""
    from deeplab.builder import BACKBONES, Backbone

    tiny_one = Backbone(
        stem=8,
        rows=((1, 8, 1, 1), (2, 8, 1, 2), (2, 8, 1, 2), (2, 8, 1, 2), (2, 16, 1, 2)),
        head_channels=8,
        low_level_channels=8,
        large_fov_rate=2,
        v2_rates=(1, 2),
        v3_rates=(1, 2),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BACKBONES, "tests", tiny_one)
        yield "tests"


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """The real starter model's file."""
    return fetch_model(REPO, "deeplabv3", load_spec(REPO, "deeplabv3")).path


@pytest.fixture(scope="session")
def tensorflow_golden() -> np.ndarray:
    """TensorFlow's own mask of its test image, class indices uint8 [257, 257]; their PNG holds ten times the class."""
    commit = "dd3362ea685bb7ab1f7268c81ec567d3b720ae57"
    folder = "tensorflow_lite_support/cc/test/testdata/task/vision"
    source = Source(
        urls=(
            f"https://raw.githubusercontent.com/tensorflow/tflite-support/{commit}/{folder}/segmentation_golden_rotation0.png",
        ),
        sha256="9ee993919b753118928ba2d14f7c5c83a6cfc23355e6943dac4ad81eedd73069",
        size=1453,
    )
    with Image.open(fetch(source, REPO)) as image:
        mask = np.asarray(image)
    assert not (mask % 10).any()
    return mask // 10
