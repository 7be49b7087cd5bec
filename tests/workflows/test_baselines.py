"""Baselines as files: recorded of a report, read by the next check, and refused where they are none."""

import pytest
from conftest import make_project
from verdict_rows import STEADY, row

from goldmask.cli import bench
from goldmask.contract.errors import ConfigError, ExitCode
from goldmask.machine import git, shell
from goldmask.machine.host_class import host_class, processor_in
from goldmask.project.config import load_config
from goldmask.report.report import Report, exit_code
from goldmask.workflows import baselines
from goldmask.workflows.baselines import load_baselines, record_baselines
from goldmask.workflows.latency import judge_latency


def report_of(*rows) -> Report:
    return Report(schema=1, exit_code=exit_code(rows), environment={}, comparisons=rows, skipped=())


@pytest.fixture
def committed(monkeypatch):
    """What git says, which is another process."""
    monkeypatch.setattr(baselines.git, "describe", lambda root: "0123456789ab-dirty")


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "project")


def test_what_is_recorded_judges_the_next_check(project, committed):
    config = load_config(project.folder)
    (recorded,) = record_baselines(project.folder, report_of(row()))
    assert recorded.path.parent == project.folder / "latency" and recorded.left_out == ()
    (read,) = load_baselines(project.folder)
    assert read == recorded.baseline and read.provenance.commit == "0123456789ab-dirty"
    slow = row(inference_ms=tuple(1.1 * ms for ms in STEADY))
    (judged,), _ = judge_latency(project.folder, config, [slow], [read])
    assert judged.exit_code is ExitCode.LATENCY
    (same,), notes = judge_latency(project.folder, config, [row()], [read])
    assert same.exit_code is ExitCode.OK and notes == []
    assert judge_latency(project.folder, config, [slow], []) == ([slow], [])


def test_recording_again_replaces_and_what_is_not_stable_does_not(project, committed):
    record_baselines(project.folder, report_of(row()))
    (again,) = record_baselines(project.folder, report_of(row(inference_ms=tuple(2 * ms for ms in STEADY))))
    (read,) = load_baselines(project.folder)
    assert read == again.baseline
    (refused,) = record_baselines(project.folder, report_of(row(flags=("UNSTABLE",))))
    assert refused.path is None and refused.left_out == ("flag is UNSTABLE",)
    assert load_baselines(project.folder) == [read]


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 2}'])
def test_a_file_that_is_no_baseline_is_told(project, text):
    (project.folder / "latency").mkdir()
    (project.folder / "latency/odd.json").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"odd\.json is no baseline") as caught:
        load_baselines(project.folder)
    assert caught.value.fix.startswith("rm ")


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ((row(),), ExitCode.OK, "latency/tiny-lib-interpreter-android-device-pixel-4-xnnpack-2-threads-"),
        ((row(flags=("UNSTABLE",)),), ExitCode.RUN, "xnnpack, 2 threads: flag is UNSTABLE"),
        ((row(), row(case="b", flags=("TOO-FEW",))), ExitCode.OK, "left out: tiny"),
        ((), ExitCode.RUN, "nothing is recorded that is not stable, valid and right"),
    ],
)
def test_bench_record_measures_normally_and_says_what_it_kept(
    project, committed, monkeypatch, capsys, rows, code, words
):
    asked = []

    def check(root, config, selection, out, progress):
        asked.append(selection.given)
        return report_of(*rows)

    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(bench, "check", check)
    monkeypatch.setattr(bench.out, "width", 400)
    assert bench.record("default", [], [], [], "", {"runs": "70"}) == code
    assert words in capsys.readouterr().out and asked == [{"mode": "normal", "runs": 70}]


@pytest.mark.project
def test_the_commit_is_gits(tmp_path):
    assert git.describe(tmp_path) == ""
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "first")):
        done = shell.run(["git", *identity, *words], log=tmp_path / ".git-log", deadline_s=60, cwd=tmp_path)
        assert done.code == 0, done.log_tail(5)
    assert len(git.describe(tmp_path)) == 12


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 7B13\nmodel name\t: AMD EPYC 7B13\n", "AMD EPYC 7B13"),
        ("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n", "ARM 0x41/0xd0c"),
        ("processor\t: 0\nmodel name\t: \n", ""),
        ("", ""),
    ],
)
def test_what_linux_says_of_its_processor(text, name):
    """handwritten"""
    assert processor_in(text) == name


def test_the_kind_of_computer_has_its_cores():
    assert host_class().endswith(" cores") and len(host_class()) > 8
