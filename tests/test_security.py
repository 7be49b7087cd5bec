"""docs/security.md: every promise names the tests that hold it, and the tests are there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPO

DOCUMENT = REPO / "docs/security.md"
TESTS = REPO / "tests"
MIN_ROWS = 60
ROW = re.compile(r"^\| (?P<fault>[^|]+) \| (?P<promise>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)
# As pytest collects: files of other names hold no tests.
TEST = re.compile(r"`(?P<file>(?:\w+/)*test_\w+\.py)::(?P<name>test_\w+)`")


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """Fault, promise and tests of each row, heads left out."""
    for match in ROW.finditer(text):
        if match["fault"] != "fault" and not match["fault"].startswith("---"):
            yield match["fault"], match["promise"], match["tests"]


def names(path: Path) -> set[str]:
    """The tests of a file: functions, and what a suite of tests/fuzz makes of a reader."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
    return found


def wrong(text: str, tests: Path = TESTS) -> list[str]:
    """Rows whose tests are missing, or that name none."""
    known: dict[str, set[str]] = {}
    complaints = []
    for fault, _, cell in rows(text):
        named = list(TEST.finditer(cell))
        if not named or TEST.sub("", cell).strip(" ,"):
            complaints.append(f"{fault}: no test, but {cell!r}")
        for each in named:
            path = tests / each["file"]
            if each["file"] not in known:
                known[each["file"]] = names(path) if path.is_file() else set()
            if each["name"] not in known[each["file"]]:
                complaints.append(f"{fault}: there is no {each[0]}")
    return complaints


def test_every_promise_has_its_test():
    assert wrong(DOCUMENT.read_text("utf-8")) == []


def test_the_table_is_long_enough_and_has_nothing_twice():
    faults = [fault for fault, _, _ in rows(DOCUMENT.read_text("utf-8"))]
    assert len(faults) >= MIN_ROWS and len(set(faults)) == len(faults)


def test_every_line_of_a_table_is_read():
    """A row with a column too many would hide."""
    lines = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("|")]
    heads = sum(line == "| fault | promise | test |" for line in lines)
    assert heads and len(lines) == len(list(rows(DOCUMENT.read_text("utf-8")))) + 2 * heads


@pytest.mark.parametrize(
    "cell",
    [
        "`test_security.py::test_gone`",
        "`test_nowhere.py::test_gone`",
        "`conftest.py::test_gone`",
        "none yet",
        "`test_security.py`",
        "`test_security.py::rows`",
    ],
)
def test_a_promise_without_its_test_is_found(cell):
    row = f"| fault | promise | test |\n|---|---|---|\n| a fault | is told | {cell} |\n"
    assert len(wrong(row)) == 1
    assert wrong(row.replace(cell, "`test_security.py::test_every_promise_has_its_test`")) == []


def test_security_md_links_to_it():
    assert "docs/security.md" in (REPO / "SECURITY.md").read_text("utf-8")
