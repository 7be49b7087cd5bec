"""For other repositories: the pytest plugin, the GitHub action, the workflow of `init` and the hooks of pre-commit.

Each of them really runs, on a project of somebody else, with the wheel; nothing of this clone is there.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from conftest import REPO, Project, Ran, accept_all
from wheels import run, uv

from goldmask.contract.errors import ExitCode

pytestmark = pytest.mark.rig
# As GitHub starts what a step says under `shell`; a workflow's step that says nothing is for bash.
SHELLS = {"bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"), "python": ("python",)}
EXPRESSION = re.compile(r"\$\{\{ (\w+)\.([\w-]+) \}\}")


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory) -> dict[str, str]:
    """The environment variables of a machine whose `python` is fresh, and installs goldmask from the wheel."""
    folder = tmp_path_factory.mktemp("python")
    made = uv(folder, "venv", "--quiet", "--seed", "--python", sys.executable, "venv")
    assert made.code == 0, made.text
    path = os.pathsep.join((str(folder / "venv/bin"), os.environ["PATH"]))
    return {"PATH": path, "PIP_FIND_LINKS": str(wheel.parent), "VIRTUAL_ENV": str(folder / "venv")}


def filled(text: str, known: Mapping[str, Mapping[str, str]]) -> str:
    """Text of a workflow with its expressions replaced, as GitHub does."""
    return EXPRESSION.sub(lambda found: known[found[1]][found[2]], text)


def follow(folder: Path, file: Mapping, environment: Mapping[str, str], **known: Mapping[str, str]) -> list[Ran]:
    """Run what the steps of a workflow or an action type, up to the first that fails; for no pull request."""
    ran: list[Ran] = []
    for step in (each for each in file["steps"] if "run" in each and "pull_request" not in each.get("if", "")):
        script = folder.parent / "step"
        script.write_text(filled(step["run"], known), "utf-8")
        own = {key: filled(each, known) for key, each in step.get("env", {}).items()}
        ran.append(run(folder, *SHELLS[step.get("shell", "bash")], script, **environment, **own, CI="true"))
        if ran[-1].code:
            break
    return ran


def test_the_action_installs_and_checks(project: Project, wheel: Path, python: dict[str, str]):
    action = yaml.safe_load((REPO / "action.yml").read_text("utf-8"))
    inputs = {name: each["default"] for name, each in action["inputs"].items()}
    github = {"action_path": str(wheel)}  # which is installed as the action's own folder is
    done = follow(project.folder, action["runs"], python, inputs=inputs, github=github)
    assert [each.code for each in done] == [0, 0], done[-1].text
    assert "2 PASS" in done[-1].text and (project.folder / inputs["out"] / "report.json").is_file()
    inputs["arguments"] = "--model tiny --case 'fl*'"
    checking = [step for step in action["runs"]["steps"] if step.get("name") == "Check"]
    (only,) = follow(project.folder, {"steps": checking}, python, inputs=inputs, github=github)
    assert only.code == 0 and "1 PASS" in only.text


def test_the_workflow_of_init_checks_and_keeps_what_pends(project: Project, python: dict[str, str], tmp_path: Path):
    empty = tmp_path / "empty"
    empty.mkdir()
    installing = run(tmp_path / "empty", "python", "-m", "pip", "install", "--quiet", "goldmask[uv]", **python)
    assert installing.code == 0, installing.text
    assert run(project.folder, "goldmask", "init", "--ci", "github", **python).code == 0
    workflow = yaml.safe_load((project.folder / ".github/workflows/goldmask.yml").read_text("utf-8"))
    project.edit("models/tiny/model.toml", "mean = [127.5]", "mean = [100]")
    done = follow(project.folder, workflow["jobs"]["masks"], python)
    assert [each.code for each in done] == [0, ExitCode.GOLDEN], done[-1].text
    assert list((project.folder / "build/check/pending/pictures").glob("*.png"))
    assert not (project.folder / "build/pending").exists()


TEST = """
import numpy as np
from PIL import Image

MASK = "models/tiny/goldens/lib_interpreter/masks/flag.png"

def test_mine(golden_mask):
    golden_mask.assert_matches(np.asarray(Image.open(MASK)), "flag")

def test_wrong(golden_mask):
    golden_mask.assert_matches(1 - np.minimum(np.asarray(Image.open(MASK)), 1), "flag")
"""


def test_the_plugin_for_pytest(project: Project, python: dict[str, str]):
    installing = run(project.folder, "python", "-m", "pip", "install", "--quiet", "goldmask[uv]", "pytest", **python)
    assert installing.code == 0, installing.text
    (project.folder / "test_own.py").write_text(TEST, "utf-8")
    ran = run(project.folder, "python", "-m", "pytest", "--goldmask", "-v", "-p", "no:cacheprovider", **python)
    assert ran.code == 1 and "3 passed, 1 failed" in ran.text.replace("1 failed, 3 passed", "3 passed, 1 failed")
    assert "tiny-lib_interpreter-python-flag PASSED" in ran.text and "test_mine PASSED" in ran.text
    assert "confident flips" in ran.text
    picture = re.search(r"picture: (\S+\.png)", ran.text)
    assert picture and Path(picture[1]).is_file()


def test_hooks_of_pre_commit(foreign: Project, tmp_path: Path):
    """As somebody has them who names this repository; what is committed of it here is what they get."""
    head = run(REPO, "git", "rev-parse", "HEAD").stdout.strip()
    hooks = [{"id": "goldmask-pending"}, {"id": "goldmask-check"}]
    config = {"repos": [{"repo": str(REPO), "rev": head, "hooks": hooks}]}
    (foreign.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    (foreign.folder / ".gitignore").write_text("build/\n", "utf-8")
    for words in (("init", "-q"), ("add", "-A")):
        assert run(foreign.folder, "git", *words).code == 0

    def hook(*words: str) -> Ran:
        argv = (sys.executable, "-m", "pre_commit", "run", "--verbose", *words)
        return run(foreign.folder, *argv, PRE_COMMIT_HOME=str(tmp_path / "pre-commit"))

    missing = hook("--all-files")
    assert missing.code == 1 and "nothing pends" in missing.text and "golden.record" in missing.text, missing.text
    waiting = hook("goldmask-pending")
    assert waiting.code == 1 and "2 pending (exit 5)" in waiting.text, waiting.text
    accept_all(foreign.folder)
    # The check is for changes of models and of goldmask.toml only.
    elsewhere = hook("goldmask-check", "--files", ".gitignore")
    assert elsewhere.code == 0 and "Skipped" in elsewhere.text, elsewhere.text
    assert hook("goldmask-check", "--files", "goldmask.toml").code == 0
