"""The documentation as a whole: each page is in the index once, terms of the glossary are used, lines are short."""

import re

import pytest
from conftest import REPO

DOCS = REPO / "docs"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PARTS = ["Use it", "Adopt it", "Work on it"]
WIDTH = 120
# The changes are merged by line from many branches; a long line there is no reason to refuse them.
PAGES = {*REPO.glob("*.md"), *DOCS.glob("*.md"), *(REPO / "tests/rig").rglob("*.md")}
WRAPPED = sorted(PAGES - {REPO / "CHANGELOG.md"})
TERM = re.compile(r"^- \*\*(.+?)\*\*: ", re.MULTILINE)
# Prose and code; the glossary itself proves nothing about its words.
TEXTS = [
    *(path for folder in (REPO, DOCS) for path in folder.glob("*.md") if path.name != "glossary.md"),
    *(REPO / "python").rglob("*.py"),
]


def parts_of(index: str) -> dict[str, list[str]]:
    """The links of each part of an index, in order."""
    parts: dict[str, list[str]] = {}
    for block in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        title, _, text = block.partition("\n")
        parts[title] = LINK.findall(text)
    return parts


def misplaced(parts: dict[str, list[str]], pages: set[str]) -> list[str]:
    """Pages that the parts of an index do not have exactly once."""
    links = [link for each in parts.values() for link in each]
    return sorted(page for page in pages if links.count(page) != 1)


def unused(terms: list[str], texts: list[str]) -> list[str]:
    """Terms that no text has as whole words; a plural counts."""
    return [
        term for term in terms if not any(re.search(rf"\b{re.escape(term)}s?\b", text, re.IGNORECASE) for text in texts)
    ]


def too_wide(text: str) -> list[str]:
    """Lines of prose beyond WIDTH; rows of tables and lines of code cannot be wrapped."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line for line in prose.splitlines() if len(line) > WIDTH and not line.startswith("|")]


def test_every_page_is_in_one_part_of_the_index():
    parts = parts_of((DOCS / "README.md").read_text("utf-8"))
    assert list(parts) == PARTS
    assert misplaced(parts, {path.name for path in DOCS.glob("*.md")} - {"README.md"}) == []


@pytest.mark.parametrize(
    "index",
    [
        "## Use it\n- [A](a.md)\n",
        "## Use it\n- [A](a.md)\n- [B](b.md)\n## Adopt it\n- [B](b.md#more)\n",
    ],
)
def test_a_page_that_is_missing_or_there_twice_is_found(index):
    assert misplaced(parts_of(index), {"a.md", "b.md"}) == ["b.md"]


def test_readme_links_to_the_index_and_the_glossary():
    links = LINK.findall((REPO / "README.md").read_text("utf-8"))
    assert {"docs/README.md", "docs/glossary.md"} <= {*links}


def test_every_term_of_the_glossary_is_used():
    terms = TERM.findall((DOCS / "glossary.md").read_text("utf-8"))
    assert len(terms) >= 12 and terms == sorted(set(terms))
    assert unused(terms, [path.read_text("utf-8") for path in TEXTS]) == []


def test_a_term_that_nobody_uses_is_found():
    assert unused(["margin map", "ring"], ["Margin maps are small.", "during a string"]) == ["ring"]


@pytest.mark.parametrize("page", WRAPPED, ids=lambda path: path.relative_to(REPO).as_posix())
def test_lines_of_prose_are_short(page):
    assert too_wide(page.read_text("utf-8")) == []


def test_a_line_that_is_too_wide_is_found():
    wide = "x" * (WIDTH + 1)
    assert too_wide(f"short\n{wide}\n| {wide} |\n```sh\n{wide}\n```\n") == [wide]
