"""The folders of a command: the project, and where results go."""

from pathlib import Path

from ..contract.errors import UsageError
from ..machine.resources import INSTALLED, TOOL_ROOT
from ..project.config import Config, default_config, find_root, load_config
from ..project.golden import golden_around


def here() -> Path:
    """The current folder. Raises UsageError where it is gone or has a name that no report can hold."""
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise UsageError("the current folder does not exist any more", fix="cd to one that does") from None
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise UsageError(f"the name of the current folder is not UTF-8: {str(folder)!r}", fix="rename it") from None
    return folder


def root() -> Path:
    """The project in whose folder the user stands; a clone's own outside of any. Raises UsageError where installed."""
    folder = here()
    try:
        return find_root(folder)
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
        return here(), default_config()
    return folder, load_config(folder)


def out_folder(given: str, default: str) -> Path:
    """The folder that the user gave, or a default one of the project, or of the current folder outside of any.

    Raises UsageError for the folder of a golden: results would be in its place.
    """
    folder = Path(given) if given else root_or_here()[0] / default
    if golden := golden_around(folder):
        raise UsageError(f"--out {folder} is a place of goldens: {golden}", fix="--out <another folder>")
    return folder


def from_here(path: Path) -> Path:
    """A path as it is typed in the current folder: relative where it is below that."""
    here = Path.cwd()
    whole = here / path
    return whole.relative_to(here) if whole.is_relative_to(here) else whole
