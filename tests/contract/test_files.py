"""Reads of what may be anything, and writes that leave the old file or the new one and nothing beside it."""

import hashlib
import os
from pathlib import Path

import pytest

from goldmask.contract import files
from goldmask.contract.files import read_file, remove_files, sha256_of, write_atomically


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


def test_a_file_is_replaced(tmp_path: Path):
    for content in (b"one", b"two"):
        write_atomically(tmp_path / "below/file", content)
    assert [path.name for path in tmp_path.rglob("*")] == ["below", "file"]
    assert (tmp_path / "below/file").read_bytes() == b"two"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_comes_in_between_leaves_the_old_one(tmp_path: Path, monkeypatch, error: BaseException):
    def fail(path: Path, target: Path) -> None:
        raise error

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(files.Path, "replace", fail)
    with pytest.raises(type(error)):
        write_atomically(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_bytes() == b"old"


def test_an_error_names_the_file_and_not_the_one_beside_it(tmp_path: Path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="Is a directory") as caught:
        write_atomically(tmp_path / "file", b"new")
    assert caught.value.filename == str(tmp_path / "file") and caught.value.filename2 is None


def test_what_a_killed_process_had_begun_to_write_goes_with_the_file(tmp_path: Path):
    for name in ("file", ".file.0123abcd", ".file.part", ".other.0123abcd", "other"):
        (tmp_path / name).write_bytes(b"x")
    remove_files(tmp_path, "file", "nothing")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".file.part", ".other.0123abcd", "other"]


def test_a_long_name_is_no_longer_than_it_may_be(tmp_path: Path):
    write_atomically(tmp_path / ("n" * 255), b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["n" * 255]
