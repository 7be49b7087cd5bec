"""A test is skipped because of the machine, never because of what the code under test answers."""

import ast

import pytest
from conftest import REPO
from needs import LACKING, need

SKIPS = {"skip", "skipif", "importorskip"}


def skips(source: str) -> bool:
    """Whether a Python source skips tests."""
    return any(isinstance(node, ast.Attribute) and node.attr in SKIPS for node in ast.walk(ast.parse(source)))


def test_only_what_the_machine_lacks_skips_a_test():
    found = [path.name for path in (REPO / "tests").rglob("*.py") if skips(path.read_text("utf-8"))]
    assert sorted(found) == ["needs.py", "test_needs.py"]


@pytest.mark.parametrize(
    ("source", "found"),
    [("pytest.skip(reason)", True), ("@pytest.mark.skipif(x)\ndef f(): 1", True), ("skip()", False)],
)
def test_a_skip_is_found(source, found):
    assert skips(source) == found


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("jdk", "javac is not on PATH. try: sudo apt-get install openjdk-17-jdk-headless"),
        ("go", "go is not on PATH"),
        ("linux", "only Linux"),
        ("tensorflow-lite", "TENSORFLOWLITE_C names no library"),
        ("swift", "there is no Swift. try: sudo tests/rig/make_root.sh"),
        ("rig", "the rig needs root on Linux"),
    ],
)
def test_what_is_lacking_is_the_reason(name, reason, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GOLDMASK_RIG_ROOT", str(tmp_path))
    for variable in ("JAVA_HOME", "TENSORFLOWLITE_C"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("needs.sys.platform", "darwin")
    with pytest.raises(pytest.skip.Exception, match=reason):
        need(name)


def test_what_is_there_skips_nothing(monkeypatch, tmp_path):
    for name in ("javac", "go"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("needs.sys.platform", "linux")
    need("jdk", "go", "linux", "tensorflow-lite")


def test_every_need_is_needed():
    sources = "".join(
        path.read_text("utf-8") for path in (REPO / "tests").rglob("*.py") if path.name != "test_needs.py"
    )
    assert [name for name in LACKING if sources.count(f'"{name}"') < 2] == []
