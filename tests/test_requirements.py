"""What goldmask imports is what it declares: nothing comes by way of another package, nothing is declared in vain."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

from conftest import REPO

# Started as programs, or by another package; no line imports them.
NOT_IMPORTED = {"sdkmanager"}


def imported(paths: Iterable[Path]) -> set[str]:
    """The top-level modules of others that files import anywhere."""
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"deeplab", "goldmask"}


def distributions(modules: Iterable[str]) -> set[str]:
    """The packages that bring modules, by their names on PyPI; a module that nothing here brings by its own."""
    known = packages_distributions()
    return {name.lower().replace("_", "-") for module in modules for name in set(known.get(module, [module]))}


def declared() -> set[str]:
    """The packages that goldmask's own pyproject.toml asks for."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = (*project["dependencies"], *extras["uv"], *extras["opencv"])
    return {re.match(r"[\w.-]+", each)[0].lower() for each in asked}


def test_what_is_imported_is_declared_and_the_other_way_round():
    used = distributions(imported([*(REPO / "python/goldmask").rglob("*.py"), REPO / "tasks.py"]))
    # pydantic pins the exact version of its core; pytest is there where it loads the plugin.
    assert used - {"pydantic-core", "pytest"} == declared() - NOT_IMPORTED


def test_an_import_that_is_not_declared_is_seen(tmp_path):
    (tmp_path / "other.py").write_text("def f():\n    import urllib3, os\n    from PIL import Image\n", "utf-8")
    assert distributions(imported([tmp_path / "other.py"])) - declared() == {"urllib3"}
