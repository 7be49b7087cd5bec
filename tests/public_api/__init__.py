"""What adopters compile against or read, written down: a change of it is a change of a file, which reviewers see.

Each test here derives a public API from the code and holds it to its file. `GOLDMASK_WRITE_API=1` writes the file anew.
"""

import difflib
import os
from pathlib import Path

from conftest import REPO


def assert_held(file: Path, api: str) -> None:
    """`api` is what `file` says. The failure shows the difference and the command that accepts it.

    With GOLDMASK_WRITE_API in the environment `file` is written instead.
    """
    assert api.strip(), "the public API is empty"
    if os.environ.get("GOLDMASK_WRITE_API"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(api, "utf-8")
    held = file.read_text("utf-8") if file.is_file() else ""
    test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0]
    difference = "\n".join(difflib.unified_diff(held.splitlines(), api.splitlines(), "held", "now", lineterm="", n=1))
    name = file.relative_to(REPO) if file.is_relative_to(REPO) else file
    assert api == held, (
        f"a public API is not what {name} says:\n{difference}\n"
        "Adopters notice this change. If it is meant, write the file anew, commit it, and add a line to CHANGELOG.md:\n"
        f"GOLDMASK_WRITE_API=1 .venv/bin/python -m pytest -n0 '{test}'"
    )
