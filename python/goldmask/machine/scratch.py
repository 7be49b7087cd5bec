"""Temporary folders: gone when their block ends, however it ends; what a killed run left goes with the next start.

A folder's name says whose it is: `goldmask-PID-START-NAMESPACE-…`, the process and when it began (Unix time in s). A
process id alone would be given to another process later; one of another container means nothing here. Beside files of
the user a folder is hidden.
"""

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from ..contract.errors import EnvironmentMissing
from . import interrupts, shell

NAME = re.compile(r"\.?goldmask-(\d+)-(\d+)-(\d+)-\w+")
NAMESPACE = Path("/proc/self/ns/pid")
PROCESSES = "processes"  # those that a program has started, in a folder of its own


# Those of this process that are still there.
_made: set[Path] = set()
_lock = threading.Lock()


@contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent`, by default where this machine has temporary files; removed when the block ends.

    Raises EnvironmentMissing where no file can be written there, OSError.
    """
    clean(parent)
    with interrupts.held():
        made = _make(parent)
        try:
            with interrupts.let_through():
                yield made
        finally:
            with interrupts.held():
                _remove(made)


def clean(parent: Path | None = None) -> None:
    """Remove the folders in `parent` whose process is dead, and end what it had started.

    What cannot be removed is another's to remove.
    """
    with interrupts.held(), suppress(OSError):
        for path in (parent or Path(tempfile.gettempdir())).iterdir():
            owner = NAME.fullmatch(path.name)
            if not owner or int(owner[3]) != _namespace():
                continue
            if not shell.running(shell.Background(int(owner[1]), int(owner[2]))):
                if path.lstat().st_uid == os.getuid():  # anybody may write there, and name a process of ours
                    shell.end_noted(path / PROCESSES)
                shutil.rmtree(path, ignore_errors=True)


def note_processes() -> None:
    """Note what this program starts, so that a later start ends what a SIGKILL of this one leaves running."""
    with interrupts.held(), suppress(OSError, EnvironmentMissing):
        folder = _make(None) / PROCESSES
        folder.mkdir()
        shell.note_in(folder)


def remove_all() -> None:
    """Remove all folders of this process: for its end, where an interrupt came between a folder and its block."""
    shell.note_in(None)
    with _lock:
        left = list(_made)
    for made in left:
        _remove(made)


def _make(parent: Path | None) -> Path:
    prefix = f"{'.' if parent else ''}goldmask-{_owner()}-"
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=parent or _temporary()))
    with _lock:
        _made.add(made)
    return made


def _remove(made: Path) -> None:
    shutil.rmtree(made, ignore_errors=True)
    if made.exists():  # a tool has left folders without write permission
        for path in (made, *made.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(made, ignore_errors=True)
    with _lock:
        _made.discard(made)


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:  # what stops the writing, a full disk for example, it does not say
        raise EnvironmentMissing(
            f"temporary files can be written nowhere: {error.strerror}",
            fix="TMPDIR=<a folder that you own, on a disk that is not full>",
        ) from error


def _owner() -> str:
    process = shell.this_process()
    return f"{process.pid}-{int(process.started_at)}-{_namespace()}"


@cache
def _namespace() -> int:
    """The number of this process's pid namespace: processes of other containers on the same disk cannot be seen."""
    return NAMESPACE.stat().st_ino if NAMESPACE.exists() else 0
