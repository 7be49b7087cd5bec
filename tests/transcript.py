"""The text of transcripts, and the short answers of tools with the sentence that a user reads of each."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

TRANSCRIPTS = Path(__file__).resolve().parent / "transcripts"
INDEX, ANSWERS = "origins.toml", "answers.toml"


@dataclass(frozen=True)
class Answer:
    """A short answer of a tool, and what a user reads of it: a sentence and what to type; empty where all is well."""

    origin: str
    output: str
    sentence: str
    fix: str = ""


def answers(folder: Path) -> list[Answer]:
    """The short answers in a folder's answers.toml."""
    return [Answer(**each) for each in tomllib.loads((folder / ANSWERS).read_text("utf-8"))["answer"]]


def transcript(name: str) -> str:
    """The text of `TOOL/FILE`, line ends as they are."""
    return (TRANSCRIPTS / name).read_bytes().decode("utf-8")
