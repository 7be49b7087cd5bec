"""The order of versions in Maven repositories."""

import re


def version_order(version: str) -> list[tuple[int, int | str]]:
    """A key to sort by, as Gradle has it: 1.10 comes after 1.9, and 1.0-beta1 before 1.0, which is before 1.0.1."""
    parts = [(2, int(part)) if part.isdigit() else (0, part) for part in re.split(r"[.+-]", version)]
    return [*parts, (1, "")]


def later(*versions: str) -> str:
    """The latest of some versions; an empty one is earlier than any."""
    return max(filter(None, versions), key=version_order, default="")
