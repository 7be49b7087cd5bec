"""`diagnose` as it is typed: the cause in the terminal and in report.json, with the comparison's exit code."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Project, equal_bundle, run_program

from goldmask.contract.bundle import load_bundle, save
from goldmask.contract.files import sha256_of
from goldmask.contract.mask import encode_mask, read_mask

GOLDEN = "models/tiny/goldens/lib_interpreter"


def mirrored(project: Project) -> Path:
    """A bundle of an app that mirrors its masks."""
    return changed(project, "mirrored", lambda mask: mask[:, ::-1])


def checkered(project: Project) -> Path:
    """A bundle of an app with a bug that nobody has thought of."""
    checks = np.indices((8, 8)).sum(axis=0) % 2
    return changed(project, "checkered", lambda mask: np.where(checks, mask, 2 - mask))


def changed(project: Project, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """A bundle with changed masks."""
    folder = equal_bundle(project, project.folder / name)
    bundle = load_bundle(folder)
    results = []
    for result in bundle.results:
        path = folder / result.mask
        path.write_bytes(encode_mask(np.ascontiguousarray(change(read_mask(path)), np.uint8)))
        results.append(result.model_copy(update={"mask_sha256": sha256_of(path)}))
    save(bundle.model_copy(update={"results": tuple(results)}), folder / "bundle.json")
    return folder


def test_a_cause_is_named_with_the_line_to_correct(project):
    mirrored(project)
    ran = project.run("diagnose", "--golden", GOLDEN, "--bundle", "mirrored", "--out", "out")
    assert ran.code == 10, ran.text
    assert "WHY the mask is mirrored left to right tiny · python · lib_interpreter: flag, wide" in ran.text
    assert "right: numpy.argmax(scores[0], axis=-1) is [height, width]" in ran.text
    rows = json.loads((project.folder / "out/report.json").read_text("utf-8"))["comparisons"]
    assert {row["diagnosis"]["causes"][0]["name"] for row in rows} == {"mask-mirrored"}
    assert {row["diagnosis"]["evidence"] for row in rows} == {"reproduces 64 of 64 pixels; agreement was 50.0%"}


def test_what_is_not_explained_says_what_was_tried(project):
    checkered(project)
    ran = project.run("diagnose", "--golden", GOLDEN, "--bundle", "checkered", "--out", "out")
    assert ran.code == 10 and "WHY not explained" in ran.text and "ways to post-process the golden's mask" in ran.text


def test_a_bundle_of_another_model_has_its_file_as_the_cause(project):
    folder = mirrored(project)
    bundle = load_bundle(folder)
    save(
        bundle.model_copy(update={"model": bundle.model.model_copy(update={"sha256": "9" * 64})}),
        folder / "bundle.json",
    )
    ran = project.run("diagnose", "--golden", GOLDEN, "--bundle", "mirrored", "--out", "out")
    assert ran.code == 5 and "WHY another model's file ran, which no model.toml declares" in ran.text, ran.text
    assert 'right: Interpreter(model_path="tiny.tflite"), the file with sha256' in ran.text


def test_equal_masks_need_no_cause(project):
    equal_bundle(project, project.folder / "equal")
    ran = project.run("diagnose", "--golden", GOLDEN, "--bundle", "equal", "--out", "out")
    assert ran.code == 0 and "WHY" not in ran.text, ran.text


def test_bundles_without_a_project(project, tmp_path):
    """Masks alone tell what happened after inference."""
    mirrored(project)
    for name, source in (("golden", project.golden), ("theirs", project.folder / "mirrored")):
        shutil.copytree(source, tmp_path / "elsewhere" / name)
    ran = run_program(tmp_path / "elsewhere", "diagnose", "--golden", "golden", "--bundle", "theirs")
    assert ran.code == 10 and "the mask is mirrored left to right" in ran.text, ran.text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--golden", GOLDEN, "--bundle", GOLDEN), "are one folder"),
        (("--golden", "nowhere", "--bundle", GOLDEN), "--golden 'nowhere' is no folder"),
    ],
)
def test_folders_that_cannot_be_meant(project, words, sentence):
    ran = project.run("diagnose", *words)
    assert ran.code == 1 and sentence in ran.text
