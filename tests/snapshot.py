"""Snapshots: what a user reads, kept in a file that a reviewer sees change."""

import os
from pathlib import Path

SNAPSHOTS = Path(__file__).resolve().parent / "snapshots"
WRITE = "GOLDMASK_WRITE_SNAPSHOTS"


def assert_snapshot(name: str, text: str) -> None:
    """`text` is what `tests/snapshots/NAME.txt` has; it is written there where GOLDMASK_WRITE_SNAPSHOTS is set.

    In CI it is a failure to ask for that.
    """
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get(WRITE):
        assert not os.environ.get("CI"), f"CI writes no snapshots: unset {WRITE}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    expected = path.read_text("utf-8") if path.is_file() else ""
    assert text == expected, f"not as in {path}; if that is meant: {WRITE}=1, and look at the difference"
