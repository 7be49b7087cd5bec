"""The Pythons that pyproject.toml promises: the launcher, the README and the workflow's matrix know the same ones."""

import re
import shutil
import tomllib

import pytest
import yaml
from conftest import REPO
from packaging.specifiers import SpecifierSet

from goldmask.machine import shell


def promised(requires: str) -> list[str]:
    """The minor versions of Python 3 that a `requires-python` allows."""
    return [version for minor in range(50) if SpecifierSet(requires).contains(version := f"3.{minor}")]


PYTHONS = promised(tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"])
SENTENCE = f"Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}"


def test_what_is_promised():
    assert promised(">=3.9,<3.12,!=3.10.*") == ["3.9", "3.11"]
    assert PYTHONS


def test_the_workflow_checks_each():
    jobs = yaml.safe_load((REPO / ".github/workflows/check.yml").read_text("utf-8"))["jobs"]
    assert jobs["check"]["strategy"]["matrix"]["python"] == PYTHONS


def test_the_readme_and_the_launcher_name_each():
    launcher = (REPO / "goldmask").read_text("utf-8")
    assert SENTENCE in (REPO / "README.md").read_text("utf-8") and SENTENCE in launcher
    (tried,) = re.findall(r"for name in (.+); do", launcher)
    assert tried.split() == ["python3", *(f"python{version}" for version in PYTHONS)]


@pytest.mark.project
@pytest.mark.parametrize(("active", "taken"), [("exit 0", "python3"), ("exit 1", "python3.12")])
def test_the_launcher_takes_the_active_python_if_it_can(active, taken, tmp_path):
    """python3 is the active one; these stand-ins say whether their version is one of those, and make no environment."""
    (tmp_path / "bin").mkdir()
    for name in ("sh", "dirname", "cmp"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    for name, answer in (("python3", active), ("python3.12", "exit 0")):
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\n[ "$1" = -c ] && {answer}\nexit 1\n', "utf-8")
        script.chmod(0o755)
    shutil.copy2(REPO / "goldmask", tmp_path / "goldmask")
    log = tmp_path / "log"
    done = shell.run([tmp_path / "goldmask"], log=log, deadline_s=60, env={"PATH": str(tmp_path / "bin")})
    assert done.code == 3 and f"goldmask: {taken} cannot make a virtual environment" in log.read_text("utf-8")
