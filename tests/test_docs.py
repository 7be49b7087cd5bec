"""What is on paper and in code at once is the same; and the style that a machine can check."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from conftest import REPO

from goldmask.contract.errors import ExitCode
from goldmask.machine import shell
from goldmask.project.config import Tolerances

SOURCES = sorted((REPO / "python").rglob("*.py"))


def test_the_readme_has_every_exit_code():
    codes = re.findall(r"^\| (\d+) \|", (REPO / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [int(code) for code in codes] == [int(code) for code in ExitCode]


def test_every_gate_is_documented():
    text = (REPO / "docs/metrics.md").read_text("utf-8")
    assert [name for name in Tolerances.model_fields if f"`{name}`" not in text] == []


DOCUMENTS = [path.relative_to(REPO).as_posix() for path in (*REPO.glob("*.md"), *(REPO / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    text = (REPO / document).read_text("utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert [link for link in links if not ((REPO / document).parent / link).exists()] == []


@pytest.mark.parametrize("script", sorted((REPO / "python/references").glob("*.py")), ids=lambda path: path.stem)
def test_a_references_pins_are_its_hashed_requirements(script):
    """The header is what runs, the .txt is what is verified; they must name the same versions."""
    block = re.search(r"^# /// script\n(.*?)^# ///$", script.read_text("utf-8"), re.MULTILINE | re.DOTALL).group(1)
    pins = tomllib.loads(re.sub(r"^# ?", "", block, flags=re.MULTILINE))["dependencies"]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", pin) for pin in pins)
    locked = script.with_suffix(".txt").read_text("utf-8")
    assert "http" not in locked and locked.count("--hash=sha256:") >= len(pins)
    everywhere = re.findall(r"^([a-z0-9-]+==[0-9.]+) \\", locked, re.MULTILINE)  # without "; sys_platform == …" ones
    assert sorted(everywhere) == sorted(pins)


def test_lock_files_have_hashes_and_no_addresses():
    for lock in REPO.glob("requirements*.txt"):
        text = lock.read_text("utf-8")
        assert "http" not in text
        pins = re.findall(r"^[a-z0-9-]+==", text, re.MULTILINE)
        assert pins and text.count("--hash=sha256:") >= len(pins)


MAX_LINES = 450
CODE = {".c", ".kt", ".py", ".swift"}
NOT_OURS = {".build", ".gradle", "Pods", "__pycache__", "build"}


def too_long(root: Path) -> list[str]:
    """The files of code below `root` that are longer than anybody wants to read, generated folders left out."""
    files = [path for path in root.rglob("*") if path.suffix in CODE and not NOT_OURS & {*path.relative_to(root).parts}]
    assert files, f"{root} has no code"
    return [str(path) for path in files if len(path.read_text("utf-8").splitlines()) > MAX_LINES]


@pytest.mark.parametrize("folder", ["android", "benchmarks", "ios", "python", "tests"])
def test_no_file_is_too_long(folder):
    assert too_long(REPO / folder) == []


def test_a_file_that_is_too_long_is_found(tmp_path):
    for name, lines in (("a.py", MAX_LINES), ("b.kt", MAX_LINES + 1), ("c.txt", 1000), ("build/d.py", 1000)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x\n" * lines)
    assert too_long(tmp_path) == [str(tmp_path / "b.kt")]


def test_only_the_shell_starts_processes():
    found = {
        path.name
        for path in SOURCES
        if re.search(r"import subprocess|from subprocess|os\.system", path.read_text("utf-8"))
    }
    assert found == {"shell.py"}


def test_every_module_and_public_function_says_what_it_is():
    silent = []
    for path in [*SOURCES, REPO / "tasks.py"]:
        module = ast.parse(path.read_text("utf-8"))
        classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
        for node in (module, *module.body, *(member for each in classes for member in each.body)):
            name = getattr(node, "name", path.name)
            documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            if documented and not name.startswith("_") and not ast.get_docstring(node):
                silent.append(f"{path.name}: {name}")
    assert silent == []


@pytest.mark.project
def test_no_machine_is_named(tmp_path):
    """Absolute paths of somebody's machine do not belong into a commit; `someone` stands for a name in transcripts."""
    done = shell.run(["git", "ls-files"], log=tmp_path / "log", deadline_s=60, cwd=REPO)
    files = [REPO / name for name in done.stdout.splitlines()] if done.code == 0 else SOURCES
    named = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/(?!someone\b)\w")
    texts = [
        path for path in files if path.suffix in (".py", ".toml", ".md", ".txt", ".json", ".sh") and path.is_file()
    ]
    own = Path(__file__).name
    assert [path.name for path in texts if path.name != own and named.search(path.read_text("utf-8"))] == []
