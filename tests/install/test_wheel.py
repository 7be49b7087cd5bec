"""Installed from its wheel, away from any clone: the program, its tasks in a foreign tasks.py, uvx."""

import os
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from conftest import REPO, Ran, accept_all
from wheels import run, uv

from goldmask import __version__
from goldmask.contract.errors import ExitCode

pytestmark = pytest.mark.rig

# Of the files of everything that the wheel brings, itself included; compiled code (.pyc) comes with use.
BASE_LIMIT_MB = 150


def sizes_mb(packages: Path) -> dict[str, float]:
    """How much each distribution in a site-packages folder has installed, by its own list of files."""
    return {
        each.name: sum(Path(each.locate_file(file)).stat().st_size for file in each.files or ()) / 1e6
        for each in distributions(path=[str(packages)])
    }


def test_a_wheel_has_what_it_needs_and_no_more(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "goldmask/py.typed" in names and "goldmask/shipped/android/gradle/dependencies.lock.toml" in names
    for name in ("interpreter.py", "interpreter.txt", "task_library.py"):
        assert f"goldmask/shipped/python/references/{name}" in names
    assert "goldmask/shipped/ios/Package.swift" in names and "goldmask/shipped/models/shapes/model.toml" in names
    assert not [name for name in names if "/build/" in name or "/tests/" in name or ".venv" in name]
    assert wheel.name == f"goldmask-{__version__}-py3-none-any.whl" and wheel.stat().st_size < 10_000_000


def test_what_a_wheel_brings_is_small(installed):
    (packages,) = Path(installed["UV_TOOL_DIR"]).glob("goldmask/lib/python3.*/site-packages")
    sizes = sizes_mb(packages)
    assert "goldmask" in sizes and "numpy" in sizes
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:8]
    assert sum(sizes.values()) <= BASE_LIMIT_MB, largest


def test_a_large_package_is_seen(tmp_path):
    (tmp_path / "huge-1.0.dist-info").mkdir()
    (tmp_path / "huge-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: huge\nVersion: 1.0\n")
    (tmp_path / "huge-1.0.dist-info/RECORD").write_text("huge.so,,\n")
    with (tmp_path / "huge.so").open("wb") as stream:
        stream.truncate(151_000_000)  # no block of it is written
    assert sizes_mb(tmp_path) == {"huge": 151.0}


def test_without_any_uv_it_says_how_to_install_one(installed, foreign):
    bin_folder = Path(installed["PATH"].partition(os.pathsep)[0])
    ran = run(foreign.folder, bin_folder / "goldmask", "golden.record", PATH=str(bin_folder), UV="")
    assert ran.code == ExitCode.ENVIRONMENT and "try: pip install 'goldmask[uv]'" in ran.text, ran.text


def test_the_version_stands_in_one_place():
    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
    assert "version" not in project and project["dynamic"] == ["version"]


def test_installed_it_checks_a_foreign_project_on_python_and_the_apps_own_code(installed, foreign):
    def goldmask(*words: str) -> Ran:
        return run(foreign.folder, "goldmask", *words, **installed)

    assert goldmask("--version").stdout.strip() == f"goldmask {__version__}"
    doctor = goldmask("doctor")
    assert doctor.code == 0 and "can run: python, android-jvm" in doctor.text, doctor.text
    missing = goldmask("check")
    assert missing.code == ExitCode.GOLDEN and "try: goldmask golden.record" in missing.text
    assert "./goldmask" not in missing.text
    assert goldmask("golden.record").code == 0
    assert goldmask("golden.accept", "--all", "--reason", "it is right").code == 0
    ran = goldmask("check", "--target", "python", "--target", "android-jvm")
    assert ran.code == 0 and "4 PASS" in ran.text, ran.text
    assert "ok lib_interpreter: the reference runtime is installed" in goldmask("doctor").text
    wanted = goldmask("deeplab.train")
    assert wanted.code == ExitCode.ENVIRONMENT and "uv tool install 'goldmask[deeplab]'" in wanted.text
    assert "tests are not installed" in goldmask("test").text


def test_outside_of_any_project_it_says_so(installed, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in (("check",), ("models.list",), ("golden.record",)):
        ran = run(empty, "goldmask", *words, **installed)
        assert ran.code == ExitCode.USAGE and "there is no goldmask.toml" in ran.text, words
    assert not list(empty.iterdir())
    doctor = run(empty, "goldmask", "doctor", **installed)
    assert doctor.code == 0 and "goldmask.toml: this is no project try: goldmask init" in doctor.text, doctor.text
    begun = run(empty, "goldmask", "init", "--ci", "github", **installed)
    assert begun.code == 0 and "goldmask[uv]==" in (empty / ".github/workflows/goldmask.yml").read_text("utf-8")
    assert run(empty, "goldmask", "models.list", **installed).code == 0


def test_uvx_runs_it_once(wheel, foreign):
    ran = uv(foreign.folder, "tool", "run", "--quiet", "--from", wheel, "goldmask", "golden.record")
    assert ran.code == 0, ran.text
    accept_all(foreign.folder)
    again = uv(foreign.folder, "tool", "run", "--quiet", "--from", wheel, "goldmask", "check")
    assert again.code == 0 and "2 PASS" in again.text, again.text


def test_its_tasks_stand_in_a_foreign_tasks_file(wheel, foreign):
    (foreign.folder / "tasks.py").write_text(
        "from invoke import Collection, task\nfrom goldmask.tasks import namespace as goldmask\n\n\n"
        '@task\ndef build(c):\n    """Theirs."""\n    print("built")\n\n\nnamespace = Collection(build, goldmask)\n',
        "utf-8",
    )

    def inv(*words: str) -> Ran:
        return uv(foreign.folder, "tool", "run", "--quiet", "--from", "invoke", "--with", wheel, "inv", *words)

    listed = inv("--list")
    assert listed.code == 0 and "goldmask.check" in listed.text and "goldmask.golden.record" in listed.text
    assert "built" in inv("build").stdout
    assert inv("goldmask.golden.record").code == 0
    accept_all(foreign.folder)
    ran = inv("goldmask.check", "--target", "python")
    assert ran.code == 0 and "2 PASS" in ran.text, ran.text
