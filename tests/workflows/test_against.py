"""A whole check against the goldens of another commit: of a branch, and of the place where it left main, as in CI."""

import json
import shutil

import numpy as np
import pytest
import tiny
from conftest import Project

from goldmask.contract.errors import ExitCode
from goldmask.machine import shell

WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main")
# Red is taken for green, green for blue, and blue for red.
RETRAINED = tiny.scores(trained=np.roll(np.eye(3, dtype=np.float32), 1, axis=0))


def git(project: Project, *words: str) -> str:
    log = project.folder.parent / "git.log"
    done = shell.run(("git", *WHO, "-C", str(project.folder), *words), log=log, deadline_s=60)
    assert not done.code, log.read_text("utf-8")
    return done.stdout.strip()


@pytest.fixture
def branch(project: Project) -> Project:
    """A branch on which a model was trained again and its masks were accepted, while main lost its goldens."""
    (project.folder / ".gitignore").write_text("build/\n", "utf-8")
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "the first model")
    git(project, "tag", "start")
    git(project, "rm", "-rq", "models/tiny/goldens")
    git(project, "commit", "-qm", "without goldens")
    git(project, "checkout", "-qb", "retrained", "start")
    project.declare(RETRAINED)
    project.record("--mode", "all")
    git(project, "commit", "-qam", "another model, and its goldens")
    return project


def test_a_branch_against_where_it_left_main(branch: Project):
    start = git(branch, "rev-parse", "start")[:12]
    # In CI main itself is not the measure, but the commit where the branch left it; nothing pends there either.
    shutil.rmtree(branch.folder / "build", ignore_errors=True)
    ran = branch.run("check", "--against", "main", CI="true")
    assert ran.code == ExitCode.GOLDEN and f"goldens are those of main, commit {start}" in ran.text, ran.text
    assert "masks changed in 2 of 2 cases" in ran.text and "pend" not in ran.text
    assert not (branch.folder / "build/check/pending").exists()
    rows = json.loads((branch.folder / "build/check/report.json").read_text("utf-8"))["comparisons"]
    assert len(rows) == 2 and all(row["across"] and row["picture"] for row in rows)

    # At a desk main is main, and has none; what the branch itself has is green.
    none = branch.run("check", "--against", "main")
    assert none.code == ExitCode.GOLDEN and "main (" in none.text and "has no goldens" in none.text
    judged = branch.run("check", "--against", "start", "--across")
    assert judged.code == ExitCode.MASKS_DIFFER and "2 FAIL" in judged.text
    same = branch.run("check", "--against", "HEAD")
    assert same.code == ExitCode.OK and "2 PASS" in same.text


def test_a_suite_that_judges_across_models(branch: Project):
    """The twin of `--across`: the same model in other bytes passes, another one does not."""
    git(branch, "checkout", "-q", "start")
    branch.edit("goldmask.toml", "[suites.default]\n", "[suites.default]\nacross = true\n")
    branch.declare(tiny.scores(weight=2.0))
    ran = branch.run("check")
    assert ran.code == ExitCode.OK and "masks changed in 0 of 2 cases" in ran.text and "2 PASS" in ran.text
    branch.declare(RETRAINED)
    assert branch.run("check").code == ExitCode.MASKS_DIFFER
