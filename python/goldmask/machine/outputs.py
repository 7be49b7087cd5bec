"""What was built, by name in the project's build folder: the cache has it below a hash, where nobody looks for it."""

import filecmp
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from .scratch import scratch_folder

IGNORED = "*\n"  # of git: these are built files, also in a project that does not ignore its build folder


def copy_out(built: Iterable[Path], folder: Path) -> tuple[Path, ...]:
    """The copies of files and folders in `folder`, by their own names; what is there with the same content stays.

    Each is whole at any moment, also where two processes copy at once. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copies = []
    for path in built:
        copy = folder / path.name
        copies.append(copy)
        if _equal(path, copy):
            continue
        with scratch_folder(folder) as scratch:
            beside = scratch / "new"
            if path.is_dir():
                shutil.copytree(path, beside, symlinks=True)
                if os.path.lexists(copy):
                    copy.rename(scratch / "old")
            else:
                shutil.copyfile(path, beside)
            beside.replace(copy)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text(IGNORED, "ascii")
    return tuple(copies)


def _equal(one: Path, other: Path) -> bool:
    if not one.is_dir():
        return other.is_file() and filecmp.cmp(one, other, shallow=False)
    names = _names(one)
    return other.is_dir() and names == _names(other) and all(_same(one / name, other / name) for name in names)


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    if one.is_dir() or other.is_dir():
        return one.is_dir() and other.is_dir()
    return filecmp.cmp(one, other, shallow=False)
