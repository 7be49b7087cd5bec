"""Bytes on disk: hashes, and writes that leave the old file or the new one, never half of one."""

import hashlib
import re
import secrets
from pathlib import Path


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def name_of(path: Path, default: str, longest: int = 64) -> str:
    """A Name made of a file's own name."""
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).lstrip("._-")[:longest] or default


def is_html(head: bytes) -> bool:
    """Whether bytes begin as a web page does: what a server sends instead of a file that it wants a login for."""
    return head[:512].lstrip().lower().startswith((b"<!doctype", b"<html"))


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside, then rename. Raises OSError that names `path`, with nothing left behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name is known before the file is there: whatever comes in between, it is removed.
    beside = path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as stream:
            stream.write(data)
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise
