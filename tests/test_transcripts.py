"""What real tools print: every transcript says where it comes from, and the table in the docs counts them."""

import re
import tomllib
from pathlib import Path

import pytest
from conftest import REPO

TRANSCRIPTS = REPO / "tests/transcripts"
FOLDERS = sorted(path.parent for path in TRANSCRIPTS.glob("*/origins.toml"))
LICENCES = "MIT|Apache-2.0|BSD-3-Clause"
ORIGIN = re.compile(
    rf"recorded: [^,]+, (?:{LICENCES}), \S[^,]*"
    r"|after [\w.-]+/[\w.-]+(?:#\d+|, \S.+)"
    r"|handwritten: \S.+"
)


def origins_of(folder: Path) -> dict[str, str]:
    """The file names of a folder of transcripts, and where each comes from."""
    return tomllib.loads((folder / "origins.toml").read_text("utf-8"))


def wrong(folder: Path) -> list[str]:
    """Files without an origin, origins without a file, and origins that do not say enough."""
    origins = origins_of(folder)
    files = {path.name for path in folder.iterdir()} - {"origins.toml"}
    return [
        *(f"{name} has no origin" for name in sorted(files - set(origins))),
        *(f"{name} is not there" for name in sorted(set(origins) - files)),
        *(f"{name}: {origin}" for name, origin in origins.items() if not ORIGIN.fullmatch(origin)),
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_transcript_has_an_origin(folder):
    assert wrong(folder) == []


@pytest.mark.parametrize(
    ("origin", "complaint"),
    [
        ('"a.txt" = "recorded: fastlane/fastlane"', "a.txt: recorded"),
        ('"a.txt" = "recorded: fastlane/fastlane, GPL-3.0, somebody"', "a.txt: recorded"),
        ('"a.txt" = "after somebody"', "a.txt: after somebody"),
        ('"b.txt" = "handwritten: the form of adb"', "a.txt has no origin"),
    ],
)
def test_an_origin_that_says_too_little_is_seen(tmp_path, origin, complaint):
    (tmp_path / "a.txt").write_text("", "utf-8")
    (tmp_path / "origins.toml").write_text(f"{origin}\n", "utf-8")
    assert wrong(tmp_path)[0].startswith(complaint)


def test_the_table_counts_them():
    """The rows of docs/transcripts.md: `folder/` | what reads it | recorded | after | handwritten."""
    text = (REPO / "docs/transcripts.md").read_text("utf-8")
    rows = {
        found[1]: tuple(map(int, found.groups()[1:]))
        for found in re.finditer(r"^\| `(\w+)/` \|[^|]*\| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    }
    counted = {}
    for folder in FOLDERS:
        kinds = [origin.split(" ")[0].rstrip(":") for origin in origins_of(folder).values()]
        counted[folder.name] = tuple(kinds.count(kind) for kind in ("recorded", "after", "handwritten"))
    assert rows == counted
