"""From an empty folder to the first green, a model that is trained again, and what is decided at a terminal."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO, Ran, run_program
from PIL import Image
from road import KERB, LABELS, SKY, picture, tflite, train
from shells import Shell

from goldmask.contract.errors import ExitCode
from goldmask.project.config import load_config
from goldmask.project.golden import load_golden
from goldmask.project.pending import STORE
from goldmask.workflows.pending import look

pytestmark = pytest.mark.project
GOLDEN = "models/road/goldens/lib_interpreter"
PHOTOGRAPHS = {"dawn.png": 0.7, "noon.png": 1.0, "dusk.png": 0.8}


@pytest.fixture(scope="module")
def trained() -> dict[str, bytes]:
    """The first model, the one that is trained afterwards, to which a kerb is sky, and that one in int8."""
    samples = [picture(seed, light) for seed in range(24) for light in (0.8, 1.0)]
    worse = [(pixels, np.where(classes == KERB, SKY, classes).astype(np.uint8)) for pixels, classes in samples]
    first, second = train(samples), train(worse)
    return {
        "road.tflite": tflite(first, "float32", samples),
        "second.tflite": tflite(second, "float32", samples),
        "road_int8.tflite": tflite(second, "int8", samples),
    }


@pytest.fixture
def folder(tmp_path, trained) -> Path:
    """A folder with photographs, their ground truths and models, and nothing of goldmask."""
    (tmp_path / "truth").mkdir()
    for seed, (name, light) in enumerate(PHOTOGRAPHS.items(), start=100):
        pixels, classes = picture(seed, light)
        Image.fromarray(pixels).save(tmp_path / name)
        Image.fromarray(classes).save(tmp_path / "truth" / name)
    for name, content in trained.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_from_an_empty_folder_through_a_retraining(folder):
    def goldmask(*words: str, code: int = 0, **environment: str) -> Ran:
        ran = run_program(folder, *words, **environment)
        assert ran.code == code, ran.text
        return ran

    # Four commands to the first green, and nothing is edited.
    as_trained = ("--mean", "127.5", "--std", "127.5", "--label", *LABELS)
    goldmask("models.add", "road.tflite", "--image", *PHOTOGRAPHS, "--truth", "truth", *as_trained)
    assert "picture: " in goldmask("golden.record").text
    # The network works: its masks are the ground truths, but for pixels along the edges.
    assert all(each.scores.miou > 0.8 for each in look(folder, load_config(folder), folder / STORE))
    goldmask("golden.accept", "--all", "--reason", "the first model")
    green = goldmask("check").text
    assert "3 PASS" in green and "SKIP" not in green

    # Trained again: the kerb is taken for sky.
    (folder / "models/road/road.tflite").write_bytes((folder / "second.tflite").read_bytes())
    told = goldmask("check", code=ExitCode.GOLDEN)
    assert "stale: model " in told.text and "masks changed in 3 of 3 cases, worst mIoU 0." in told.text
    assert "areas " in told.text and "kerb -" in told.text and "3 masks pend" in told.text
    report = json.loads((folder / "build/check/report.json").read_text("utf-8"))
    rows = report["comparisons"]
    assert len(rows) == 3 and all(row["across"] and row["metrics"] and row["picture"] for row in rows)
    assert "masks changed in 3 of 3" in goldmask("check", "--across", code=ExitCode.MASKS_DIFFER).text

    # What pends is only listed in CI, and decided at a terminal.
    goldmask("golden.pending", code=ExitCode.GOLDEN, CI="true")
    assert "has no place in CI" in goldmask("golden.accept", "--all", "--reason", "x", code=1, CI="true").text
    terminal = Shell([sys.executable, str(REPO / "tasks.py"), "golden.review"], folder)
    for prompt, answer in (
        ("1 of 3: road", ""),
        ("worse)", ""),
        ("[q]uit: ", "a"),
        ("reason: ", "no kerbs any more\n"),
        ("2 of 3: road", ""),
        ("[q]uit: ", "r"),
        ("reason: ", "the kerb is gone\n"),
        ("3 of 3: road", ""),
        ("[q]uit: ", "a"),
    ):
        terminal.wait_for(prompt)
        terminal.type(answer)
    assert terminal.ending() == ExitCode.OK and "3 decided, 0 still pending" in terminal.seen
    left = goldmask("check", code=ExitCode.GOLDEN)
    assert "2 PASS, 1 FAIL" in left.text and "this mask was rejected: the kerb is gone" in left.text
    assert "masks changed in 1 of 1 cases" in left.text and "pend" not in left.text.replace("pending", "")
    reasons = sorted(each.reason for each in load_golden(folder / GOLDEN).provenance.accepted.values())
    assert reasons == ["no kerbs any more", "no kerbs any more", "the first model"]

    # What quantising does, as a table, and nothing is edited either.
    goldmask("models.add", "road_int8.tflite", "--variant-of", "road")
    goldmask("golden.record", "--model", "road-int8")
    goldmask("golden.accept", "--all", "--reason", "int8")
    table = goldmask("check", "--variants", "float32 vs int8", code=ExitCode.GOLDEN).text
    assert "road-int8 against road (python, lib_interpreter): 3 cases, agreement 9" in table
    assert "road: IoU 0.9" in table and "with the ground truth: road" in table and "worst cases" in table
    tables = json.loads((folder / "build/check/variants.json").read_text("utf-8"))["tables"]
    assert tables[0]["cases"] == 3 and set(tables[0]["classes"]) <= set(LABELS)
    goldmask("compare", "--golden", "road", "--bundle", "road-int8", "--out", "out", code=ExitCode.GOLDEN)
