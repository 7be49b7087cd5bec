"""The comment of the GitHub action: made once, and from then on updated in place."""

import os
from pathlib import Path

import pytest
import yaml
from conftest import REPO

from goldmask.machine import shell
from goldmask.report.markdown import Upload, marker

pytestmark = pytest.mark.project
# `gh api` as the step uses it: a list of comments for GET, by the marker; everything else is kept.
GH = """#!/bin/bash
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in
  *--paginate*) [ -z "$BROKEN" ] || exit 1; [ "$MARKER" != '<!-- goldmask report masks -->' ] || printf '%s' "$KNOWN";;
  *) [ -z "$BROKEN" ] || exit 1;;
esac
"""
GOLDMASK = f"#!/bin/bash\nprintf '%s\\n' '{marker(Upload('masks'))}' '### goldmask'\nexit 10\n"


def step() -> dict:
    steps = yaml.safe_load((REPO / "action.yml").read_text("utf-8"))["runs"]["steps"]
    (found,) = (each for each in steps if each.get("name") == "Comment")
    return found


def comment(
    folder: Path, *, report: bool = True, known: str = "", broken: str = ""
) -> tuple[shell.Finished, list[str]]:
    """Run the step beside programs that stand for gh and goldmask: how it ended, and what gh was asked."""
    programs, results, calls = folder / "bin", folder / "out", folder / "calls"
    for each in (programs, results):
        each.mkdir()
    for name, text in (("gh", GH), ("goldmask", GOLDMASK)):
        (programs / name).write_text(text, "utf-8")
        (programs / name).chmod(0o755)
    if report:
        (results / "report.json").write_text("{}", "utf-8")
    script = folder / "step"
    script.write_text(step()["run"], "utf-8")
    own = {"REPOSITORY": "someone/app", "PULL": "7", "OUT": str(results), "ARTIFACT": "masks", "CALLS": str(calls)}
    own |= {"PATH": os.pathsep.join((str(programs), os.environ["PATH"])), "KNOWN": known, "BROKEN": broken}
    argv = ["bash", "--noprofile", "--norc", "-eo", "pipefail", script]
    done = shell.run(argv, log=folder / "log", deadline_s=60, env=own)
    return done, calls.read_text("utf-8").splitlines() if calls.is_file() else []


def test_the_first_comment_is_made(tmp_path):
    done, (_, asked) = comment(tmp_path)
    assert done.code == 0, done.log_tail()
    assert "--method POST repos/someone/app/issues/7/comments --field body=@" in asked


def test_the_next_one_is_updated_in_place(tmp_path):
    done, (listed, asked) = comment(tmp_path, known="41\n42\n")
    assert done.code == 0 and "--method PATCH repos/someone/app/issues/comments/41 " in asked
    assert 'select(.user.login == "github-actions[bot]"' in listed, "not a comment of somebody else"


def test_a_token_that_may_not_write_fails_nothing(tmp_path):
    done, _ = comment(tmp_path, broken="yes")
    assert done.code == 0 and "::warning::" in done.stdout


def test_without_a_report_there_is_no_comment(tmp_path):
    done, asked = comment(tmp_path, report=False)
    assert done.code == 0 and not asked


def test_only_who_asks_for_a_comment_gets_one():
    action = yaml.safe_load((REPO / "action.yml").read_text("utf-8"))
    assert action["inputs"]["comment"]["default"] == "false" and "inputs.comment == 'true'" in step()["if"]


def test_no_input_is_typed_into_a_script():
    """An expression in a script is typed before the shell reads it; in `env` it is a value."""
    steps = yaml.safe_load((REPO / "action.yml").read_text("utf-8"))["runs"]["steps"]
    assert not any("${{" in each.get("run", "") for each in steps)
