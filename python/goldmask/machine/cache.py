"""The cache on this machine: where files and folders are kept by the hash of their content, and how they get there."""

import os
import shutil
from pathlib import Path

import platformdirs

from ..contract.errors import EnvironmentMissing
from ..contract.files import sha256_of
from .scratch import scratch_folder


def cache_folder() -> Path:
    """GOLDMASK_CACHE, or the platform's cache folder; absolute, because tools are run in other folders.

    Raises EnvironmentMissing for another user's `~name` that there is not.
    """
    given = os.environ.get("GOLDMASK_CACHE") or platformdirs.user_cache_dir("goldmask")
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError as error:
        raise EnvironmentMissing(
            f"GOLDMASK_CACHE is {given}, and there is no such user", fix="unset GOLDMASK_CACHE"
        ) from error


def cached_path(sha256: str, name: str) -> Path:
    """Where the cache keeps, or would keep, a file with these bytes under this name."""
    return cache_folder() / "files" / sha256 / name


def move_into_place(beside: Path, folder: Path) -> None:
    """Give a finished folder its name in the cache, unless somebody else was faster."""
    try:
        beside.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def adopt(found: Path, sha256: str, cached: Path) -> None:
    """Copy a file that is already on this machine, checked, under its cache name. Raises EnvironmentMissing."""
    cached.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(cached.parent) as folder:
        beside = folder / "copy"
        shutil.copyfile(found, beside)
        actual = sha256_of(beside)
        if actual != sha256:
            raise EnvironmentMissing(f"{found.name} has sha256 {actual}, needed is {sha256}")
        beside.replace(cached)
