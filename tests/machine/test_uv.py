"""Which uv is used: the package's, the one that started goldmask, or that of PATH; and what none and an old one get."""

import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from goldmask.contract.errors import EnvironmentMissing
from goldmask.machine import uv

pytestmark = pytest.mark.project


@pytest.fixture
def without_package(monkeypatch, tmp_path) -> Path:
    """goldmask without its extra: an empty folder is all of PATH."""
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    uv._version.cache_clear()
    return tmp_path


def stand_in(path: Path, answer: str) -> Path:
    """A program that answers `--version`."""
    path.write_text(f"#!/bin/sh\necho '{answer}'\n", "utf-8")
    path.chmod(0o755)
    return path


def test_the_package_is_used_whatever_path_has(monkeypatch, tmp_path):
    stand_in(tmp_path / "uv", "uv 9.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert uv.find_uv() == find_uv_bin()


def test_without_it_the_one_of_path_or_the_one_that_started_us(without_package, monkeypatch):
    on_path = stand_in(without_package / "uv", "uv 0.8.0 (0b2357294 2025-07-17)")
    assert uv.find_uv() == str(on_path)
    started_by = stand_in(without_package / "theirs", "uv 0.13.9")
    monkeypatch.setenv("UV", str(started_by))
    assert uv.find_uv() == str(started_by)


def test_none_at_all_is_told_with_its_install_line(without_package):
    with pytest.raises(EnvironmentMissing, match="none on PATH") as raised:
        uv.find_uv()
    assert raised.value.fix == "pip install 'goldmask[uv]'"


def test_one_that_is_too_old_or_no_uv_is_refused(without_package):
    stand_in(without_package / "uv", "uv 0.7.22")
    with pytest.raises(EnvironmentMissing, match=r"is uv 0\.7\.22; 0\.8 or newer is needed"):
        uv.find_uv()
    uv._version.cache_clear()
    stand_in(without_package / "uv", "hello")
    with pytest.raises(EnvironmentMissing, match="is no uv"):
        uv.find_uv()
