"""`report --format`: which form goes where."""

import pytest

from goldmask.cli.check import show_report
from goldmask.contract.errors import ExitCode, UsageError
from goldmask.report.write import write_report
from goldmask.verdict.compare import NotJudged

FAILED = NotJudged(
    model="m", case="c", target="python", pipeline="lib_interpreter", reason="no", exit_code=ExitCode.RUN
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    write_report([FAILED], [], {}, tmp_path)
    return str(tmp_path)


def test_markdown_goes_to_stdout_with_the_exit_code_of_the_report(folder, capsys):
    assert show_report(folder, verbose=False, form="markdown", artifact="masks") is ExitCode.RUN
    text = capsys.readouterr().out
    assert text.startswith("<!-- goldmask report masks -->\n### goldmask: a run failed (exit 4)\n")
    assert "in the artefact `masks` of the run." in text


def test_annotations_go_to_the_log_and_the_table_is_added_to_the_summary(folder, capsys, monkeypatch, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("of another step\n", "utf-8")
    values = {"SERVER_URL": "https://github.com", "REPOSITORY": "someone/app", "RUN_ID": "7"}
    for name, value in (values | {"STEP_SUMMARY": str(summary)}).items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    assert show_report(folder, verbose=False, form="github", artifact="masks") is ExitCode.RUN
    assert capsys.readouterr().out == "::error title=ERROR c · m · python · lib_interpreter::no\n"
    assert summary.read_text("utf-8").startswith("of another step\n<!-- goldmask report masks -->\n")
    assert "[this run](https://github.com/someone/app/actions/runs/7)" in summary.read_text("utf-8")


def test_without_a_summary_there_are_annotations(folder, capsys):
    assert show_report(folder, verbose=False, form="github") is ExitCode.RUN
    assert capsys.readouterr().out.startswith("::error ")


def test_a_summary_that_cannot_be_written_is_told(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(UsageError, match="cannot write into"):
        show_report(folder, verbose=False, form="github")


def test_another_form_is_told_which_there_are(folder):
    with pytest.raises(UsageError) as told:
        show_report(folder, verbose=False, form="html")
    assert told.value.fix == "--format text|markdown|github"
