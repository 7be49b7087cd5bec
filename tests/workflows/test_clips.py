"""A clip through the real program: frames are recorded and checked in order, with their flicker."""

import json

import numpy as np
import pytest
from conftest import colours
from PIL import Image

pytestmark = pytest.mark.project


def test_frames_of_a_clip_are_compared_with_the_frame_before(project):
    folder = project.model / "clips/walk"
    folder.mkdir(parents=True)
    for number in (1, 2, 10):
        Image.fromarray(np.roll(colours(), number, axis=1)).save(folder / f"{number}.png")
    with (project.model / "model.toml").open("a", encoding="utf-8") as toml:
        toml.write('[[clips]]\nid = "walk"\nfolder = "clips/walk"\n')
    project.record()
    ran = project.run("check", "--target", "python", "--case", "walk.*")
    assert ran.code == 0, ran.text
    rows = json.loads((project.folder / "build/check/report.json").read_text("utf-8"))["comparisons"]
    assert [row["case"] for row in rows] == ["walk.1", "walk.2", "walk.10"]
    assert rows[0]["flicker"] is None
    # Each column below moves by one, then by eight, which is once around; the red half above stays.
    assert [row["flicker"]["expected"] for row in rows[1:]] == [row["flicker"]["actual"] for row in rows[1:]]
    assert rows[1]["flicker"]["actual"] == 0.125 and rows[2]["flicker"] == {"actual": 0, "expected": 0, "extra": 0}
