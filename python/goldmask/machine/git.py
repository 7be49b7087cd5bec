"""git: who works here, which commit this is, and files as another commit has them."""

from pathlib import Path

from ..contract.errors import GoldmaskError, RunError
from . import shell
from .scratch import scratch_folder

DEADLINE_S = 60
DESCRIBE_DEADLINE_S = 10


class GitFailed(RunError):
    """git is there and refuses; its own reason."""


def output(folder: Path, *arguments: str, deadline_s: float = DEADLINE_S) -> str:
    """What git prints in a folder. Raises GitFailed where it refuses, RunError where it is missing or does not end."""
    with scratch_folder() as logs:
        done = shell.run(("git", "-C", str(folder), *arguments), log=logs / "git.log", deadline_s=deadline_s)
        if done.code:
            raise GitFailed(done.log_tail(3))
    return done.stdout


def user_name(folder: Path) -> str:
    """git's user.name in a folder, never the address; empty where there is no git, or no name."""
    return " ".join((_answer(folder, "config", "user.name") or "").split())


def commit_of(folder: Path, ref: str, *, merge_base: bool) -> str:
    """The sha1 of a ref, or of the commit from which it and HEAD went different ways; empty where there is none."""
    if ref.startswith("-"):
        return ""
    arguments = ("merge-base", "HEAD", ref) if merge_base else ("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return (_answer(folder, *arguments) or "").strip()


def describe(folder: Path) -> str:
    """The commit of a folder, with `-dirty` where files have changed since; empty where git knows none."""
    arguments = ("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    return (_answer(folder, *arguments, deadline_s=DESCRIBE_DEADLINE_S) or "").strip()


def archive(folder: Path, commit: str, pathspec: str, out: Path) -> bool:
    """Write the files of a commit that match to a tar archive, relative to `folder`; False where none does."""
    return _answer(folder, "archive", "--format=tar", f"--output={out}", commit, "--", pathspec) is not None


def _answer(folder: Path, *arguments: str, deadline_s: float = DEADLINE_S) -> str | None:
    """What git prints; None where it fails, or is not there."""
    try:
        return output(folder, *arguments, deadline_s=deadline_s)
    except GoldmaskError:
        return None
