"""The smaller tasks through the real program: models.*, doctor, run."""

import json

import pytest
import tiny
from conftest import REPO, Project, run_program

from goldmask.contract.errors import ExitCode

pytestmark = pytest.mark.project


def test_models_list_names_each_with_its_licence():
    ran = run_program(REPO, "models.list")
    assert ran.code == 0 and "deeplabv3" in ran.text and "Apache-2.0" in ran.text


def test_models_fetch_fills_a_cache_that_works_without_network(tmp_path, starter_model):
    cache = str(tmp_path / "cache")
    ran = run_program(REPO, "models.fetch", "--model", "deeplabv3", GOLDMASK_CACHE=cache)
    assert ran.code == 0 and ran.text.count(cache) == 7, ran.text
    words = ("models.fetch", "--model", "deeplabv3")
    again = run_program(REPO, *words, GOLDMASK_CACHE=cache, GOLDMASK_MIRROR="", HTTPS_PROXY="http://127.0.0.1:9")
    assert again.code == 0 and again.stdout == ran.stdout


def test_models_info_of_the_starter_model(starter_model):
    by_name = run_program(REPO, "models.info", "--model", "deeplabv3")
    assert by_name.code == 0
    for words in (
        "sub_7 float32[1,257,257,3]",
        "ResizeBilinear_3: logits",
        "(pixel - 127.5) / 127.5, metadata",
        "potted plant",
    ):
        assert words in by_name.text
    assert run_program(REPO, "models.info", "--model", starter_model).text == by_name.text


def test_models_info_of_the_bundled_model_in_both_precisions():
    for name, image in (("shapes", "float32[1,129,129,3]"), ("shapes-int8", "uint8[1,129,129,3], quantised")):
        ran = run_program(REPO, "models.info", "--model", name)
        assert ran.code == 0 and image in ran.text and "background, circle, square, triangle, star, cross" in ran.text


def test_models_info_says_where_a_normalisation_comes_from(project: Project):
    (project.folder / "bare.tflite").write_bytes(tiny.scores())
    assert "(pixel - 127.5) / 127.5, assumed" in project.run("models.info", "--model", "bare.tflite").text
    (project.folder / "steps.tflite").write_bytes(tiny.scores("int8"))
    ran = project.run("models.info", "--model", "steps.tflite")
    assert ran.code == 0 and "(pixel - 128) / 127.5, from scale and zero point" in ran.text
    assert "quantised (scale 0.00784314, zero point 0)" in ran.text
    (project.folder / "bytes.tflite").write_bytes(tiny.class_map("uint8", image_dtype="uint8"))
    ran = project.run("models.info", "--model", "bytes.tflite")
    assert ran.code == 0 and "uint8 pixels go in as they are" in ran.text and "classes uint8[1,8,8]" in ran.text


def test_models_info_shows_a_model_that_cannot_be_run_and_what_is_missing(project: Project):
    (project.folder / "two.tflite").write_bytes(tiny.two_outputs())
    ran = project.run("models.info", "--model", "two.tflite")
    assert ran.code == ExitCode.USAGE and "left float32[1,8,8,3]" in ran.stdout and "right float32" in ran.stdout
    assert 'try: name = "left" or "right" under [output] in model.toml' in ran.text
    project.declare(tiny.scores(channels=1))
    assert "logits float32[1,8,8,1]" in project.run("models.info", "--model", "tiny").stdout


def test_nothing_is_recorded_on_an_assumption_until_it_is_declared(bare_project):
    project = bare_project()
    project.declare(tiny.scores(), extra="# of an old training\n")
    refused = project.run("golden.record")
    assert refused.code == ExitCode.CONFIG and not project.golden.exists()
    assert "(pixel - 127.5) / 127.5 was assumed, and nothing is recorded on an assumption" in refused.text
    assert "golden.record --model tiny --assume" in refused.text
    project.record("--model", "tiny", "--assume")
    text = (project.model / "model.toml").read_text("utf-8")
    assert "# of an old training" in text and "mean = [127.5]" in text
    checked = project.run("check")
    assert checked.code == 0 and "assumed" not in checked.text


def test_one_bad_image_does_not_stop_the_others(project):
    (project.folder / "text.png").write_text("no image", "utf-8")
    images = [w for name in ("text.png", "models/tiny/flag.png", "gone.png") for w in ("--image", name)]
    ran = project.run("run", "--model", "tiny", *images, "--out", "out")
    assert ran.code == 4 and "text.png is not a JPEG" in ran.text and "there is no image gone.png" in ran.text
    results = {each["case"]: each for each in json.loads((project.folder / "out/bundle.json").read_text())["results"]}
    assert {case: each["status"] for case, each in results.items()} == {"flag": "ok", "text": "error"}
    assert results["text"]["error"]["stage"] == "decode"
    ran = project.run("run", "--model", "tiny", "--image", "models/tiny/flag.png", "--out", "out")
    assert ran.code == 0
    ran = project.run("run", "--model", "tiny", "--image", "gone.png", "--image", "text.png", "--out", "out")
    assert ran.code == 1 and "there is no image gone.png" in ran.text


def test_run_says_that_it_assumed_a_normalisation(project: Project):
    (project.folder / "bare.tflite").write_bytes(tiny.scores())
    ran = project.run("run", "--model", "bare.tflite", "--image", "models/tiny/flag.png", "--out", "out")
    assert ran.code == 0 and "(pixel - 127.5) / 127.5 was assumed" in ran.text
    declared = project.run(
        "run", "--model", "tiny", "--image", "models/tiny/flag.png", "--out", "out", "--delegate", "cpu"
    )
    assert declared.code == 0 and "cpu, 2 threads" in declared.text and "red 50.0%" in declared.text


def test_doctor_says_what_is_wrong_with_goldmask_toml_and_goes_on(project: Project):
    project.edit("goldmask.toml", "schema = 1", "schema = 1\nsweets = 1")
    ran = project.run("doctor")
    assert ran.code == ExitCode.ENVIRONMENT
    assert "ERROR goldmask.toml: " in ran.text and "goldmask.toml: sweets: unknown key" in ran.text
    assert "lib_interpreter: the reference runtime is installed" in ran.text and "JDK" in ran.text
