"""`latency.history`: committed baselines and folders of reports, as data and as pictures."""

import json

import pytest
from conftest import make_project
from PIL import Image
from verdict_rows import STEADY, row

from goldmask.contract.bundle import to_json
from goldmask.contract.errors import EnvironmentMissing, UsageError
from goldmask.contract.files import write_atomically
from goldmask.machine import shell
from goldmask.report.history import to_picture
from goldmask.report.report import REPORT_FILE, Report, exit_code
from goldmask.report.report import to_json as report_json
from goldmask.verdict.baseline import Provenance, made_of
from goldmask.verdict.steps import Point, history
from goldmask.workflows.history import histories, read_git, read_reports

PROVENANCE = Provenance(recorded_at="2026-01-01T00:00:00+00:00")


def rows(factor: float, **changed):
    return [row(inference_ms=tuple(factor * ms for ms in STEADY), **changed)]


def write_report(folder, factor: float, started_at: str, **changed) -> None:
    made = rows(factor, **changed)
    environment = {"started_at": started_at} if started_at else {}
    whole = Report(schema=1, exit_code=exit_code(made), environment=environment, comparisons=tuple(made), skipped=())
    folder.mkdir(parents=True)
    write_atomically(folder / REPORT_FILE, report_json(whole))


def test_reports_are_read_in_the_order_of_their_times(tmp_path):
    for name, factor, at in (("c", 1.0, "2026-01-01"), ("b", 1.0, "2026-01-02"), ("a", 1.2, "2026-01-03")):
        write_report(tmp_path / name, factor, at)
    write_report(tmp_path / "d", 1.0, "2026-01-04", model="other")
    (tiny, other) = histories(read_reports([tmp_path]), 0.03)
    assert [point.subject for point in tiny.points] == ["c", "b", "a"] and len(other.points) == 1
    (step,) = tiny.steps
    assert step.subject == "a" and step.factor == pytest.approx(1.2, 0.01)
    assert tiny.name == "tiny · lib_interpreter · android-device · Pixel 4 · xnnpack, 2 threads"


def test_cold_runs_and_folders_without_reports_are_no_history(tmp_path):
    with pytest.raises(UsageError, match=r"there is no report\.json below"):
        read_reports([tmp_path])
    made = [row(inference_ms=(9.0,))]
    whole = Report(schema=1, exit_code=exit_code(made), environment={}, comparisons=tuple(made), skipped=())
    write_atomically(tmp_path / REPORT_FILE, report_json(whole))
    assert read_reports([tmp_path]) == []


def test_a_picture_has_points_levels_and_steps():
    times = [10, 10.1, 9.9, 10, 12, 12.1, 11.9, 12]
    known = {"at": "2026-01-01", "commit": "0123456789", "error": 0.004}
    points = [Point(**known, median_ms=ms, low_ms=ms * 0.98, high_ms=ms * 1.02) for ms in times]
    stepped, level = to_picture(history("m", points)), to_picture(history("m", points[:4]))
    colours = {
        name: {colour for _, colour in image.getcolors(1 << 20)} for name, image in (("s", stepped), ("l", level))
    }
    red, orange, blue = (0xC2, 0x30, 0x30), (0xD9, 0x82, 0x2B), (0x1F, 0x6F, 0xB4)
    assert {red, orange, blue} <= colours["s"] and red not in colours["l"] and orange in colours["l"]
    assert to_picture(history("m", points[:1])).size == level.size


@pytest.fixture
def git(tmp_path):
    """A project under git, and a function that calls git in it."""
    project = make_project(tmp_path / "project")

    def run(*words: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
        done = shell.run(["git", *identity, *words], log=tmp_path / "git.log", deadline_s=60, cwd=project.folder)
        assert done.code == 0, done.log_tail(5)

    run("init", "-q")
    return project, run


@pytest.mark.project
def test_a_step_is_told_with_the_commit_that_made_it(git):
    project, run = git
    with pytest.raises(EnvironmentMissing, match="git has no history here"):
        read_git(project.folder)
    (project.folder / "latency").mkdir()
    for number, factor in enumerate((1.0, 1.0, 1.25)):
        made, _ = made_of(rows(factor), "", PROVENANCE.model_copy(update={"commit": str(number)}))
        (project.folder / "latency" / made.file_name).write_bytes(to_json(made))
        (project.folder / "latency/notes.md").write_text(str(number), "utf-8")
        run("add", "-A")
        run("commit", "-q", "-m", f"change {number}")
    ran = project.run("latency.history")
    assert ran.code == 0 and "3 measurements" in ran.text and "+25.0% with" in ran.text, ran.text
    assert "change 2" in ran.text and "change 1" not in ran.text
    with Image.open(project.folder / "build/history/history-1.png") as picture:
        assert picture.size == (960, 360)
    (found,) = json.loads((project.folder / "build/history/history.json").read_text("utf-8"))["histories"]
    assert [point["subject"] for point in found["points"]] == ["change 0", "change 1", "change 2"]
    assert found["steps"][0]["commit"] == found["points"][2]["commit"] and len(found["steps"]) == 1


@pytest.mark.project
def test_what_is_no_baseline_any_more_is_left_out(git):
    project, run = git
    (project.folder / "latency").mkdir()
    (project.folder / "latency/old.json").write_text("{}", "utf-8")
    run("add", "-A")
    run("commit", "-q", "-m", "old")
    with pytest.raises(EnvironmentMissing, match="no baseline is committed in latency/"):
        read_git(project.folder)
