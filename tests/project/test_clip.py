"""Clips: a folder of frames becomes cases, in order, and what is no clip is refused."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from goldmask.contract.errors import ConfigError
from goldmask.project.case import Case
from goldmask.project.clip import Clip, frames_before, frames_of
from goldmask.project.model import load_spec

WALK = Clip(id="walk", folder="clips/walk", licence="CC0-1.0")
TOML = 'schema = 1\nsummary = "a walk"\n[model]\nfile = "m.tflite"\n[[clips]]\nid = "walk"\nfolder = "clips/walk"\n'


def frames(folder, *names):
    (folder / "clips/walk").mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(folder / "clips/walk" / name)


def test_frames_are_cases_in_the_order_of_their_numbers(tmp_path):
    frames(tmp_path, "frame10.png", "frame2.png", "Frame 1.jpg")
    (tmp_path / "clips/walk/notes.txt").write_text("taken on a Sunday")
    cases = frames_of(WALK, tmp_path)
    assert [case.id for case in cases] == ["walk.frame-1", "walk.frame2", "walk.frame10"]
    assert {(case.clip, case.licence) for case in cases} == {("walk", "CC0-1.0")}
    assert cases[1].file == "clips/walk/frame2.png"


def test_the_frame_before_is_of_the_same_clip():
    cases = [Case(id=name, file="a.png", clip=clip) for name, clip in (("a", "x"), ("b", "x"), ("c", "y"), ("d", None))]
    assert frames_before(cases) == {"b": "a"} and frames_before([]) == {}
    alone = [Case(id=name, file="a.png") for name in "ab"]
    assert frames_before(alone) == {}


@pytest.mark.parametrize("folder", ["", "/etc", "../other", "~/clips"])
def test_a_clip_stays_in_its_models_folder(folder):
    with pytest.raises(ValidationError, match="leads out of the model's folder"):
        Clip(id="walk", folder=folder)


def test_a_clip_without_frames_is_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ConfigError, match="clip walk has no frames: .*clips/walk has no .png"):
            frames_of(WALK, tmp_path)
        (tmp_path / "clips/walk").mkdir(parents=True, exist_ok=True)


def test_two_frames_of_one_name_are_an_error(tmp_path):
    frames(tmp_path, "a b.png", "a-b.png")
    with pytest.raises(ConfigError, match="two frames of clip walk have the name walk.a-b"):
        frames_of(WALK, tmp_path)


def test_more_frames_than_are_read_are_an_error(tmp_path, monkeypatch):
    frames(tmp_path, "1.png", "2.png")
    monkeypatch.setattr("goldmask.project.clip.MAX_FRAMES", 1)
    with pytest.raises(ConfigError, match="has 2 frames, at most 1 are read"):
        frames_of(WALK, tmp_path)


def test_a_model_has_the_frames_behind_its_cases(tmp_path):
    folder = tmp_path / "models/road"
    frames(folder, "1.png", "2.png")
    (folder / "model.toml").write_text(TOML, "utf-8")
    assert [case.id for case in load_spec(tmp_path, "road").cases] == ["walk.1", "walk.2"]
    (folder / "model.toml").write_text(TOML + '[[cases]]\nid = "walk.2"\nfile = "other.png"\n', "utf-8")
    with pytest.raises(ConfigError, match=r"case id 'walk\.2' is used twice"):
        load_spec(tmp_path, "road")


def test_a_model_without_cases_and_clips_is_refused(tmp_path):
    folder = tmp_path / "models/road"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(TOML.partition("[[clips]]")[0], "utf-8")
    with pytest.raises(ConfigError, match="cases: a model needs one at least, or a clip"):
        load_spec(tmp_path, "road")
