"""Types: mypy sees what it is to see in each room, and what it is told to ignore has a reason.

That it finds nothing is held by the commit hooks (test_commit_hooks.py), of which it is one.
"""

import re
import shutil
import sys
import tomllib

import pytest
from conftest import REPO

from goldmask.machine import shell

IGNORE = re.compile(r"#\s*type:\s*ignore(.*)")
REASONED = re.compile(r"\[[a-z-]+\]  # \S+ \S+.*")
MOST_IGNORES = 10
# A fault in a room, and the code of mypy's error.
FAULTS = {
    "contract": ("def mask_of(result: Failed) -> str:\n    return result.mask\n", "attr-defined"),
    "verdict": ("def first(rows: list[Any]) -> None:\n    del rows\n", "explicit-any"),
    "report": ("def size_px(picture):\n    return picture.width\n", "no-untyped-def"),
    "project": ("def names(rows: list) -> int:\n    return len(rows)\n", "type-arg"),
    "targets": ("def serial(text: str) -> str:\n    return json.loads(text)\n", "no-any-return"),
    "machine": ("timeout_s: int = 'ten'\n", "assignment"),
}
IMPORTS = "import json\nfrom typing import Any\n\nfrom goldmask.contract.bundle import Failed\n\n"


def ignores(text: str) -> list[str]:
    """What stands behind each `type: ignore` of a file."""
    return IGNORE.findall(text)


@pytest.mark.project
def test_a_fault_is_seen_in_every_room(tmp_path):
    """In files beside the true ones, under the true settings."""
    shutil.copy(REPO / "pyproject.toml", tmp_path)
    shutil.copytree(REPO / "python/goldmask", tmp_path / "python/goldmask")
    for room, (fault, _) in FAULTS.items():
        (tmp_path / f"python/goldmask/{room}/fault.py").write_text(IMPORTS + fault, "utf-8")
    files = [f"python/goldmask/{room}/fault.py" for room in FAULTS]
    done = shell.run([sys.executable, "-m", "mypy", *files], log=tmp_path / "log", deadline_s=240, cwd=tmp_path)
    assert done.code == 1, done.stdout + done.log_tail()
    error = re.compile(r"^python/goldmask/(\w+)/fault\.py:\d+: error: .+\[([a-z-]+)\]$", re.MULTILINE)
    found = dict(error.findall(done.stdout))
    assert found == {room: code for room, (_, code) in FAULTS.items()}


def test_what_is_ignored_is_little_and_has_a_reason():
    settings = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    files = [path for name in settings["files"] for path in sorted((REPO / name).rglob("*.py")) or [REPO / name]]
    found = [ignored for path in files for ignored in ignores(path.read_text("utf-8"))]
    assert len(files) > 100 and len(found) <= MOST_IGNORES
    assert [ignored for ignored in found if not REASONED.fullmatch(ignored)] == []


def test_an_ignore_without_a_reason_is_seen():
    marker = "# type: " + "ignore"
    assert ignores(f"x = 1  {marker}\ny = 2\n") == [""] and not REASONED.fullmatch("")
    (bare,), (reasoned,) = ignores(f"x  {marker}[misc]"), ignores(f"x  {marker}[misc]  # its stubs lack the function")
    assert not REASONED.fullmatch(bare) and REASONED.fullmatch(reasoned)
