"""The rooms: each has one sentence of its own, and imports only rooms above it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPO

PACKAGE = REPO / "python/goldmask"
# The order of docs/development.md.
ROOMS = (
    "contract", "machine", "project", "android", "android_build", "apple", "targets", "verdict", "report", "workflows",
    "cli", "commands",
)  # fmt: skip
# The reference environments have numpy, Pillow and pydantic, and nothing else that goldmask uses.
CONTRACT_NEEDS = {"numpy", "PIL", "pydantic", "pydantic_core"}


def imported(source: str, room: str) -> Iterator[str]:
    """The rooms that a module of `room` imports; `goldmask` itself, which has the version only, is none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            if node.module:
                yield node.module.split(".")[0]
            else:
                yield from (alias.name for alias in node.names if not alias.name.startswith("__"))
        elif isinstance(node, ast.ImportFrom) and node.level == 1:
            yield room
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (name.split(".")[1] for name in names if name.startswith("goldmask."))


def downward(package: Path) -> list[str]:
    """Every import of a room below the importing one, or of no room at all."""
    wrong = []
    for path in sorted(package.glob("*/**/*.py")):
        room = path.relative_to(package).parts[0]
        allowed = ROOMS[: ROOMS.index(room) + 1]
        wrong += [
            f"{room}/{path.name} imports {other}"
            for other in imported(path.read_text("utf-8"), room)
            if other not in allowed
        ]
    return wrong


def circles(package: Path) -> list[str]:
    """Modules that need each other to be loaded, in a circle."""
    needs: dict[str, set[str]] = {}
    for path in sorted(package.glob("*/*.py")):
        room, name = path.parent.name, f"{path.parent.name}.{path.stem}"
        needs[name] = set()
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.level in (1, 2):
                whole = ".".join(filter(None, [room if node.level == 1 else "", node.module or ""]))
                needs[name] |= {whole, *(f"{whole}.{alias.name}" for alias in node.names)}
    found = []
    # Without them every path is walked, and a new module may double how many there are.
    seen: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            found.append(" → ".join((*path[path.index(name) :], name)))
            return
        if name in seen:
            return
        seen.add(name)
        for other in sorted(needs[name] & set(needs)):
            visit(other, (*path, name))

    for name in needs:
        if not found:
            visit(name, ())
    return found


def test_there_are_few_rooms_and_nothing_lies_outside_them():
    assert {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(ROOMS)
    assert sorted(path.name for path in PACKAGE.glob("*.py")) == ["__init__.py", "__main__.py", "tasks.py"]
    assert len(ROOMS) <= 18


def test_contributors_read_of_the_rooms_in_this_order():
    table = re.findall(r"^\| `(\w+)` \|", (REPO / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    assert tuple(table) == ROOMS


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_in_one_sentence_what_it_is(room):
    module = ast.parse((PACKAGE / room / "__init__.py").read_text("utf-8"))
    sentence = ast.get_docstring(module)
    assert sentence and sentence.endswith(".") and ". " not in sentence
    assert len(module.body) == 1, "a room holds its modules, and nothing itself"


def test_imports_lead_only_to_rooms_above():
    assert downward(PACKAGE) == []


def test_modules_do_not_import_in_a_circle():
    assert circles(PACKAGE) == []


def test_an_import_of_a_room_below_is_seen(tmp_path):
    (tmp_path / "project").mkdir()
    for line in ("from ..workflows import check", "from .. import cli", "import goldmask.targets.python"):
        (tmp_path / "project/config.py").write_text(f"{line}\n", "utf-8")
        assert len(downward(tmp_path)) == 1, line
    (tmp_path / "project/config.py").write_text("from ..contract import files\nfrom . import model\n", "utf-8")
    assert downward(tmp_path) == []


def test_a_circle_is_seen(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project/config.py").write_text("from .model import Model\n", "utf-8")
    (tmp_path / "project/model.py").write_text("from . import config\n", "utf-8")
    assert circles(tmp_path) == ["project.config → project.model → project.config"]


def test_the_contract_needs_what_every_reference_environment_has():
    import sys

    found = set()
    for path in (PACKAGE / "contract").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").split(".")[0])
    assert found - set(sys.stdlib_module_names) <= CONTRACT_NEEDS


def test_training_is_a_package_of_its_own():
    """deeplab uses goldmask; goldmask only starts it, from its command line."""
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and any(name.split(".")[0] == "deeplab" for name in names_of(node))
    ]
    assert users == ["cli/command.py"]


def names_of(node: ast.ImportFrom | ast.Import) -> list[str]:
    """What an import statement names, if absolute."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if not node.level else []
