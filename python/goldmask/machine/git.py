"""git: who works here, and files as another commit has them."""

import shutil
from pathlib import Path

from ..contract.errors import GoldmaskError
from . import shell
from .scratch import scratch_folder

DEADLINE_S = 60


def user_name(folder: Path) -> str:
    """git's user.name in a folder, never the address; empty where there is no git, or no name."""
    return " ".join((_answer(folder, "config", "user.name") or "").split())


def commit_of(folder: Path, ref: str, *, merge_base: bool) -> str:
    """The sha1 of a ref, or of the commit from which it and HEAD went different ways; empty where there is none."""
    if ref.startswith("-"):
        return ""
    arguments = ("merge-base", "HEAD", ref) if merge_base else ("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return (_answer(folder, *arguments) or "").strip()


def archive(folder: Path, commit: str, pathspec: str, out: Path) -> bool:
    """Write the files of a commit that match to a tar archive, relative to `folder`; False where none does."""
    return _answer(folder, "archive", "--format=tar", f"--output={out}", commit, "--", pathspec) is not None


def _answer(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails, or is not there."""
    if not shutil.which("git"):
        return None
    try:
        with scratch_folder() as logs:
            done = shell.run(("git", "-C", str(folder), *arguments), log=logs / "git.log", deadline_s=DEADLINE_S)
    except GoldmaskError:
        return None
    return None if done.code else done.stdout
