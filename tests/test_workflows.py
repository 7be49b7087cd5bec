"""The workflows for GitHub: actionlint finds nothing, and they use tasks and flags that there are."""

import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from conftest import REPO
from needs import need

from goldmask.machine import shell

ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
DEADLINE_S = 600
FOLDER = REPO / ".github/workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))


def lint(logs: Path, *files: Path) -> shell.Finished:
    """What actionlint says; without shellcheck and pyflakes, so that it says the same on every machine.

    Go fetches it by its module's checksum and builds it.
    """
    need("go")
    argv = ["go", "run", ACTIONLINT, "-no-color", "-shellcheck=", "-pyflakes=", *files]
    return shell.run(argv, log=logs / "actionlint.log", deadline_s=DEADLINE_S, cwd=logs)


@pytest.mark.rig
def test_actionlint_finds_nothing(tmp_path):
    assert WORKFLOWS
    done = lint(tmp_path, *WORKFLOWS)
    assert done.code == 0, done.stdout + done.log_tail()


@pytest.mark.rig
def test_actionlint_finds_a_mistake(tmp_path):
    """The twin: a misspelt key, and an expression of nothing."""
    text = (FOLDER / "android.yml").read_text("utf-8")
    broken = tmp_path / "broken.yml"
    broken.write_text(
        text.replace("runs-on:", "run-on:").replace("steps.cache.outputs", "steps.nowhere.outputs"), "utf-8"
    )
    done = lint(tmp_path, broken)
    assert done.code == 1 and 'unexpected key "run-on"' in done.stdout and '"nowhere" is not defined' in done.stdout


def commands(workflow: Path) -> list[list[str]]:
    """The words of every line that starts ./goldmask."""
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    scripts = [step.get("run", "") for job in jobs for step in job["steps"]]
    lines = [line.strip() for script in scripts for line in script.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("./goldmask")]


@pytest.mark.project
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_their_tasks_and_flags_are_there(workflow, tmp_path):
    used = commands(workflow)
    assert used
    for _, name, *flags in used:
        argv = [sys.executable, REPO / "tasks.py", "--help", name]
        done = shell.run(argv, log=tmp_path / "log", deadline_s=60)
        assert done.code == 0, f"{workflow.name}: no task {name}"
        known = set(re.findall(r"^\s+(--[a-z-]+)", done.stdout, re.MULTILINE))
        assert {flag for flag in flags if flag.startswith("--")} <= known


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_they_may_read_only_and_come_to_an_end(workflow):
    data = yaml.safe_load(workflow.read_text("utf-8"))
    assert data["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in data["jobs"].values())


def test_what_the_emulator_job_starts_it_stops():
    steps = yaml.safe_load((FOLDER / "android.yml").read_text("utf-8"))["jobs"]["emulator"]["steps"]
    (down,) = (step for step in steps if step.get("run") == "./goldmask android.emulator.down")
    assert down["if"] == "always()"
