"""Goldens of another commit, as git has them."""

from pathlib import Path

import pytest

from goldmask.contract.errors import GoldenError
from goldmask.machine import git, shell
from goldmask.project.across import goldens_of

pytestmark = pytest.mark.project
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main")


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository whose project, in a folder of it, changed its golden on a branch and on main."""
    project = tmp_path / "app/masks"
    golden = project / "models/tiny/goldens/lib_interpreter/golden.json"
    golden.parent.mkdir(parents=True)

    def run(*words: str) -> None:
        done = shell.run(("git", *WHO, "-C", str(tmp_path / "app"), *words), log=tmp_path / "log", deadline_s=60)
        assert not done.code, (tmp_path / "log").read_text("utf-8")

    def commit(text: str) -> None:
        golden.write_text(text, "utf-8")
        run("add", ".")
        run("commit", "-qm", text)

    run("init", "-q")
    commit("base")
    run("tag", "base")
    commit("main")
    run("checkout", "-qb", "branch", "base")
    commit("branch")
    run("config", "user.name", "Ada  Lovelace")
    return project


@pytest.mark.parametrize(
    ("ref", "merge_base", "text"), [("base", False, "base"), ("main", False, "main"), ("main", True, "base")]
)
def test_goldens_are_those_of_a_commit(repository, tmp_path, ref, merge_base, text):
    (tmp_path / "into").mkdir()
    commit = goldens_of(repository, ref, tmp_path / "into", merge_base=merge_base)
    assert len(commit) == 40
    assert (tmp_path / "into/models/tiny/goldens/lib_interpreter/golden.json").read_text("utf-8") == text
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["models"]


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", ""])
def test_a_commit_that_there_is_not(repository, tmp_path, ref):
    with pytest.raises(GoldenError, match="there is no commit"):
        goldens_of(repository, ref, tmp_path, merge_base=False)


def test_the_name_of_who_accepts(repository, tmp_path, monkeypatch):
    assert git.user_name(repository) == "Ada Lovelace"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git.user_name(repository) == ""
