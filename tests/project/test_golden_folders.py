"""Goldens that come and go: what is pruned, what recording says, and what it leaves when it fails."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tiny
from conftest import NORMALISED, Project
from PIL import Image

from goldmask.contract.errors import ExitCode
from goldmask.contract.files import sha256_of


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def add_model(project: Project, name: str, model: bytes, pipelines: str = '["lib_interpreter"]') -> Path:
    """Another model with one case, in the default suite."""
    folder = project.folder / "models" / name
    folder.mkdir()
    (folder / "model.tflite").write_bytes(model)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "black.png")
    (folder / "model.toml").write_text(
        f'schema = 1\nsummary = "one case"\npipelines = {pipelines}\nlabels = ["red", "green", "blue"]\n{NORMALISED}'
        f'[model]\nfile = "model.tflite"\nsha256 = "{sha256_of(folder / "model.tflite")}"\n'
        f'[[cases]]\nid = "black"\nfile = "black.png"\nsha256 = "{sha256_of(folder / "black.png")}"\n',
        "utf-8",
    )
    project.edit("goldmask.toml", 'models = ["tiny"]', f'models = ["tiny", "{name}"]')
    return folder


def test_pruning_all_cases_leaves_no_husk(project: Project):
    project.edit("models/tiny/model.toml", 'id = "flag"', 'id = "fresh"')
    project.edit("models/tiny/model.toml", 'id = "wide"', 'id = "other"')
    ran = project.run("golden.prune")
    assert ran.code == 0 and "removed tiny lib_interpreter flag" in ran.text and "2 unused goldens" in ran.text
    assert not (project.model / "goldens").exists()
    project.record()
    assert project.run("check").code == 0


def test_pruning_some_cases_keeps_the_others(project: Project):
    before = contents(project.golden)
    project.edit("models/tiny/model.toml", 'id = "wide"', 'id = "other"')
    ran = project.run("golden.prune")
    assert ran.code == 0 and "1 unused goldens removed" in ran.text
    kept = {name: data for name, data in before.items() if "flag" in name}
    assert len(kept) == 2 and kept.items() <= contents(project.golden).items()
    assert not any("wide" in name for name in contents(project.golden))


def test_goldens_of_pipelines_and_variants_that_are_no_more_are_seen(project: Project):
    """A variant's goldens stay while it is declared; they are the twin."""
    for place in ("goldens-fast/lib_interpreter", "goldens-gone/lib_interpreter", "goldens/lib_task_api"):
        shutil.copytree(project.golden, project.model / place)
    digest = sha256_of(project.model / "tiny.tflite")
    path = project.model / "model.toml"
    variant = f'[variants.fast.model]\nfile = "tiny.tflite"\nsha256 = "{digest}"\n[variants.fast.input]\n'
    path.write_text(path.read_text("utf-8") + variant + NORMALISED.partition("\n")[2], "utf-8")
    kept = {name: data for name, data in contents(project.model).items() if "gone" not in name and "task" not in name}
    ran = project.run("golden.verify", "--model", "tiny")
    assert ran.code == ExitCode.GOLDEN and "tiny-gone" in ran.text and "4 ERROR" in ran.text
    ran = project.run("golden.prune")
    assert ran.code == 0 and "4 unused goldens removed" in ran.text
    assert "removed tiny lib_task_api flag" in ran.text and "removed tiny-gone lib_interpreter wide" in ran.text
    assert contents(project.model) == kept and not (project.model / "goldens-gone").exists()
    assert project.run("golden.prune").text.strip() == "no golden is unused"


def test_what_was_recorded_before_a_failure_is_said_and_the_log_is_kept(project: Project):
    """`tiny` is recorded, then `bad` fails: that one is named, and nothing is denied."""
    add_model(project, "bad", tiny.scores(weight=float("nan")))
    project.edit("models/tiny/model.toml", "mean = [127.5]", "mean = [127]")
    ran = project.run("golden.record", "--mode", "all")
    assert ran.code == ExitCode.RUN
    assert "pends tiny lib_interpreter flag" in ran.text and "nothing was recorded" not in ran.text
    assert "the golden of bad through lib_interpreter was not recorded, because case black failed" in ran.text
    log = re.search(r"try: cat (\S+/run\.log)", ran.text)
    assert log and Path(log[1]).is_file() and Path(log[1]).is_relative_to(project.folder / "build/record")
    assert not (project.folder / "models/bad/goldens").exists()
    project.accept()
    assert project.run("check", "--model", "tiny").code == 0


@pytest.mark.parametrize("words", [("--pipeline", "lib_task_api"), ("--pipeline", "lib_task_api", "--model", "tiny")])
def test_recording_nothing_is_said(project: Project, words: tuple[str, ...]):
    before = contents(project.model)
    ran = project.run("golden.record", *words)
    assert ran.code == ExitCode.USAGE and contents(project.model) == before
    named = "the model.toml of tiny does not list lib_task_api try: --pipeline lib_interpreter"
    assert (named if "--model" in words else "there is nothing to record") in ran.text


def test_two_recordings_at_once_end_in_one_whole_golden(project: Project):
    project.edit("models/tiny/model.toml", "mean = [127.5]", "mean = [127]")
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(project.run, "golden.record", "--mode", "all") for _ in range(2)]
        assert [run.result().code for run in runs] == [0, 0]
    project.accept()
    assert [path.name for path in project.golden.parent.iterdir()] == ["lib_interpreter"]
    assert project.run("check").code == 0


def test_recording_what_is_there_already_says_so(project: Project):
    ran = project.run("golden.record")
    assert ran.code == 0 and ran.stdout.split() == [
        "kept",
        "tiny",
        "lib_interpreter",
        "flag",
        "kept",
        "tiny",
        "lib_interpreter",
        "wide",
    ]


def test_nothing_has_to_be_confirmed_where_nothing_is_recorded(project: Project):
    project.edit("models/tiny/model.toml", NORMALISED, "")
    ran = project.run("golden.record")
    assert ran.code == 0 and "kept tiny lib_interpreter flag" in ran.text
    ran = project.run("golden.record", "--mode", "all")
    assert ran.code == ExitCode.CONFIG and "nothing is recorded on an assumption" in ran.text


def test_a_model_of_a_suite_without_the_pipeline_does_not_stop_the_others(project: Project):
    add_model(project, "task", tiny.scores(), '["lib_task_api"]')
    ran = project.run("golden.record", "--pipeline", "lib_interpreter")
    assert ran.code == 0 and "kept tiny lib_interpreter flag" in ran.text and "task" not in ran.stdout
