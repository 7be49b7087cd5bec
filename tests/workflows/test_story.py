"""From an empty folder to the first green, a model that is trained again, and what is decided at a terminal."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import REPO, Ran, run_program
from PIL import Image
from shells import Shell

from goldmask.contract.errors import ExitCode
from goldmask.project.golden import load_golden

pytestmark = pytest.mark.project
GOLDEN = "models/road/goldens/lib_interpreter"
PHOTOGRAPHS = ("dawn.png", "noon.png", "dusk.png")


def photograph(light: float, seed: int) -> np.ndarray:
    """uint8 [8, 8, 3]: a road below a sky, with a kerb between them, in some light."""
    picture = np.zeros((8, 8, 3))
    picture[:3], picture[3:5], picture[5:] = (60, 90, 220), (90, 190, 90), (200, 80, 70)
    noise = np.random.default_rng(seed).normal(0, 10, picture.shape)
    return np.clip(picture * light + noise, 0, 255).astype(np.uint8)


def train(pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The weights [3, 3] of a 1×1 convolution that tell classes apart, by least squares; the largest is 1."""
    wanted = np.eye(3)[classes.ravel()]
    weights, *_ = np.linalg.lstsq(pixels.reshape(-1, 3) / 127.5 - 1, wanted, rcond=None)
    return (weights.T / np.abs(weights).max()).astype(np.float32)


@pytest.fixture
def folder(tmp_path) -> Path:
    """An empty folder but for three photographs and the model that was trained on the first of them."""
    for index, name in enumerate(PHOTOGRAPHS):
        Image.fromarray(photograph(0.6 + 0.2 * index, index)).save(tmp_path / name)
    return tmp_path


def test_from_an_empty_folder_through_a_retraining(folder):
    def goldmask(*words: str, code: int = 0, **environment: str) -> Ran:
        ran = run_program(folder, *words, **environment)
        assert ran.code == code, ran.text
        return ran

    layers = np.repeat([2, 1, 0], [24, 16, 24]).reshape(8, 8)
    first = train(photograph(0.6, 0), layers)
    (folder / "road.tflite").write_bytes(tiny.scores(trained=first))

    # Four commands to the first green, and nothing is edited.
    goldmask("models.add", "road.tflite", "--image", *PHOTOGRAPHS)
    assert "picture: " in goldmask("golden.record", "--assume").text
    goldmask("golden.accept", "--all", "--reason", "the first model")
    assert "3 PASS" in goldmask("check").text

    # Trained again, on a lighter picture; the kerb is taken for sky.
    second = train(photograph(1.0, 2), np.where(layers == 1, 2, layers))
    (folder / "models/road/road.tflite").write_bytes(tiny.scores(trained=second))
    told = goldmask("check", code=ExitCode.GOLDEN)
    assert "stale: model " in told.text and "masks changed in 3 of 3 cases, worst mIoU 0." in told.text
    assert "areas " in told.text and "3 masks pend" in told.text
    report = json.loads((folder / "build/check/report.json").read_text("utf-8"))
    rows = [row for row in report["comparisons"] if row["pipeline"] == "lib_interpreter"]
    assert len(rows) == 3 and all(row["across"] and row["metrics"] and row["picture"] for row in rows)
    assert "masks changed in 3 of 3" in goldmask("check", "--across", code=ExitCode.MASKS_DIFFER).text

    # What pends is only listed in CI, and decided at a terminal.
    goldmask("golden.pending", code=ExitCode.GOLDEN, CI="true")
    assert "has no place in CI" in goldmask("golden.accept", "--all", "--reason", "x", code=1, CI="true").text
    terminal = Shell([sys.executable, str(REPO / "tasks.py"), "golden.review"], folder)
    for prompt, answer in (
        ("1 of 3: road", ""),
        ("[q]uit: ", "a"),
        ("reason: ", "trained on noon\n"),
        ("2 of 3: road", ""),
        ("[q]uit: ", "r"),
        ("reason: ", "the kerb is gone\n"),
        ("3 of 3: road", ""),
        ("[q]uit: ", "a"),
    ):
        terminal.wait_for(prompt)
        terminal.type(answer)
    assert terminal.ending() == ExitCode.OK and "3 decided, 0 still pending" in terminal.seen
    said = goldmask("check", code=ExitCode.GOLDEN)
    assert "2 PASS, 1 FAIL" in said.text and "this mask was rejected: the kerb is gone" in said.text
    assert "masks changed in 1 of 1 cases" in said.text and "pend" not in said.text.replace("pending", "")
    reasons = sorted(each.reason for each in load_golden(folder / GOLDEN).provenance.accepted.values())
    assert reasons == ["the first model", "trained on noon", "trained on noon"]

    # What quantising does, as a table.
    (folder / "models/road/road_int8.tflite").write_bytes(tiny.scores("int8", trained=second))
    declaration = folder / "models/road/model.toml"
    text = declaration.read_text("utf-8") + '\n[variants.int8.model]\nfile = "road_int8.tflite"\n'
    declaration.write_text(text, "utf-8")
    goldmask("golden.record", "--model", "road-int8")
    goldmask("golden.accept", "--all", "--reason", "int8")
    config = folder / "goldmask.toml"
    config.write_text(
        config.read_text("utf-8").replace('["road"]', '["road", "road-int8"]\nvariants = "float32 vs int8"'), "utf-8"
    )
    table = goldmask("check", code=ExitCode.GOLDEN).text
    assert "road-int8 against road (python, lib_interpreter): 3 cases, agreement" in table and "worst cases" in table
    tables = json.loads((folder / "build/check/variants.json").read_text("utf-8"))["tables"]
    assert tables[0]["cases"] == 3 and set(tables[0]["classes"]) <= {"class_0", "class_1", "class_2"}
