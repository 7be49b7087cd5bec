"""A model of one's own: what models.add, init, models.pin and models.metadata write, and what they refuse."""

import re
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import colours
from PIL import Image

from goldmask.cli import own_models
from goldmask.contract.errors import ConfigError, ExitCode, GoldmaskError, UsageError
from goldmask.contract.files import sha256_of
from goldmask.project.config import load_config
from goldmask.project.model import fetch_model, load_spec, model_from_path
from goldmask.project.pipelines import refusals
from goldmask.workflows.add import add
from goldmask.workflows.init import init
from goldmask.workflows.metadata import write_metadata
from goldmask.workflows.selection import select


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """An empty folder in which the user stands, but for her model and three photographs."""
    (tmp_path / "road.tflite").write_bytes(tiny.scores())
    for name in ("Crossing.JPG", "street 1.png", "фото 1.png"):
        Image.fromarray(colours(16, 24)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


IMAGES = ["Crossing.JPG", "street 1.png", "фото 1.png"]


def add_all(**more: str) -> ExitCode:
    return own_models.add_model(own_models.AddFlags("road.tflite", IMAGES, more.get("name", ""), more.get("truth", "")))


def test_a_model_is_declared_with_a_project_around_it(desk, capsys):
    assert add_all() == ExitCode.OK
    told = capsys.readouterr().out
    for line in (
        "case crossing: Crossing.JPG",
        "case street-1: street 1.png",
        "case image-1: фото 1.png",
        "pipeline lib_interpreter",
        "not lib_task_api: the Task Library needs NormalizationOptions",
        "marked as assumed",
        "golden.record --model road --assume",
    ):
        assert line in told, told
    spec = load_spec(desk, "road")
    assert spec.pipelines == ("lib_interpreter",) and spec.labels == ("class_0", "class_1", "class_2")
    assert spec.model.sha256 == sha256_of(desk / "road.tflite") and spec.model.size
    assert fetch_model(desk, "road", spec).normalisation_from == "assumed"
    assert select(load_config(desk), "default").models == ("road",)
    assert (desk / ".gitignore").read_text("utf-8") == "build/\n"


def test_labels_of_the_file_stay_its_own(desk):
    (desk / "road.tflite").write_bytes(tiny.labelled("sky\nroad\nkerb\n"))
    add_all()
    spec = load_spec(desk, "road")
    assert spec.labels == () and fetch_model(desk, "road", spec).labels == ("sky", "road", "kerb")


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (tiny.scores("uint8"), None),
        (tiny.scores("int8"), "takes float32 and uint8 images, not int8"),
        (tiny.class_map(), "needs NormalizationOptions .* and takes scores .* of float32 or uint8, not winner int32"),
    ],
)
def test_what_the_task_library_cannot_run(tmp_path, model, why):
    (tmp_path / "m.tflite").write_bytes(model)
    found = refusals(model_from_path(tmp_path / "m.tflite"))
    assert (not found) if why is None else re.search(why, found["lib_task_api"])


def test_a_second_model_joins_the_suite_and_keeps_its_comments(desk):
    add_all()
    add_all(name="path")
    assert select(load_config(desk), "default").models == ("road", "path")
    assert (desk / "goldmask.toml").read_text("utf-8").startswith("# What")


def test_images_without_a_letter_of_the_alphabet_are_cases_as_well(desk):
    for name in ("фото.png", "42.png", "…a….png"):
        Image.fromarray(colours()).save(desk / name)
    init(desk)
    done = add(desk, desk / "road.tflite", [desk / name for name in ("фото.png", "42.png", "…a….png", "фото 1.png")])
    assert [case.id for case in done.cases] == ["image", "image-42", "a", "image-1"]


def test_two_images_of_one_name_are_two_cases(desk):
    (desk / "other").mkdir()
    Image.fromarray(colours()).save(desk / "other/Crossing.JPG")
    init(desk)
    done = add(desk, desk / "road.tflite", [desk / "Crossing.JPG", desk / "other/Crossing.JPG"])
    assert [case.id for case in done.cases] == ["crossing", "crossing-2"]
    spec = load_spec(desk, "road")
    assert sha256_of(desk / "models/road" / spec.cases[1].file) == sha256_of(desk / "other/Crossing.JPG")


def test_a_folder_is_no_image_and_names_differ_by_more_than_case(desk):
    (desk / "photos").mkdir()
    Image.fromarray(colours()).save(desk / "photos/crossing.jpg")
    init(desk)
    with pytest.raises(UsageError, match="photos is a folder") as refused:
        add(desk, desk / "road.tflite", [Path("photos")])
    assert refused.value.fix == "--image photos/*"
    add(desk, desk / "road.tflite", [desk / "Crossing.JPG", desk / "photos/crossing.jpg"])
    assert {case.file for case in load_spec(desk, "road").cases} == {"Crossing.JPG", "crossing-2.jpg"}


def test_a_ground_truth_comes_by_its_images_name(desk, capsys):
    (desk / "truth").mkdir()
    Image.fromarray(np.zeros((16, 24), np.uint8)).save(desk / "truth/Crossing.png")
    add_all(truth="truth")
    assert "case street-1 has no ground truth" in capsys.readouterr().out
    truths = [case.truth for case in load_spec(desk, "road").cases]
    assert truths[0] and truths[0].file == "crossing_truth.png" and truths[1:] == [None, None]


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        (np.zeros((24, 16), np.uint8), "is 16×24, its image 24×16"),
        (np.full((16, 24), 3, np.uint8), "has class 3, the model's highest is 2"),
    ],
)
def test_a_ground_truth_that_is_none_is_refused(desk, mask, why):
    (desk / "truth").mkdir()
    Image.fromarray(mask).save(desk / "truth/Crossing.png")
    with pytest.raises(UsageError, match=why):
        add_all(truth="truth")
    assert not (desk / "models/road/model.toml").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda desk: desk.joinpath("road.tflite").write_bytes(b"no model"), "is not a .tflite model"),
        (lambda desk: desk.joinpath("Crossing.JPG").write_bytes(b"no image"), "is not a JPEG"),
        (lambda desk: desk.joinpath("Crossing.JPG").unlink(), "there is no image"),
        (lambda desk: desk.joinpath("road.tflite").unlink(), "there is no model"),
    ],
)
def test_what_cannot_be_used_leaves_no_model(desk, change, why):
    change(desk)
    with pytest.raises(GoldmaskError, match=why):
        add_all()
    assert not (desk / "models").exists() and not (desk / "goldmask.toml").exists()


@pytest.mark.parametrize(
    ("file", "name"), [("Größe Ü.tflite", "grosse-u"), ("модель.tflite", "model"), ("Road v2.1 .tflite", "road-v2.1")]
)
def test_a_models_name_comes_from_its_file(desk, file, name):
    (desk / file).write_bytes(tiny.scores())
    own_models.add_model(own_models.AddFlags(file, IMAGES))
    assert (desk / "models" / name / file).is_file()


def test_a_name_is_free_and_usable(desk):
    add_all()
    with pytest.raises(UsageError, match="there is a model 'road' already"):
        add_all()
    with pytest.raises(UsageError, match="is no name"):
        add_all(name="My Road")


def test_files_that_lie_in_the_models_folder_are_not_copied(desk):
    folder = desk / "models/road"
    folder.mkdir(parents=True)
    (desk / "road.tflite").rename(folder / "road.tflite")
    init(desk)
    add(desk, folder / "road.tflite", [desk / "Crossing.JPG"])
    assert sorted(path.name for path in folder.iterdir()) == ["Crossing.JPG", "model.toml", "road.tflite"]
    (desk / "x").mkdir()
    Image.fromarray(255 - colours()).save(desk / "x/Crossing.JPG")
    (folder / "model.toml").unlink()
    with pytest.raises(UsageError, match="is there already, and is not"):
        add(desk, folder / "road.tflite", [desk / "x/Crossing.JPG"])


def test_init_alone(desk, capsys):
    assert own_models.start_project("github") == ExitCode.OK
    workflow = (desk / ".github/workflows/goldmask.yml").read_text("utf-8")
    assert "goldmask check --out build/check" in workflow and "${{ hashFiles(" in workflow
    with pytest.raises(ConfigError, match="has no models"):
        select(load_config(desk), "default")
    with pytest.raises(UsageError, match="is there already"):
        own_models.start_project("")
    with pytest.raises(UsageError, match="is there already"):
        own_models.start_project("github")
    with pytest.raises(UsageError, match="--ci 'jenkins' is not known"):
        own_models.start_project("jenkins")


def test_pin_says_line_by_line_what_changed(desk, capsys):
    add_all()
    before = (desk / "models/road/model.toml").read_text("utf-8")
    (desk / "models/road/road.tflite").write_bytes(tiny.scores(weight=2))
    capsys.readouterr()
    own_models.pin_models([])
    lines = capsys.readouterr().out.splitlines()
    digest = sha256_of(desk / "models/road/road.tflite")
    assert lines[0].startswith("road: road.tflite ") and lines[0].endswith(f"… → {digest[:12]}…")
    assert lines[1:] == [f"road: {name} unchanged" for name in IMAGES]
    after = (desk / "models/road/model.toml").read_text("utf-8")
    assert after != before and after.replace(digest, sha256_of(desk / "road.tflite")) == before


def test_a_download_needs_a_pin_and_a_file_beside_it_does_not(desk):
    add_all()
    path = desk / "models/road/model.toml"
    text = path.read_text("utf-8")
    pin = f'sha256 = "{sha256_of(desk / "road.tflite")}"\n'
    path.write_text(text.replace(pin, ""), "utf-8")
    spec = load_spec(desk, "road")
    assert fetch_model(desk, "road", spec).sha256 == sha256_of(desk / "road.tflite")
    path.write_text(text.replace(pin, "").replace('file = "road.tflite"', 'urls = ["https://example.com/x"]'), "utf-8")
    with pytest.raises(ConfigError, match="a download needs its sha256"):
        load_spec(desk, "road")


@pytest.mark.parametrize(
    ("model", "labels", "why"),
    [
        (tiny.scores("int8"), ["a", "b", "c"], "metadata is for the Task Library"),
        (tiny.class_map(), ["a", "b", "c"], "metadata is for the Task Library"),
        (tiny.labelled("a\nb\nc"), ["a", "b", "c"], "has metadata already"),
        (tiny.scores(), ["a", "b"], "scores 3 classes, and 2 labels are given"),
    ],
)
def test_metadata_that_cannot_be_written(tmp_path, model, labels, why):
    (tmp_path / "m.tflite").write_bytes(model)
    with pytest.raises(UsageError, match=why):
        write_metadata(model_from_path(tmp_path / "m.tflite"), ((0.0,), (1.0,)), labels, tmp_path / "out.tflite")


@pytest.mark.parametrize(
    ("means", "stds", "why"),
    [
        ([], [], "was assumed"),
        (["1"], [], "go together"),
        (["x"], ["1"], "no number"),
        (["1", "2"], ["1", "2"], "one number each, or three"),
    ],
)
def test_metadata_needs_a_normalisation(desk, means, stds, why):
    with pytest.raises(UsageError, match=why):
        own_models.describe_model("road.tflite", means, stds, [], "")


@pytest.mark.project
def test_metadata_makes_a_model_one_for_the_task_library(desk, capsys):
    add_all()
    own_models.describe_model("road", ["127.5"], ["127.5"], ["sky", "road", "kerb"], "")
    told = capsys.readouterr().out
    assert "lib_interpreter, lib_task_api" in told and "road: road.tflite" in told
    model = fetch_model(desk, "road", load_spec(desk, "road"))
    assert model.normalisation_from == "model.toml" and model.description.labels == ("sky", "road", "kerb")
    assert model.description.mean == (127.5,) and not refusals(model)
