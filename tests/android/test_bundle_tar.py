"""The files of a bundle that a device's archive may hold."""

import io
import tarfile
from pathlib import Path

import pytest

from goldmask.android.bundle_tar import unpack
from goldmask.contract.errors import RunError


def packed(*names: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(f"goldmask/{name}")
            member.size = 4
            archive.addfile(member, io.BytesIO(b"data"))
    return stream.getvalue()


def test_what_an_app_hands_on_is_unpacked(tmp_path: Path):
    names = ("bundle.json", "masks/flag.png", "taps/flag.resized.bin", "taps/flag.tensor.bin")
    unpack(packed(*names), tmp_path, 16)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == sorted(names)
    with pytest.raises(RunError, match="larger than 15 bytes"):
        unpack(packed(*names), tmp_path, 15)


@pytest.mark.parametrize(
    "name", ["taps/flag.margin.png", "taps/flag.bin", "taps/Flag.tensor.bin", "taps/a/b.tensor.bin"]
)
def test_nothing_else_is(tmp_path, name):
    with pytest.raises(RunError, match="belongs to no bundle"):
        unpack(packed(name), tmp_path, 16)
