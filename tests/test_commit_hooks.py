"""The hooks of .pre-commit-config.yaml find nothing in the files of this repository, and each finds a planted fault."""

import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from conftest import REPO

from goldmask.machine import shell

CONFIGURATION = ".pre-commit-config.yaml"
REPOSITORIES = yaml.safe_load((REPO / CONFIGURATION).read_text("utf-8"))["repos"]
HOOKS = [hook for repository in REPOSITORIES for hook in repository["hooks"]]


class Copy:
    """The files of this repository in another one, where hooks may change them and git has no settings of a user."""

    def __init__(self, folder: Path) -> None:
        """Make one in `folder`, with all files that .gitignore does not name. REPO itself need not be one of git."""
        self.folder, self.logs = folder / "repository", folder / "logs"
        self.folder.mkdir()
        self.git("init", "--quiet")
        self.git("add", "--all", work_tree=REPO)
        self.git("checkout-index", "--all")
        (self.folder / ".venv").symlink_to(sys.prefix)

    def git(self, *words: str, work_tree: Path | None = None) -> None:
        """Run git here, on the files of `work_tree`."""
        done = shell.run(
            ["git", *words],
            log=self.logs / "git.log",
            deadline_s=60,
            cwd=work_tree or self.folder,
            env=self.environment(work_tree),
        )
        assert done.code == 0, done.log_tail()

    def environment(self, work_tree: Path | None = None) -> dict[str, str]:
        """git's variables, each given: a hook that runs the tests would otherwise lend them its repository."""
        return {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_DIR": str(self.folder / ".git"),
            "GIT_INDEX_FILE": str(self.folder / ".git/index"),
            "GIT_WORK_TREE": str(work_tree or self.folder),
            "PRE_COMMIT_HOME": str(self.logs / "pre-commit"),
        }

    def run_hooks(self) -> shell.Finished:
        """Run all hooks on all files."""
        argv = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never"]
        log = self.logs / "pre-commit.log"
        return shell.run(argv, log=log, deadline_s=300, cwd=self.folder, env=self.environment())


@pytest.mark.project
def test_the_hooks_find_nothing(tmp_path):
    done = Copy(tmp_path).run_hooks()
    assert done.code == 0, done.stdout + done.log_tail()
    assert done.stdout.count("Passed\n") == len(HOOKS), "a hook has no files: " + done.stdout


# For each hook a file that it must refuse, and what it says of it.
FAULTS = {
    "ruff-check": ("unused.py", "import os\n", "F401"),
    "ruff-format": ("quotes.py", "NAME = 'goldmask'\n", "1 file reformatted"),
    "mypy": ("python/goldmask/contract/untyped.py", 'NAME: int = "goldmask"\n', "[assignment]"),
    "shellcheck": ("unquoted.sh", "#!/bin/sh\nrm $1\n", "SC2086"),
    "clang-format": ("braces.c", "int main(void){return 0;}\n", "files were modified"),
    "codespell": ("misspelt.md", "Recieve the mask.\n", "Recieve ==> Receive"),  # codespell:ignore recieve
    "end-of-file-fixer": ("unended.md", "No line break", "Fixing unended.md"),
    "trailing-whitespace": ("blank.md", "A blank \nat the end.\n", "Fixing blank.md"),
    "mixed-line-ending": ("windows.md", "From Windows\r\n", "windows.md: fixed mixed line endings"),
    "check-merge-conflict": ("conflict.md", "<<<<<<< HEAD\n=======\n>>>>>>> theirs\n", "conflict.md:1: Merge conflict"),
    "check-json": ("data.json", "{,}\n", "data.json: Failed to json decode"),
    "check-toml": ("data.toml", "key =\n", "data.toml"),
    "check-xml": ("data.xml", "<open>\n", "data.xml: Failed to xml parse"),
    "check-yaml": ("data.yaml", "key: [\n", "data.yaml"),
    "check-executables-have-shebangs": ("program", "true\n", "program: marked executable but has no"),
    "check-shebang-scripts-are-executable": (
        "unquoted.sh",
        "",
        "unquoted.sh: has a shebang but is not marked executable",
    ),
    "check-workflows": (".github/workflows/a.yml", "jobs: []\n", "workflows/a.yml"),
    "check-dependabot": (".github/dependabot.yml", "version: 1\n", ".github/dependabot.yml"),
    "check-issue-forms": (".github/ISSUE_TEMPLATE/a.yml", "name: a\n", "ISSUE_TEMPLATE/a.yml"),
    "check-issue-config": (".github/ISSUE_TEMPLATE/config.yml", "blank: 1\n", "ISSUE_TEMPLATE/config.yml"),
}


@pytest.mark.project
def test_each_hook_finds_its_fault(tmp_path):
    """The twin; a hook that has no fault to show that it works is not wanted."""
    faulty = Copy(tmp_path)
    for name, text, _ in FAULTS.values():
        path = faulty.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() or path.read_bytes())
        path.chmod(0o755 if name == "program" else 0o644)
    faulty.git("add", "--all", ":!.venv")
    done = faulty.run_hooks()
    sections = re.split(r"^.+\.Failed\n- hook id: (.+)\n", done.stdout, flags=re.MULTILINE)
    found = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert done.code == 1 and found.keys() == {hook["id"] for hook in HOOKS} == FAULTS.keys()
    assert {hook: found[hook] for hook, (_, _, sentence) in FAULTS.items() if sentence not in found[hook]} == {}


def test_the_tools_are_those_of_the_lock():
    """A hook that downloads its tool needs a network, and may be of another version than these tests use."""
    assert {repository["repo"] for repository in REPOSITORIES} == {"local"}
    assert {hook["language"] for hook in HOOKS} == {"system"}
    programs = [Path(hook["entry"].split()[0]) for hook in HOOKS]
    assert {program.parent for program in programs} == {Path(".venv/bin")}
    assert [program.name for program in programs if not os.access(Path(sys.prefix, "bin", program.name), os.X_OK)] == []


def test_all_formatters_have_one_line_length():
    """Editors wrap where the formatters do."""
    editor = re.findall(r"^max_line_length = (\d+)", (REPO / ".editorconfig").read_text("utf-8"), re.MULTILINE)
    ruff = re.findall(r"^line-length = (\d+)", (REPO / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    clang = re.findall(r"^ColumnLimit: (\d+)", (REPO / ".clang-format").read_text("utf-8"), re.MULTILINE)
    swift = re.findall(r'"lineLength": (\d+)', (REPO / "ios/.swift-format").read_text("utf-8"))
    assert len(editor) == len(ruff) == len(swift) == 1 and len(clang) == 2
    assert len({*editor, *ruff, *clang, *swift}) == 1
