"""A new project: goldmask.toml, .gitignore, and a workflow for CI."""

from pathlib import Path
from typing import Literal

from .. import __version__
from ..contract.errors import UsageError
from ..contract.files import write_atomically
from ..project.config import FILE_NAME

Ci = Literal["github"]
CIS: tuple[Ci, ...] = ("github",)
WORKFLOW = ".github/workflows/goldmask.yml"
CONFIG = """\
# What `goldmask check` does.
schema = 1

[suites.default]
models = []
targets = ["python"]
"""
GITHUB = """\
name: goldmask

on:
  push:
    branches: [main]
  pull_request:

permissions:
  contents: read

jobs:
  masks:
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: '3.12'
      - uses: actions/cache@v4
        with:
          path: |
            ~/.cache/goldmask
            ~/.cache/uv
          key: goldmask-${{{{ hashFiles('goldmask.toml', 'models/*/model.toml') }}}}
      - run: python -m pip install 'goldmask[uv]=={version}'
      # Between the two lines with the token GitHub obeys nothing of what goldmask quotes, from a device for example.
      - run: |
          token=$(python -c 'import secrets; print(secrets.token_hex(16))')
          trap 'echo "::$token::"' EXIT
          echo "::stop-commands::$token"
          goldmask check --out build/check
      - if: always()
        run: goldmask report --out build/check --format github --artifact goldmask || true
      # `goldmask golden.review --from <the unpacked artefact>` shows at a desk what this run would change.
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: goldmask
          path: build/check
"""


def init(folder: Path) -> list[Path]:
    """Make a project of a folder; returns the files that were written. Raises UsageError where it is one already."""
    if (folder / FILE_NAME).exists():
        raise UsageError(f"{folder / FILE_NAME} is there already", fix="./goldmask models.add FILE.tflite --image FILE")
    written = [folder / FILE_NAME]
    write_atomically(folder / FILE_NAME, CONFIG.encode())
    ignored = folder / ".gitignore"
    lines = ignored.read_text("utf-8").splitlines() if ignored.is_file() else []
    if not {"build", "build/", "/build", "/build/"} & {line.strip() for line in lines}:
        write_atomically(ignored, "".join(f"{line}\n" for line in (*lines, "build/")).encode())
        written.append(ignored)
    return written


def write_workflow(folder: Path, ci: Ci) -> Path:
    """Write the workflow of a CI service; returns its file. Raises UsageError where there is one."""
    path = folder / {"github": WORKFLOW}[ci]
    if path.exists():
        raise UsageError(f"{path} is there already", fix=f"rm {path}, or edit it")
    write_atomically(path, GITHUB.format(version=__version__).encode())
    return path
