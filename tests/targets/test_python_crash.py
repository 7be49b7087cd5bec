"""A reference that crashes or hangs keeps the cases that it had finished; the others say how it ended."""

import sys
from pathlib import Path

import pytest
from conftest import colours
from PIL import Image
from running import context_of

from goldmask.contract.bundle import Request, RequestCase, load_bundle, mask_of, save
from goldmask.contract.errors import RunError
from goldmask.contract.files import sha256_of
from goldmask.contract.journal import JOURNAL_FILE, Journal
from goldmask.machine import pep723, shell
from goldmask.targets.target import find_target

pytestmark = pytest.mark.project

# A runtime that paints everything red, until its `fatal`-th image.
SCRIPT = """
import ctypes, os, sys, time
sys.path[:0] = {path!r}
import numpy as np
from goldmask.contract.bundle import RuntimeInfo
from goldmask.contract.engine import Segmented, main

JOURNAL = os.path.join({out!r}, "results.jsonl")

class Toy:
    runtime = RuntimeInfo(name="toy", version="1", delegate="cpu", threads=2)
    images = 0

    def segment(self, pixels, with_margin):
        self.images += 1
        if self.images == {fatal}:
            # A case is written down while the next one is predicted, in which real models take their time.
            while open(JOURNAL).read().count("\\n") < {fatal}:
                pass
            {how}
        return Segmented(np.zeros((8, 8), np.uint8), None, "score", None, None, 1.0, 1.0, 1.0)

main(lambda request: Toy(), ())
{after}
"""
CRASH = "ctypes.string_at(0)"


@pytest.fixture
def request_of_four(tmp_path: Path) -> Request:
    """Four cases, in the files of a run."""
    Image.fromarray(colours()).save(tmp_path / "flag.png")
    (tmp_path / "toy.tflite").write_bytes(b"a model")
    model = {"name": "toy", "file": str(tmp_path / "toy.tflite"), "sha256": sha256_of(tmp_path / "toy.tflite")}
    model |= {"labels": ["red"], "output": {"index": 0, "kind": "logits"}}
    model["input"] = {"height": 8, "width": 8, "dtype": "float32", "mean": [0.0], "std": [1.0]}
    image = {"file": str(tmp_path / "flag.png"), "sha256": sha256_of(tmp_path / "flag.png")}
    cases = [RequestCase(id=name, **image) for name in "abcd"]
    return Request.model_validate(
        {"schema": 1, "model": model, "options": {"pipeline": "lib_interpreter"}, "cases": cases}
    )


def run(request: Request, folder: Path, monkeypatch, fatal: int, how: str = CRASH, after: str = "", deadline_s=60.0):
    """The bundle of that runtime, run as the references are, and what was noted."""
    script = folder / "toy.py"
    out = folder / "bundle"
    script.write_text(SCRIPT.format(path=sys.path, fatal=fatal, how=how, after=after, out=str(out)), "utf-8")

    def start(_script: Path, _python: str, *words: str | Path, log: Path, on_line, **_: object) -> shell.Finished:
        return shell.run([sys.executable, script, *words], log=log, deadline_s=deadline_s, on_line=on_line)

    monkeypatch.setattr(pep723, "run", start)
    monkeypatch.setattr(pep723, "prepare", lambda *_: None)
    notes: list[str] = []
    save(request, out / "request.json")
    with find_target("python").session(context_of(folder, folder / "logs", on_note=notes.append)) as session:
        return session.run(request, out), notes


@pytest.mark.parametrize("finished", [1, 2, 3])
def test_cases_before_a_crash_are_kept(tmp_path: Path, request_of_four: Request, monkeypatch, finished: int):
    bundle, _ = run(request_of_four, tmp_path, monkeypatch, fatal=finished + 1)
    assert bundle == load_bundle(tmp_path / "bundle") and not (tmp_path / "bundle" / JOURNAL_FILE).exists()
    assert [result.case for result in bundle.results] == [*"abcd"]
    assert [result.status for result in bundle.results] == ["ok"] * finished + ["error"] * (4 - finished)
    for result in bundle.results[:finished]:
        assert mask_of(tmp_path / "bundle", result).shape == (8, 8)
    (message,) = {result.error.message for result in bundle.results[finished:]}
    assert message.startswith("the interpreter runtime ended before this case was done (killed by SIGSEGV")


def test_and_those_before_its_deadline(tmp_path: Path, request_of_four: Request, monkeypatch):
    bundle, _ = run(request_of_four, tmp_path, monkeypatch, fatal=3, how="time.sleep(600)", deadline_s=5)
    assert [result.status for result in bundle.results] == ["ok", "ok", "error", "error"]
    assert "did not end within 5 s" in bundle.results[2].error.message


def test_a_crash_before_the_first_case_is_an_error_of_the_run(tmp_path: Path, request_of_four: Request, monkeypatch):
    with pytest.raises(RunError, match="ended without a bundle \\(killed by SIGSEGV"):
        run(request_of_four, tmp_path, monkeypatch, fatal=1)


def test_what_an_earlier_run_had_finished_is_not_this_ones(tmp_path: Path, request_of_four: Request, monkeypatch):
    whole, notes = run(request_of_four, tmp_path, monkeypatch, fatal=0)
    assert notes == []
    Journal(tmp_path / "bundle", whole.model_copy(update={"results": ()})).add(whole.results[0])
    with pytest.raises(RunError, match="ended without a bundle"):
        run(request_of_four, tmp_path, monkeypatch, fatal=1)


def test_a_crash_after_the_last_case_is_told(tmp_path: Path, request_of_four: Request, monkeypatch):
    bundle, notes = run(request_of_four, tmp_path, monkeypatch, fatal=0, after=CRASH)
    assert [result.status for result in bundle.results] == ["ok"] * 4
    assert len(notes) == 1 and notes[0].startswith("the interpreter runtime, after its last case: killed by SIGSEGV")
