"""Diagnoses as lines of text: each cause once, the cases that have it, the evidence, and the line to correct."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..verdict.compare import Comparison
from ..verdict.diagnosis import Cause, Diagnosis

MAX_CASES = 6
# In which language the code of a target is written.
LANGUAGES = {"android": "kotlin", "ios": "swift"}


@dataclass(frozen=True)
class Explained:
    """A cause of failures as text: `title`, and lines below it."""

    title: str
    lines: tuple[str, ...]


def explained(rows: Iterable[Comparison]) -> list[Explained]:
    """Each diagnosis of `rows` once for a model, target and pipeline, with its cases."""
    groups: dict[tuple[str, str], list[tuple[Comparison, Diagnosis]]] = {}
    for row in rows:
        if row.diagnosis:
            whose = f"{row.model} · {row.target} · {row.pipeline}"
            groups.setdefault((whose, row.diagnosis.cause or ""), []).append((row, row.diagnosis))
    return [_explained(whose, cause, group) for (whose, cause), group in groups.items()]


def _explained(whose: str, cause: str, group: list[tuple[Comparison, Diagnosis]]) -> Explained:
    cases = ", ".join(row.case for row, _ in group[:MAX_CASES])
    more = f" and {len(group) - MAX_CASES} more" if len(group) > MAX_CASES else ""
    row, first = max(group, key=lambda each: each[0].metrics.differing if each[0].metrics else 0)
    lines = [f"{whose}: {cases}{more}"]
    evidence = first.evidence if len(group) == 1 else f"{row.case}: {first.evidence}"
    lines.append(f"{evidence} ({first.certainty}, by {first.found_by})" if first.found_by else evidence)
    if first.alternatives:
        lines.append(f"cannot be told here from: {'; '.join(first.alternatives)}")
    lines += [f"right: {line}" for each in first.causes if (line := fix_of(each, row.target))]
    return Explained(cause or "not explained", tuple(lines))


def fix_of(cause: Cause, target: str) -> str:
    """The line to correct in the language of a target's code."""
    language = LANGUAGES.get(target.partition("-")[0], "python")
    return {"kotlin": cause.kotlin, "swift": cause.swift, "python": cause.python}[language]
