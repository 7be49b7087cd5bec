"""A Gradle project's settings: its modules and their folders, repositories, catalogues and included builds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import ConfigError
from .catalogue import CATALOGUE, Catalogue, load_catalogue
from .gradle_dependencies import expanded
from .gradle_dsl import Call, Chain, Listing, Member, Name, Node, Statement, parse
from .gradle_tokens import GradleSyntaxError
from .gradle_values import Scope, blocks, variables_of, walk
from .repositories import Repositories, read_repositories

SETTINGS = ("settings.gradle.kts", "settings.gradle")
BUILD = ("build.gradle.kts", "build.gradle")
# What an app applies in its settings for Gradle and Android Studio; goldmask itself knows where its modules are.
ADOPTION = "goldmask.settings.gradle"
FIX = "see docs/adopt-android.md for what goldmask reads of Gradle files"
MAX_SCRIPTS = 20


@dataclass(frozen=True)
class Settings:
    """What a settings file says. `modules` are by their paths without the first colon, as `core:data`."""

    path: Path
    modules: dict[str, Path]
    repositories: Repositories
    scope: Scope
    builds: tuple[str, ...]  # included for what they make
    plugin_builds: tuple[str, ...]  # included for their plugins only


def read_settings(folder: Path) -> Settings:
    """Read the settings in `folder`. Raises ConfigError where there are none, or none that can be read."""
    path = find(folder, SETTINGS)
    if path is None:
        raise ConfigError(
            f"{folder / SETTINGS[0]} cannot be read: there is no such file",
            fix='folder = "<an Android project>" under [android]',
        )
    statements = read_statements(path)
    known = {"rootDir": str(folder), "settingsDir": str(folder), "rootProject.projectDir": str(folder)}
    scope = Scope(properties_of(folder)).with_variables({**variables_of(statements), **known})
    scope = Scope(scope.variables, _catalogues(folder, statements, scope))
    modules = _modules(folder, statements, scope, path)
    inside_plugins = blocks(statements, "pluginManagement")
    return Settings(
        path,
        modules,
        read_repositories(statements, scope, folder),
        scope,
        tuple(_included(statements, scope)),
        tuple(_included(inside_plugins, scope)),
    )


def find(folder: Path, names: Sequence[str]) -> Path | None:
    """The first of `names` that is a file in `folder`."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_statements(path: Path, scripts: int = 0) -> tuple[Statement, ...]:
    """The statements of a file, with those of the local scripts that it applies. Raises ConfigError."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}", fix=FIX) from error
    try:
        statements = parse(text, groovy=path.suffix != ".kts")
    except (GradleSyntaxError, RecursionError) as error:
        reason = error if isinstance(error, GradleSyntaxError) else "it is nested too deeply"
        raise ConfigError(f"{path} cannot be read: {reason}", fix=FIX) from error
    applied: list[Statement] = []
    for statement in statements:
        script = _applied(statement.node, path.parent)
        if script is not None and script.is_file() and script.name != ADOPTION and scripts < MAX_SCRIPTS:
            applied += read_statements(script, scripts + 1)
    return (*statements, *applied)


def properties_of(folder: Path) -> dict[str, Node | str]:
    """The properties in `gradle.properties`, which build files see as variables."""
    path = folder / "gradle.properties"
    if not path.is_file():
        return {}
    lines = [line.strip() for line in path.read_text("utf-8", "replace").splitlines()]
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith(("#", "!"))]
    return {key.strip(): value.strip() for key, _, value in pairs}


def _applied(node: Node, folder: Path) -> Path | None:
    """The file of `apply(from = "…")`."""
    if not isinstance(node, Call) or node.name != "apply":
        return None
    given = node.named("from")
    text = Scope({"rootDir": str(folder), "projectDir": str(folder), "rootProject.projectDir": str(folder)}).text(given)
    return folder / text if text and "://" not in text else None


def _modules(folder: Path, statements: Sequence[Statement], scope: Scope, path: Path) -> dict[str, Path]:
    names: dict[str, None] = {}
    moved: dict[str, Path] = {}
    for statement, seen in expanded(statements, scope):
        node = statement.node
        if isinstance(node, Call) and node.name in ("include", "settings.include"):
            for value in node.values:
                for name in seen.texts(value) or []:
                    names[name.strip(":")] = None
        elif isinstance(node, Member) and node.name == "projectDir" and isinstance(node.on, Call):
            module = seen.text(node.on.values[0] if node.on.values else None)
            place = _path(statement.value, seen)
            if node.on.name == "project" and module and place is not None:
                moved[module.strip(":")] = folder / place
    if not names:
        raise ConfigError(f"{path} includes no module", fix='include(":app")')
    return {name: (moved.get(name) or folder / name.replace(":", "/")).resolve() for name in names}


def _path(node: Node | None, scope: Scope) -> str | None:
    """The path of `file("…")`, `File(rootDir, "…")`, `new File(settingsDir, '…')` and `rootDir.resolve("…")`."""
    arguments: tuple[Node, ...] = ()
    if isinstance(node, Chain) and isinstance(node.head, Name) and node.head.path == "new":
        made = node.words[0][1]
        arguments = tuple(item.value for item in made.items) if isinstance(made, Listing) else (made,)
    elif isinstance(node, Call) and node.name in ("file", "File", "java.io.File"):
        arguments = node.values
    elif isinstance(node, Call) and node.name.endswith(".resolve"):
        arguments = (Name(node.name.removesuffix(".resolve")), *node.values)
    pieces = [scope.text(argument) for argument in arguments]
    return None if not pieces or None in pieces else str(Path(*(piece for piece in pieces if piece is not None)))


def _catalogues(folder: Path, statements: Sequence[Statement], scope: Scope) -> dict[str, Catalogue]:
    """The catalogues by their names: `libs` by itself, and those that the settings make of files."""
    found = {"libs": load_catalogue(folder / CATALOGUE)} if (folder / CATALOGUE).is_file() else {}
    declared = blocks(statements, "dependencyResolutionManagement", "versionCatalogs")
    for statement in declared:
        node = statement.node
        if not isinstance(node, Call) or node.block is None:
            continue
        name = scope.text(node.values[0]) if node.name in ("create", "register") and node.values else node.name
        for inner in node.block:
            if isinstance(inner.node, Call) and inner.node.name == "from" and inner.node.values:
                files = scope.texts(inner.node.values[0])
                if name and files and (folder / files[0]).is_file():
                    found[name] = load_catalogue(folder / files[0])
    return found


def _included(statements: Sequence[Statement], scope: Scope) -> Iterator[str]:
    for statement in walk(statements, ()):
        node = statement.node
        if isinstance(node, Call) and node.name in ("includeBuild", "settings.includeBuild") and node.values:
            yield scope.text(node.values[0]) or "…"
