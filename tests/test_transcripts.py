"""What real tools print: every transcript says where it comes from, and the table in the docs counts them."""

import re
import tomllib
from pathlib import Path

import pytest
from conftest import REPO
from transcript import ANSWERS, INDEX, TRANSCRIPTS, answers

FOLDERS = sorted(path for path in TRANSCRIPTS.iterdir() if path.is_dir())
LICENCES = "MIT|Apache-2.0|BSD-3-Clause"
ORIGIN = re.compile(
    rf"recorded: [^,]+, (?:{LICENCES}), \S[^,]*"
    r"|after [\w.-]+/[\w.-]+(?:#\d+|, \S.+)"
    r"|handwritten: \S.+"
)


def origins_of(folder: Path) -> dict[str, str]:
    """The file names of a folder of transcripts, and where each comes from; and so of each of its short answers."""
    index = folder / INDEX
    origins = tomllib.loads(index.read_text("utf-8")) if index.is_file() else {}
    short = answers(folder) if (folder / ANSWERS).is_file() else []
    return origins | {f"{ANSWERS} {number}": answer.origin for number, answer in enumerate(short)}


def wrong(folder: Path) -> list[str]:
    """Files without an origin, origins without a file, and origins that do not say enough."""
    origins = origins_of(folder)
    files = {path.name for path in folder.iterdir()} - {INDEX, ANSWERS}
    named = {name for name in origins if not name.startswith(ANSWERS)}
    return [
        *(f"{name} has no origin" for name in sorted(files - named)),
        *(f"{name} is not there" for name in sorted(named - files)),
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
