"""Holding a public API to its file: what is written, and when."""

import pytest

from public_api import assert_held


def test_a_file_is_written_only_when_asked(tmp_path, monkeypatch):
    file = tmp_path / "api/toy.api"
    with pytest.raises(AssertionError, match=r"\+fun a\(\)"):
        assert_held(file, "fun a()\n")
    assert not file.exists()
    monkeypatch.setenv("GOLDMASK_WRITE_API", "1")
    assert_held(file, "fun a()\n")
    monkeypatch.delenv("GOLDMASK_WRITE_API")
    assert file.read_text("utf-8") == "fun a()\n"
    assert_held(file, "fun a()\n")
    with pytest.raises(AssertionError, match=r"-fun a\(\)"):
        assert_held(file, "fun b()\n")


def test_no_api_at_all_is_no_pass(tmp_path):
    (tmp_path / "toy.api").touch()
    with pytest.raises(AssertionError, match="empty"):
        assert_held(tmp_path / "toy.api", "")
