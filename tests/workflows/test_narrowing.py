"""A check of some cases, of what failed the last time, or up to the first failure; and the command for it."""

import json
import shlex
from pathlib import Path

import pytest
from conftest import Project
from test_check import flip_one, forge, report_of

from goldmask.contract.errors import ConfigError, EnvironmentMissing, ExitCode, GoldmaskError, UsageError
from goldmask.project.config import load_config
from goldmask.report.report import Report, exit_code
from goldmask.verdict.compare import NotJudged, NotRun, Verdict
from goldmask.workflows.narrowing import CheckFlags, again, select_failed, with_cases
from goldmask.workflows.selection import FAIL_FAST, Selection, select

CONFIG = """schema = 1
[suites.default]
models = ["street", "shapes"]
pipelines = ["lib_interpreter"]
[suites.night]
models = ["street"]
"""
FILE = Path("build/check/report.json")


@pytest.fixture
def root(tmp_path) -> Path:
    """A project with two models, of cases that begin alike."""
    (tmp_path / "goldmask.toml").write_text(CONFIG, "utf-8")
    for model, cases in (("street", ("kerb", "kerb-night", "lamp")), ("shapes", ("circle", "lamp"))):
        (tmp_path / "models" / model).mkdir(parents=True)
        text = f'schema = 1\nsummary = "x"\n[model]\nfile = "m.tflite"\nsha256 = "{"0" * 64}"\n'
        text += "".join(f'[[cases]]\nid = "{case}"\nfile = "a.png"\nsha256 = "{"0" * 64}"\n' for case in cases)
        (tmp_path / "models" / model / "model.toml").write_text(text, "utf-8")
    return tmp_path


def of(root: Path, **narrowed: object) -> Selection:
    return select(load_config(root), "default", targets=["python", "android-jvm"], **narrowed)


def taken(selection: Selection) -> set[str]:
    """`model/case` of the rows on python."""
    return {f"{model}/{case}" for model, _, target, case in selection.rows or () if target == "python"}


def row(model: str, target: str, case: str, pipeline: str = "lib_interpreter", **fields: object) -> NotJudged | NotRun:
    names = {"model": model, "target": target, "case": case, "pipeline": pipeline}
    if fields.get("verdict") is Verdict.SKIP:
        return NotRun(**names, reason=str(fields.get("reason", "")))
    return NotJudged(**names, reason="", exit_code=ExitCode.RUN)


def report(*rows: NotJudged | NotRun) -> Report:
    return Report(schema=1, exit_code=exit_code(rows), environment={}, comparisons=rows, skipped=())


@pytest.mark.parametrize(
    ("patterns", "cases"),
    [
        (["kerb"], {"street/kerb"}),
        (["kerb*"], {"street/kerb", "street/kerb-night"}),
        (["lamp"], {"street/lamp", "shapes/lamp"}),
        (["circle", "k*t"], {"shapes/circle", "street/kerb-night"}),
        (["*"], {"street/kerb", "street/kerb-night", "street/lamp", "shapes/circle", "shapes/lamp"}),
        (["[kl]*"], {"street/kerb", "street/kerb-night", "street/lamp", "shapes/lamp"}),
    ],
)
def test_patterns_choose_cases(root, patterns, cases):
    whole = of(root)
    narrowed = with_cases(root, whole, patterns)
    assert taken(narrowed) == cases and whole.rows is None
    assert set(narrowed.models) == {case.partition("/")[0] for case in cases}
    assert narrowed.notes == (f"--case: only cases that match {' or '.join(patterns)} were compared",)


@pytest.mark.parametrize(
    ("patterns", "models", "sentence"),
    [
        (["krb"], [], "--case 'krb' matches no case of street, shapes (did you mean kerb?)"),
        (["kerb", "x*"], [], "--case 'x*' matches no case of street, shapes"),
        (["circle"], ["street"], "--case 'circle' matches no case of street"),
        (["circle"], ["street", "shapes"], "--case circle matches no case of street"),
    ],
)
def test_what_matches_nothing_is_a_mistake(root, patterns, models, sentence):
    with pytest.raises(UsageError) as caught:
        with_cases(root, of(root, models=models), patterns, models)
    assert caught.value.what == sentence and caught.value.fix.startswith("--case ")


def test_a_broken_model_is_told_by_the_check(root):
    (root / "models/street/model.toml").write_text("[", "utf-8")
    assert with_cases(root, of(root), ["kerb"]).rows is None


FAILED = (
    row("street", "python", "kerb"),
    row("street", "android-jvm", "lamp"),
    row("street", "python", "lamp", verdict=Verdict.SKIP, reason="no wheel"),
    row("shapes", "python", "lamp", verdict=Verdict.SKIP, reason=FAIL_FAST),
)


def failed(root: Path, *rows: NotJudged | NotRun, **flags: object) -> Selection:
    return select_failed(root, load_config(root), CheckFlags(**flags), {}, report(*rows), FILE)


def test_what_failed_is_selected_and_must_run(root):
    selection = failed(root, *FAILED)
    assert selection.rows == {
        ("street", "lib_interpreter", "python", "kerb"),
        ("street", "lib_interpreter", "android-jvm", "lamp"),
    }
    assert selection.models == ("street",) and set(selection.targets) == {"python", "android-jvm"}
    assert {"street", "python", "android-jvm", "lib_interpreter"} <= selection.named
    note = "--last-failed: of 4 rows only the 2 that had failed ran again, and not the 1 that --fail-fast had left out"
    assert selection.notes == (note,)
    assert with_cases(root, selection, ["lamp"]).rows == {("street", "lib_interpreter", "android-jvm", "lamp")}


def test_what_failed_is_narrowed_to_what_is_named(root):
    selection = failed(root, *FAILED, targets=["python"])
    assert selection.rows == {("street", "lib_interpreter", "python", "kerb")} and selection.targets == ("python",)


@pytest.mark.parametrize(
    ("rows", "flags", "kind", "sentence"),
    [
        (FAILED[2:], {}, EnvironmentMissing, f"nothing failed in {FILE}, so there is nothing to run again"),
        (FAILED, {"models": ["shapes"]}, UsageError, f"nothing of shapes failed in {FILE}"),
        (FAILED, {"targets": ["toaster"]}, UsageError, "--target 'toaster' is not known"),
        ((row("street", "python", "gone"),), {}, UsageError, "gone of street failed in"),
        ((row("gone", "python", "kerb"),), {}, ConfigError, "there is no model 'gone'"),
        ((row("street", "toaster", "kerb"),), {}, UsageError, "--target 'toaster' is not known"),
    ],
)
def test_nothing_to_run_again_is_a_sentence(root, rows, flags, kind, sentence):
    with pytest.raises(GoldmaskError) as caught:
        failed(root, *rows, **flags)
    assert isinstance(caught.value, kind) and caught.value.what.startswith(sentence) and caught.value.fix


def test_several_destinations_are_one_target(root):
    rows = [row("street", f"ios-simulator.{name}", "kerb") for name in ("iphone-15", "iphone-16")]
    assert failed(root, *rows).rows == {("street", "lib_interpreter", "ios-simulator", "kerb")}
    assert again(report(*rows), CheckFlags()) == (
        "check", "--model", "street", "--pipeline", "lib_interpreter", "--target", "ios-simulator", "--case", "kerb",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "flags", "command"),
    [
        (FAILED[2:], {}, ""),
        (FAILED[:1], {}, "check --model street --pipeline lib_interpreter --target python --case kerb"),
        (FAILED, {}, "check --last-failed"),
        ([row("street", "python", f"c{number}") for number in range(11)], {}, "check --last-failed"),
        (
            FAILED,
            {
                "suite": "night",
                "out": "my check",
                "options": {"threads": "4", "device": "model=Pixel 6", "all_devices": False, "destination": []},
            },
            "check --suite night --last-failed --threads 4 --out 'my check'",
        ),
        (
            [row("street", "android-device", "kerb")],
            {"options": {"device": "model=Pixel 6", "all_devices": True}},
            "check --model street --pipeline lib_interpreter --target android-device --case kerb "
            "--device 'model=Pixel 6' --all-devices",
        ),
    ],
)
def test_the_command_names_what_failed_or_says_last_failed(rows, flags, command):
    assert shlex.join(again(report(*rows), CheckFlags(**flags))) == command


def rows_of(project: Project) -> list[tuple[str, str, str]]:
    return [(each["model"], each["case"], each["verdict"]) for each in report_of(project)["comparisons"]]


@pytest.mark.project
def test_a_case_alone_and_what_failed_once_more(project: Project):
    """The command that `check` prints is typed; then what failed is mended, and there is nothing to run again."""
    good = {path: path.read_bytes() for path in project.golden.rglob("*") if path.is_file()}
    forge(project, flip_one)
    assert project.run("check", "--out", "build/my check").code == ExitCode.MASKS_DIFFER
    ran = project.run("check", "--threads", "1")
    assert ran.code == ExitCode.MASKS_DIFFER
    command = ran.stdout.partition("run what failed again:\n")[2].partition("\n\n")[0]
    program, *words = shlex.split(command)  # in a log it is one line
    assert program == "./goldmask" and words[-2:] == ["--threads", "1"]
    assert project.run(*words).code == ExitCode.MASKS_DIFFER
    assert rows_of(project) == [("tiny", "flag", "FAIL")]
    for path, data in good.items():
        path.write_bytes(data)
    ran = project.run("check", "--last-failed", "--out", "build/my check")
    assert ran.code == 0 and "of 2 rows only the 1 that had failed ran again" in ran.text
    ran = project.run("check", "--last-failed", "--out", "build/my check")
    assert ran.code == ExitCode.ENVIRONMENT
    assert "nothing failed in build/my check/report.json, so there is nothing to run again" in ran.text
    assert len(json.loads((project.folder / "build/my check/report.json").read_text("utf-8"))["comparisons"]) == 1


@pytest.mark.project
def test_a_last_report_that_is_missing_or_damaged_is_a_sentence(project: Project):
    ran = project.run("check", "--last-failed")
    assert ran.code == ExitCode.USAGE and "report.json cannot be read" in ran.text
    (project.folder / "build/check").mkdir(parents=True)
    (project.folder / "build/check/report.json").write_text("{", "utf-8")
    ran = project.run("check", "--last-failed")
    assert ran.code == ExitCode.USAGE and "report.json is not a report" in ran.text
    assert (project.folder / "build/check/report.json").read_text("utf-8") == "{"


@pytest.mark.project
def test_nothing_runs_after_the_first_failure(project: Project):
    """The second model is another one of the same file, and would pass."""
    forge(project, flip_one)
    text = (project.model / "model.toml").read_text("utf-8")
    (project.folder / "models/tiny2").mkdir()
    for name in ("flag.png", "wide.png", "tiny.tflite"):
        (project.folder / "models/tiny2" / name).write_bytes((project.model / name).read_bytes())
    (project.folder / "models/tiny2/model.toml").write_text(text, "utf-8")
    project.edit("goldmask.toml", '["tiny"]', '["tiny", "tiny2"]')
    ran = project.run("check", "--model", "tiny", "tiny2", "--fail-fast")
    assert ran.code == ExitCode.MASKS_DIFFER and "not run: --fail-fast" in ran.text
    assert rows_of(project) == [
        ("tiny", "flag", "FAIL"), ("tiny", "wide", "PASS"), ("tiny2", "flag", "SKIP"), ("tiny2", "wide", "SKIP"),
    ]  # fmt: skip
    assert "python · lib_interpreter · tiny2" not in ran.stderr
    ran = project.run("check", "--last-failed")
    assert "and not the 2 that --fail-fast had left out" in ran.text
    assert rows_of(project) == [("tiny", "flag", "FAIL")]
