"""The `dependencies` block of a build file: each declaration as libraries, modules and platforms."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..contract.errors import ConfigError
from .catalogue import Library
from .gradle_dsl import Call, Chain, Listing, Name, Node, Statement, Text
from .gradle_module import Dependency
from .gradle_values import Scope

_KINDS = ("Implementation", "Api", "CompileOnly", "CompileOnlyApi", "RuntimeOnly")
_PLAIN = {
    "api": "api",
    "implementation": "implementation",
    "compileOnly": "compileOnly",
    "compileOnlyApi": "compileOnly",
    "runtimeOnly": "runtimeOnly",
    "testImplementation": "testImplementation",
    "testRuntimeOnly": "testImplementation",
    "androidTestImplementation": "androidTestImplementation",
    "androidTestRuntimeOnly": "androidTestImplementation",
}
_GENERATORS = re.compile(r"^(kapt|ksp|annotationProcessor)|(Kapt|Ksp|AnnotationProcessor)$")
# For tools, other variants and tests that goldmask does not run.
_BESIDE = re.compile(
    r"^(coreLibraryDesugaring|lintChecks|lintPublish|detektPlugins|ktlint\w*|baselineProfile|jacoco\w*|dokka\w*"
    r"|testFixtures\w+|(test|androidTest)\w+|release\w+|\w*Release(Implementation|Api|CompileOnly|RuntimeOnly))$"
)
_TESTS = re.compile(r"^(test|androidTest)")
_PLATFORMS = ("platform", "enforcedPlatform")


@dataclass
class Declared:
    """What a `dependencies` block declares; `beyond` are the reasons why some of it cannot be read."""

    dependencies: list[Dependency] = field(default_factory=list)
    libraries: dict[str, Library] = field(default_factory=dict)
    platforms: dict[Library, None] = field(default_factory=dict)
    beyond: list[tuple[Statement, str]] = field(default_factory=list)


class DependencyReader:
    """Reads the dependencies of one build file."""

    def __init__(
        self, scope: Scope, folder: Path, modules: Sequence[str], kotlin_version: Callable[[], str], flavours: set[str]
    ) -> None:
        self.scope, self.folder, self.modules, self.flavours = scope, folder, modules, flavours
        self.kotlin_version = kotlin_version
        self.accessors = {_accessor(name): name for name in modules}

    def read(self, statements: Sequence[Statement]) -> Declared:
        """What the statements of a `dependencies` block declare. Raises ConfigError of a catalogue."""
        declared = Declared()
        for statement, scope in expanded(statements, self.scope):
            node = statement.node.head if isinstance(statement.node, Chain) else statement.node
            if isinstance(node, Name) and statement.operator in ("=", "by"):
                continue  # a variable
            if isinstance(node, Call) and node.name == "constraints":
                continue  # what they say of versions is what the lock has found, or is in a platform
            if isinstance(statement.node, Chain) or not isinstance(node, Call) or node.on is not None:
                self._refuse(declared, statement, "")
                continue
            name, values = node.name, list(node.values)
            if name in ("add", "dependencies.add") and len(values) == 2:
                name, values = scope.text(values[0]) or "", values[1:]
            self._declare(declared, statement, name, node, values, scope)
        return _by_platforms(declared)

    def _declare(
        self, declared: Declared, statement: Statement, name: str, call: Call, values: list[Node], scope: Scope
    ) -> None:
        configuration = self._configuration(name.removeprefix("dependencies."))
        if configuration is None:
            if _GENERATORS.search(name):
                self._refuse(declared, statement, "code is generated there, and goldmask runs no generators")
            elif not _BESIDE.match(name):
                self._refuse(declared, statement, "")
            return
        if not configuration:
            return
        if call.named("group") is not None or call.named("name") is not None or call.named("path") is not None:
            values.append(Call("module", call.arguments))
        try:
            for value in _positional(values, scope):
                flat = isinstance(value, Listing) and not any(item.name for item in value.items)
                for node in [item.value for item in value.items] if flat and isinstance(value, Listing) else [value]:
                    self._add(declared, configuration, node, _excluded(call.block or (), scope), scope)
        except _Unreadable as error:
            if not _TESTS.match(configuration):
                self._refuse(declared, statement, str(error))
        except ConfigError:  # a test's library that the catalogue does not have
            if not _TESTS.match(configuration):
                raise

    def _configuration(self, name: str) -> str | None:
        """The configuration that counts here; empty for one of a variant that is not built, None for an unknown one."""
        if name in _PLAIN:
            return _PLAIN[name]
        for kind in _KINDS:
            variant = name.removesuffix(kind)
            if variant == name or not variant:
                continue
            variant = variant.removesuffix("Debug") or variant
            if variant == "debug":
                return _PLAIN[kind[0].lower() + kind[1:]]
            if variant in self.flavours:
                return f"{variant}Implementation"
        return None if not _BESIDE.match(name) else ""

    def _add(self, declared: Declared, configuration: str, node: Node, excluded: tuple[str, ...], scope: Scope) -> None:
        if isinstance(node, Name) and node.path in scope.variables:
            value = scope.variables[node.path]
            node = Text((value,)) if isinstance(value, str) else value
        if isinstance(node, Call) and node.name in _PLATFORMS:
            (inner,) = node.values or (Text(("",)),)
            found = self._libraries(inner, scope)
            for each in found:
                if not each.version:
                    raise _Unreadable(f"platform {each} has no version")
                declared.platforms[each] = None
            return
        if (module := self._module(node, scope)) is not None:
            declared.dependencies.append(Dependency(configuration, module, True))
            return
        for library in self._libraries(node, scope):
            library = library.without(excluded)
            declared.libraries[str(library)] = library
            declared.dependencies.append(Dependency(configuration, str(library), False))

    def _module(self, node: Node, scope: Scope) -> str | None:
        """The module of `project(":a")` or `projects.a`; None for anything else."""
        if isinstance(node, Call) and node.name == "project":
            path = scope.text(node.named("path") or (node.values[0] if node.values else None))
            if path is None:
                raise _Unreadable("the module is not a plain string")
            return path.removeprefix(":")
        path = node.path if isinstance(node, Name) else ""
        if not path.startswith("projects."):
            return None
        accessor = path.removeprefix("projects.").removesuffix(".dependencyProject")
        if accessor not in self.accessors:
            raise _Unreadable(f"{path} is no module of the settings")
        return self.accessors[accessor]

    def _libraries(self, node: Node, scope: Scope) -> tuple[Library, ...]:
        try:
            if isinstance(node, Call) and node.name in ("files", "fileTree"):
                return self._files(node, scope)
            if isinstance(node, Call) and node.name == "kotlin" and node.values:
                pieces = [scope.text(value) for value in node.values]
                version = pieces[1] if len(pieces) > 1 else self.kotlin_version()
                return (Library.of("org.jetbrains.kotlin", f"kotlin-{pieces[0]}", version or ""),)
            if isinstance(node, Call | Listing) and (library := _from_map(node, scope)):
                return (library,)
            if isinstance(node, Name | Call) and (found := self._of_catalogue(node)) is not None:
                return found
            if (text := scope.text(node)) is not None:
                return (Library.parse(text),)
        except ValueError as error:
            raise _Unreadable(str(error)) from None
        raise _Unreadable("")

    def _of_catalogue(self, node: Name | Call) -> tuple[Library, ...] | None:
        path = node.path if isinstance(node, Name) else node.name
        if isinstance(node, Call) and (node.on is not None or not path.endswith((".get", ".asProvider"))):
            return None
        for suffix in (".get", ".asProvider"):
            path = path.removesuffix(suffix)
        name, _, accessor = path.partition(".")
        if name not in self.scope.catalogues or not accessor:
            return None
        catalogue = self.scope.catalogues[name]
        if accessor.startswith("bundles."):
            return catalogue.bundle(accessor.removeprefix("bundles."))
        return (catalogue.library(accessor),)

    def _files(self, node: Call, scope: Scope) -> tuple[Library, ...]:
        """Nothing, where the files of `files(…)` and `fileTree(…)` are not there; others are beyond reach."""
        given = node.named("dir") or (node.values[0] if node.values else None)
        named = [scope.text(value) for value in node.values] if node.name == "files" else [scope.text(given)]
        for name in named:
            if name is None:
                raise _Unreadable("the files are not plain strings")
            path = self.folder / name
            there = [path] if path.is_file() else [each for each in path.rglob("*") if each.suffix in (".jar", ".aar")]
            if there:
                raise _Unreadable(f"{there[0].name} is a file, and goldmask takes libraries from Maven repositories")
        return ()

    def _refuse(self, declared: Declared, statement: Statement, reason: str) -> None:
        declared.beyond.append((statement, reason))


def _by_platforms(declared: Declared) -> Declared:
    """The same, where libraries without a version name the platforms: with another one they are other libraries."""
    platforms = tuple(sorted(map(str, declared.platforms)))
    names = {
        name: library if library.version else replace(library, platforms=platforms)
        for name, library in declared.libraries.items()
    }
    return Declared(
        [each if each.is_module else replace(each, on=str(names[each.on])) for each in declared.dependencies],
        {str(library): library for library in names.values()},
        declared.platforms,
        declared.beyond,
    )


class _Unreadable(Exception):
    """A declaration that goldmask cannot read, and why; without a reason its own source says enough."""


def expanded(statements: Sequence[Statement], scope: Scope) -> Iterator[tuple[Statement, Scope]]:
    """Statements, and those in `listOf(…).forEach { … }` once for each of the list, where `it` is a variable."""
    for statement in statements:
        node = statement.node
        listed = None
        if isinstance(node, Call) and node.name in ("forEach", "each") and node.block is not None:
            on = node.on
            listed = list(on.values) if isinstance(on, Call) and on.name in ("listOf", "setOf", "arrayOf") else None
            listed = [item.value for item in on.items] if isinstance(on, Listing) else listed
        if listed is None or not isinstance(node, Call) or node.block is None:
            yield statement, scope
            continue
        for value in listed:
            yield from expanded(node.block, scope.with_variables({"it": value}))


def _excluded(block: Sequence[Statement], scope: Scope) -> tuple[str, ...]:
    """What a dependency's block excludes, `group:name` each; `isTransitive = false` excludes all."""
    found = []
    for statement in block:
        node = statement.node
        if isinstance(node, Call) and node.name == "exclude":
            group, name = (scope.text(node.named(key)) for key in ("group", "module"))
            if group is None and name is None:
                raise _Unreadable("goldmask cannot read what it excludes")
            found.append(f"{group or '*'}:{name or '*'}")
        elif isinstance(node, Name) and node.path in ("isTransitive", "transitive"):
            if scope.text(statement.value) == "false":
                found.append("*:*")
        elif not (isinstance(node, Call) and node.name in ("because", "version", "artifact", "attributes")):
            raise _Unreadable(statement.source)
    return tuple(found)


def _from_map(node: Call | Listing, scope: Scope) -> Library | None:
    """`group: 'a', name: 'b', version: 'c'`, as arguments or in a list."""
    arguments = node.arguments if isinstance(node, Call) else node.items
    if isinstance(node, Call) and node.name != "module":
        return None
    pieces = {argument.name: scope.text(argument.value) for argument in arguments if argument.name}
    if not {"group", "name"} <= pieces.keys():
        return None
    if None in pieces.values():
        raise _Unreadable("goldmask cannot read its coordinates")
    if pieces.get("classifier"):
        raise _Unreadable("goldmask resolves no classifiers")
    return Library.of(pieces["group"] or "", pieces["name"] or "", pieces.get("version") or "")


def _positional(values: list[Node], scope: Scope) -> list[Node]:
    """`implementation("group", "name", "version")` as one string; anything else as it is."""
    parts = [scope.text(value) for value in values]
    if len(parts) not in (2, 3) or not all(part and ":" not in part for part in parts):
        return values
    return [Text((":".join(part or "" for part in parts),))]


def _accessor(module: str) -> str:
    """`core:data-source` as `projects.` has it: `core.dataSource`."""
    pieces = [re.split(r"[-_.]", piece) for piece in module.split(":")]
    camels = [words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:]) for words in pieces]
    return ".".join(camels)
