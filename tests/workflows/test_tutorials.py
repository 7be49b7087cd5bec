"""The tutorials, run as they are written: each command ends with the exit code that the page says."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import Project, colours, run_program
from desks import Desk, Toy
from PIL import Image
from tutorials import commands

pytestmark = pytest.mark.project


def follow(page: str, folder: Path) -> list[str]:
    """Type every command of a page; what each printed."""
    printed = []
    for words, code in commands(page):
        if words[0] == "cp":
            shutil.copyfile(folder / words[1], folder / words[2])
            continue
        assert words[0] == "goldmask", words
        ran = run_program(folder, *words[1:])
        assert ran.code == code, (words, ran.text)
        printed.append(ran.text)
    return printed


@pytest.fixture
def folder(tmp_path) -> Path:
    """The repository of the tutorials' reader: three photographs, her model, and that which she trains next."""
    for index, name in enumerate(("dawn", "noon", "dusk")):
        Image.fromarray(np.roll(colours(16, 16), index, axis=1)).save(tmp_path / f"{name}.png")
    (tmp_path / "road.tflite").write_bytes(tiny.scores())
    (tmp_path / "retrained.tflite").write_bytes(tiny.scores(trained=np.roll(np.eye(3, dtype=np.float32), 1, axis=0)))
    return tmp_path


def test_your_model_in_your_repository(folder):
    printed = follow("tutorial-model.md", folder)
    assert "case dawn: dawn.png" in printed[0] and "not lib_task_api: the Task Library needs" in printed[0]
    assert len(list((folder / "build").rglob("*.png"))) and "3 PASS" in printed[3]
    assert "masks changed in 3 of 3 cases" in printed[4]
    assert "2 PASS, 1 FAIL" in printed[7] and "this mask was rejected: the kerb is gone" in printed[7]
    assert "3 PASS" in printed[-1] and "pins" not in printed[-1]


def test_read_a_failing_run(folder, monkeypatch):
    """What is golden was predicted by something else, as after an upgrade that broke a kernel."""
    monkeypatch.delenv("CI", raising=False)
    run_program(folder, "models.add", "road.tflite", "--image", "dawn.png", "noon.png", "dusk.png")
    text = (folder / "models/road/model.toml").read_text("utf-8").replace("assumed = true\n", "")
    (folder / "models/road/model.toml").write_text(text, "utf-8")
    desk = Desk(Project(folder), "road")
    desk.predict(Toy(shift=1))
    desk.project.accept()
    printed = follow("tutorial-failure.md", folder)
    assert "confident flips (at most 0)" in printed[0] and "the worst flip has a margin of" in printed[0]
    assert "first difference" in printed[0] or "the input tensors are equal" in printed[0]
    assert "look: " in printed[0] and "--case: only cases that match dawn" in printed[3]
    assert "WHY" in printed[1]


def test_a_page_has_commands_and_says_what_fails():
    assert len(commands("tutorial-model.md")) > 8 and len(commands("tutorial-failure.md")) > 4
    assert (["goldmask", "check"], 10) in commands("tutorial-failure.md")
