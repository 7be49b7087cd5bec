"""The folders of a command: the project, and where results go."""

from pathlib import Path

from ..contract.errors import UsageError
from ..machine.resources import INSTALLED, TOOL_ROOT
from ..project.config import Config, default_config, find_root, load_config


def root() -> Path:
    """The project in whose folder the user stands; a clone's own outside of any. Raises UsageError where installed."""
    try:
        return find_root(Path.cwd())
    except UsageError:
        if INSTALLED:
            raise
        return TOOL_ROOT


def root_or_here() -> tuple[Path, Config]:
    """The project and its configuration; outside of any, the current folder and the defaults.

    For what needs no project: files that are named by their paths.
    """
    try:
        folder = root()
    except UsageError:
        return Path.cwd(), default_config()
    return folder, load_config(folder)


def out_folder(given: str, default: str) -> Path:
    """The folder that the user gave, or a default one of the project, or of the current folder outside of any."""
    return Path(given) if given else root_or_here()[0] / default
