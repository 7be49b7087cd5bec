"""Bytes on disk: bounded reads, hashes, and writes that leave the old file or the new one, never half of one."""

import errno
import hashlib
import io
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

# A FIFO without a writer must not be waited for.
READ = os.O_RDONLY | os.O_NONBLOCK
KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFDIR: "a folder", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def open_file(path: Path) -> io.BufferedReader:
    """A regular file, open for reading. Raises OSError, whose strerror says why, for anything else: nothing waits."""
    try:
        handle = os.open(path, READ)
    except ValueError as error:  # a NUL byte in its name
        raise OSError(errno.EINVAL, str(error), str(path)) from error
    kind = stat.S_IFMT(os.fstat(handle).st_mode)
    if kind != stat.S_IFREG:
        os.close(handle)
        raise OSError(errno.EINVAL, f"it is {KINDS.get(kind, 'something else')}, not a file", str(path))
    return os.fdopen(handle, "rb")


def read_file(path: Path, limit: int) -> bytes:
    """The bytes of a regular file, of which there are at most `limit`. Raises OSError as open_file does."""
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size <= limit:
            data = stream.read(size + 1)
            if len(data) == size:
                return data
            raise OSError(errno.EIO, "it changed while it was read", str(path))
    raise OSError(errno.EINVAL, f"it has {size:,} bytes, the limit is {limit:,}", str(path))


def sha256_of(path: Path) -> str:
    """The sha256 of a regular file's bytes, in hex. Raises OSError as open_file does."""
    with open_file(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def name_of(path: Path, default: str, longest: int = 64) -> str:
    """A Name made of a file's own name."""
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).lstrip("._-")[:longest] or default


def is_html(head: bytes) -> bool:
    """Whether bytes begin as a web page does: what a server sends instead of a file that it wants a login for."""
    return head[:512].lstrip().lower().startswith((b"<!doctype", b"<html"))


def remove_files(folder: Path, *names: str) -> None:
    """Remove files that are there, and what a killed process had begun to write of them."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
        for path in folder.glob(f".{name}.*"):
            if re.fullmatch(r"[0-9a-f]{8}", path.suffix[1:]):
                path.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write beside, at once or in pieces, then rename. Raises OSError that names `path`, with nothing left behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name is known before the file is there: whatever comes in between, it is removed.
    beside = path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as stream:
            stream.writelines([data] if isinstance(data, bytes) else data)
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise
