"""Reading what may be anything: a regular file within bounds, or a sentence at once."""

import hashlib
import os
from pathlib import Path

import pytest

from goldmask.contract.files import read_file, sha256_of


def test_a_file_is_read_up_to_its_limit_and_not_a_byte_further(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_file(path, 5) == b"12345"
    assert sha256_of(path) == hashlib.sha256(b"12345").hexdigest()
    with pytest.raises(OSError, match="it has 5 bytes, the limit is 4"):
        read_file(path, 4)


def test_a_link_that_somebody_named_is_followed(tmp_path):
    (tmp_path / "file").write_bytes(b"there")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link", 9) == b"there"


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(10 << 30)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "it is a named pipe, not a file"),
        (zeros, "it is a device, not a file"),
        (lambda path: path.symlink_to("/dev/null"), "it is a device, not a file"),
        (Path.mkdir, "it is a folder, not a file"),
        (huge, "it has 10,737,418,240 bytes"),
        (lambda path: path.symlink_to(path), "Too many levels"),
        (lambda path: path.symlink_to("nowhere"), "No such file"),
        (lambda path: path.symlink_to("/proc/self/stat"), "it changed while it was read"),
        (lambda path: None, "No such file"),
    ],
)
def test_what_is_no_file_is_told_at_once(tmp_path, make, why):
    make(tmp_path / "file")
    with pytest.raises(OSError, match=why) as caught:
        read_file(tmp_path / "file", 1000)
    assert caught.value.strerror


@pytest.mark.parametrize(("name", "why"), [("a" * 300, "too long"), ("nul\0byte", "null byte")])
def test_a_name_that_no_file_has_is_told(tmp_path, name, why):
    with pytest.raises(OSError, match=why) as caught:
        read_file(tmp_path / name, 1000)
    assert caught.value.strerror


@pytest.mark.parametrize("make", [os.mkfifo, zeros, Path.mkdir])
def test_only_files_have_a_hash(tmp_path, make):
    make(tmp_path / "file")
    with pytest.raises(OSError, match="not a file"):
        sha256_of(tmp_path / "file")
