"""Everything that was asked for has a row; and a bundle of `run` can be judged as a golden can."""

import json

import pytest
from conftest import Project

from goldmask.contract.errors import ExitCode
from goldmask.contract.files import sha256_of


def rows_of(project: Project, out: str = "build/check") -> list[tuple[str, str, str]]:
    report = json.loads((project.folder / out / "report.json").read_text("utf-8"))
    return [(row["case"], row["pipeline"], row["verdict"]) for row in report["comparisons"]]


def test_a_model_that_has_none_of_the_pipelines_is_skipped_and_nothing_was_compared(project: Project):
    project.edit("goldmask.toml", '["lib_interpreter"]', '["lib_task_api"]')
    ran = project.run("check")
    assert ran.code == ExitCode.ENVIRONMENT and "the model.toml of tiny does not list lib_task_api" in ran.text
    assert rows_of(project) == [("flag", "lib_task_api", "SKIP"), ("wide", "lib_task_api", "SKIP")]


@pytest.mark.parametrize("named", [("--model", "tiny"), ("--pipeline", "lib_task_api")], ids=lambda words: words[0])
def test_and_is_an_error_where_it_was_named(project: Project, named: tuple[str, str]):
    project.edit("goldmask.toml", '["lib_interpreter"]', '["lib_task_api"]')
    ran = project.run("check", *named)
    assert ran.code == ExitCode.ENVIRONMENT and "2 ERROR" in ran.text and "does not list lib_task_api" in ran.text


def test_one_pipeline_of_two_is_a_row_of_its_own_and_the_other_is_judged(project: Project):
    project.edit("goldmask.toml", '["lib_interpreter"]', '["lib_interpreter", "lib_task_api"]')
    ran = project.run("check", "--model", "tiny")
    assert ran.code == ExitCode.OK and "2 PASS, 2 SKIP" in ran.text


def test_a_suite_that_names_no_pipelines_runs_those_of_each_model(project: Project):
    project.edit("goldmask.toml", 'pipelines = ["lib_interpreter"]\n', "")
    ran = project.run("check")
    assert ran.code == ExitCode.OK and "2 PASS" in ran.text and "SKIP" not in ran.text


def test_a_run_keeps_margins_so_that_its_ties_can_be_told(project: Project):
    ran = project.run("run", "--model", "tiny", "--image", "models/tiny/flag.png", "--out", "out")
    assert ran.code == ExitCode.OK
    (result,) = json.loads((project.folder / "out/bundle.json").read_text("utf-8"))["results"]
    margin = result["taps"]["margin"]
    assert margin["unit"] == "score" and sha256_of(project.folder / "out" / margin["file"]) == margin["sha256"]
