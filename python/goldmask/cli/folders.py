"""The folders of a command: the project, and where results go."""

from pathlib import Path

from ..machine.resources import TOOL_ROOT
from ..project.config import find_root


def root() -> Path:
    """The project in whose folder the user stands; goldmask's own where it is none."""
    return find_root(Path.cwd(), TOOL_ROOT)


def out_folder(given: str, default: str) -> Path:
    """The folder that the user gave, or a default one of the project."""
    return Path(given) if given else root() / default
