"""The wheel, built once a session from what git has, and environments in which it is installed."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from conftest import REPO, Project, Ran, make_project
from uv import find_uv_bin

from goldmask import __version__
from goldmask.machine import shell


def run(folder: Path, *argv: str | Path, **environment: str) -> Ran:
    """A program in `folder`; nothing of this clone is in its environment."""
    log = folder.parent / "stderr.log"
    done = shell.run(argv, log=log, deadline_s=500, cwd=folder, env={"CI": "", "PYTHONPATH": "", **environment})
    stderr = log.read_text("utf-8", "replace")
    assert "Traceback" not in stderr, stderr
    return Ran(done.code, done.stdout, stderr)


def uv(folder: Path, *words: str | Path, **environment: str) -> Ran:
    """uv, which brings its own Python packages."""
    return run(folder, sys.executable, "-m", "uv", *words, **environment)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from the files that git has or would add; what it was built from is gone afterwards."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = run(REPO, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in filter(None, listed.split("\0")):
        if (REPO / name).is_file() and not name.startswith("tests/"):
            (folder / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, folder / "clone" / name)
    built = uv(folder / "clone", "build", "--quiet", "--wheel", "--out-dir", folder / "dist")
    assert built.code == 0, built.text
    shutil.rmtree(folder / "clone")
    (made,) = (folder / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> dict[str, str]:
    """The environment variables under which `goldmask` and uv are on PATH, after `uv tool install`."""
    folder = tmp_path_factory.mktemp("tools")
    options = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    ran = uv(folder, "tool", "install", "--quiet", "--python", sys.executable, wheel, **options)
    assert ran.code == 0, ran.text
    (folder / "uv").mkdir()
    (folder / "uv/uv").symlink_to(find_uv_bin())
    return {"PATH": os.pathsep.join((str(folder / "bin"), str(folder / "uv"), os.environ["PATH"])), **options}


@pytest.fixture
def foreign(tmp_path) -> Project:
    """Somebody's project: one small model, two images, no goldens yet."""
    project = make_project(tmp_path / "theirs")
    text = (project.folder / "goldmask.toml").read_text("utf-8")
    asked = f'schema = 1\ngoldmask = ">={__version__}"\n'
    (project.folder / "goldmask.toml").write_text(text.replace("schema = 1\n", asked), "utf-8")
    return project
