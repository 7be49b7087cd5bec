"""A module's build file, Kotlin or Groovy, with what the root's build file says for all modules."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..contract.errors import ConfigError
from .gradle_dependencies import Declared, DependencyReader
from .gradle_dsl import Call, Name, Node, Statement
from .gradle_module import Application, Module
from .gradle_plugins import APPLICATION, full_id, why_not
from .gradle_settings import BUILD, FIX, Settings, find, properties_of, read_statements
from .gradle_values import Scope, blocks, head, variables_of, word
from .repositories import Repositories, read_repositories

WAY_OUT = (
    "move the segmenter into a plain library module, or build with Gradle and check on devices: "
    "docs/adopt-android.md#what-goldmask-cannot-build"
)
_FOR_ALL = ("allprojects", "subprojects")
# Blocks whose values are not those of the variant that is built.
_ELSEWHERE = ("buildTypes", "productFlavors", "signingConfigs", "buildscript", "packaging", "packagingOptions", "lint")
_GENERATING_FEATURES = {
    "viewBinding": "view binding",
    "dataBinding": "data binding",
    "aidl": "AIDL",
    "renderScript": "RenderScript",
    "mlModelBinding": "ML model binding",
}
_KOTLIN_PLUGINS = ("org.jetbrains.kotlin.android", "org.jetbrains.kotlin.jvm")
_FLAG = re.compile(r"-[\w:.=+,-]+")


@dataclass(frozen=True)
class BuildFiles:
    """What all modules of a project are read with."""

    settings: Settings
    root: tuple[Statement, ...]  # of the root's build file
    folder: Path

    @property
    def shared(self) -> tuple[Statement, ...]:
        """What the root's build file says for all modules."""
        return tuple(statement for name in _FOR_ALL for statement in blocks(self.root, name))

    @property
    def scope(self) -> Scope:
        """The settings' catalogues and properties, and the root's variables."""
        return self.settings.scope.with_variables(variables_of(self.root))

    def repositories(self) -> Repositories:
        """All that the settings, the root and the modules name."""
        return Repositories() + self.settings.repositories + read_repositories(self.root, self.scope, self.folder)

    def kotlin_version(self, statements: Sequence[Statement] = ()) -> str:
        """The version of the Kotlin plugin, where any file says one."""
        places = [*blocks(self.root, "plugins"), *blocks(statements, "plugins")]
        for statement in places:
            identity, version = _plugin(statement.node, self.scope)
            if identity in _KOTLIN_PLUGINS and version:
                return version
        for statement in blocks(self.root, "buildscript", "dependencies"):
            node = statement.node
            text = self.scope.text(node.values[0]) if isinstance(node, Call) and node.values else None
            if text and text.startswith("org.jetbrains.kotlin:kotlin-gradle-plugin:"):
                return text.rpartition(":")[2]
        return next((version for name in ("kotlin", "kotlin_version") if (version := self._variable(name))), "")

    def _variable(self, name: str) -> str:
        catalogue = self.scope.catalogues.get("libs")
        known = catalogue is not None and name in catalogue.names.get("versions", {})
        return (self.scope.version(f"libs.versions.{name}") if known else self.scope.text(Name(name))) or ""


def read_module(name: str, folder: Path, files: BuildFiles) -> Module:
    """Read one module. What is beyond goldmask's reach is in the module; raises ConfigError where there is no file."""
    path = find(folder, BUILD)
    if path is None:
        raise ConfigError(f"{folder / BUILD[0]} cannot be read: there is no such file", fix=FIX)
    own = read_statements(path)
    statements = (*own, *files.shared)
    scope = files.scope.with_variables({**properties_of(folder), **variables_of(own), "projectDir": str(folder)})
    plugins = _plugins(statements, scope)
    flavours, defaults, suffixes = _flavours(statements, scope)
    reader = DependencyReader(
        scope, folder, tuple(files.settings.modules), lambda: files.kotlin_version(own), set(flavours)
    )
    problems = [*_beyond(statements, plugins, files, scope), *_generated(name, folder, flavours)]
    try:
        declared = reader.read(blocks(statements, "dependencies"))
        for statement, reason in declared.beyond:
            sentence = f"goldmask cannot read {statement.source!r}"
            if not reason and (files.folder / "buildSrc").is_dir():
                reason = "it may come from buildSrc, which goldmask does not compile"
            problems.append((statement.line, f"{sentence}: {reason}" if reason else sentence))
    except ConfigError as error:
        declared, problems = Declared(), [*problems, (0, error.what)]
    module = Module(
        name,
        folder,
        tuple(dict.fromkeys(declared.dependencies)),
        declared.libraries,
        tuple(declared.platforms),
        tuple(plugins),
        namespace=_setting(statements, files.root, scope, "namespace") or "",
        warnings_are_errors=_setting(statements, files.root, scope, "allWarningsAsErrors") == "true",
        kotlin_flags=tuple(_kotlin_flags(statements, scope)),
        flavours=flavours,
        default_flavours=defaults,
        beyond=ConfigError(_at(path, *problems[0]), fix=WAY_OUT) if problems else None,
    )
    if APPLICATION not in plugins:
        return module
    try:
        return replace(module, application=_application(path, statements, files.root, scope, module, suffixes))
    except ConfigError as error:
        return replace(module, beyond=module.beyond or error)


def _at(path: Path, line: int, reason: str) -> str:
    return f"{path}:{line}: {reason}" if line else reason


def everywhere(statements: Sequence[Statement]) -> Iterator[tuple[Statement, tuple[str, ...]]]:
    """All statements, those in blocks as well, each with the names of the blocks around it."""

    def inside(inner: Sequence[Statement], around: tuple[str, ...]) -> Iterator[tuple[Statement, tuple[str, ...]]]:
        for statement in inner:
            yield statement, around
            for node in (head(statement.node), statement.value):
                if isinstance(node, Call) and node.block:
                    yield from inside(node.block, (*around, node.name))

    return inside(statements, ())


def _plugins(statements: Sequence[Statement], scope: Scope) -> dict[str, int]:
    """The ids of the plugins that a module applies, and the line of each."""
    found: dict[str, int] = {}
    for statement in blocks(statements, "plugins"):
        if scope.text(word(statement.node, "apply")) != "false":
            identity, _ = _plugin(statement.node, scope)
            found.setdefault(full_id(identity or statement.source), statement.line)
    for statement in statements:
        node = statement.node
        if isinstance(node, Call) and node.name == "apply" and (given := node.named("plugin")) is not None:
            found.setdefault(full_id(scope.text(given) or statement.source), statement.line)
    return found


def _plugin(node: Node, scope: Scope) -> tuple[str, str]:
    """(id, version) of a line of a `plugins` block, either empty where it says none that can be read."""
    version = scope.text(word(node, "version")) or ""
    node = head(node)
    if isinstance(node, Name):  # `java-library`
        return node.path, version
    if not isinstance(node, Call) or not node.values:
        return "", version
    (first, *_) = node.values
    if node.name == "alias" and isinstance(first, Name):
        name, _, accessor = first.path.partition(".plugins.")
        if name not in scope.catalogues:
            return "", version
        identity, of_catalogue = scope.catalogues[name].plugin(accessor)
        return identity, version or of_catalogue
    text = scope.text(first) or ""
    return (f"org.jetbrains.kotlin.{text}" if node.name == "kotlin" else text), version


def _beyond(
    statements: Sequence[Statement], plugins: dict[str, int], files: BuildFiles, scope: Scope
) -> Iterator[tuple[int, str]]:
    """What goldmask cannot do, each with its line."""
    settings = files.settings
    for plugin, line in plugins.items():
        reason = why_not(
            plugin, (*settings.plugin_builds, *settings.builds), has_build_src=(files.folder / "buildSrc").is_dir()
        )
        if reason:
            yield line, reason
    for statement, around in everywhere(statements):
        node = statement.node
        name = node.path if isinstance(node, Name) else node.name if isinstance(node, Call) else ""
        name = name.rpartition("buildFeatures.")[2]
        if name in _GENERATING_FEATURES:
            given = statement.value or (node.values[0] if isinstance(node, Call) and node.values else None)
            if scope.text(given) == "true":
                yield statement.line, f"{name} generates code ({_GENERATING_FEATURES[name]}), and goldmask does not"
        elif name == "externalNativeBuild" and around[-1:] == ("android",):
            yield statement.line, "externalNativeBuild compiles native code, and goldmask does not"


def _generated(name: str, folder: Path, flavours: Sequence[str]) -> Iterator[tuple[int, str]]:
    """BuildConfig, where sources mention it: whether it is generated is Gradle's default in older projects."""
    sources = [path for source_set in ("main", *flavours, "debug") for path in Module(name, folder).sources(source_set)]
    for path in sources:
        if re.search(r"\bBuildConfig\.", path.read_text("utf-8", "replace")):
            yield 0, f"{path} uses BuildConfig, a generated class, and goldmask generates none"


def _flavours(
    statements: Sequence[Statement], scope: Scope
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """(all product flavours, the default of each dimension, suffixes of application ids by flavour or build type).

    The default is the one with `isDefault = true`, else the first by alphabet, as Android Studio has it.
    """
    dimensions: dict[str, list[str]] = {}
    suffixes: list[tuple[str, str]] = []
    chosen: dict[str, str] = {}
    for kind in ("productFlavors", "buildTypes"):
        for statement in blocks(statements, "android", kind):
            node = statement.node
            if not isinstance(node, Call) or node.on is not None:
                continue
            made = node.name in ("create", "register", "maybeCreate", "getByName", "named")
            name = scope.text(node.values[0]) if made and node.values else node.name
            if name is None:
                continue
            said = {key: value for inner in node.block or () for key, value in _said(inner, scope)}
            if suffix := said.get("applicationIdSuffix"):
                suffixes.append((name, suffix if suffix.startswith(".") else f".{suffix}"))
            if kind == "productFlavors":
                dimension = said.get("dimension", "")
                dimensions.setdefault(dimension, []).append(name)
                if said.get("isDefault") == "true":
                    chosen[dimension] = name
    every = tuple(name for names in dimensions.values() for name in names)
    return every, tuple(chosen.get(key) or min(names) for key, names in dimensions.items()), tuple(suffixes)


def _said(statement: Statement, scope: Scope) -> Iterator[tuple[str, str]]:
    """(name, value) of `name = value`, `name value` and `setName(value)`, where goldmask can read both."""
    node = statement.node
    if isinstance(node, Name) and statement.value is not None:
        name, value = node.path, scope.text(statement.value)
    elif isinstance(node, Call) and len(node.values) == 1 and node.block is None:
        name, value = node.name, scope.text(node.values[0])
        if re.match(r"set[A-Z]", name):
            name = name[3].lower() + name[4:]
    else:
        return
    if value is not None:
        yield name.rpartition(".")[2], value


def _setting(statements: Sequence[Statement], root: Sequence[Statement], scope: Scope, *names: str) -> str | None:
    """The value of a setting of any of `names`: the module's own, or the root's for all modules."""
    for source in (statements, root):
        for statement, around in everywhere(source):
            if not set(around) & set(_ELSEWHERE):
                for name, value in _said(statement, scope):
                    if name in names:
                        return value
    return None


def _listed(statements: Sequence[Statement], scope: Scope, name: str) -> Iterator[str]:
    """The strings that are added to a list: `name += "a"`, `name += listOf("a")`, `name 'a', 'b'`, `name.add("a")`."""
    for statement, _ in everywhere(statements):
        node = statement.node
        values: tuple[Node, ...] = ()
        if isinstance(node, Name) and node.path.rpartition(".")[2] == name and statement.value is not None:
            values = (statement.value,)
        elif isinstance(node, Call) and (node.name.removesuffix(".addAll").removesuffix(".add")).endswith(name):
            values = node.values
        for value in values:
            yield from scope.texts(value) or ()


def _kotlin_flags(statements: Sequence[Statement], scope: Scope) -> Iterator[str]:
    """The compiler's own arguments that a module asks for; classes that it opts in to among them."""
    for flag in _listed(statements, scope, "freeCompilerArgs"):
        if _FLAG.fullmatch(flag):
            yield flag
    for marker in _listed(statements, scope, "optIn"):
        yield f"-opt-in={marker}"


def _application(
    path: Path,
    statements: Sequence[Statement],
    root: Sequence[Statement],
    scope: Scope,
    module: Module,
    suffixes: tuple[tuple[str, str], ...],
) -> Application:
    """What an application's build file, or the root's for all modules, says. Raises ConfigError."""

    def setting(*names: str, default: str = "") -> str:
        found = _setting(statements, root, scope, *names) or default
        if not found:
            raise ConfigError(f"{path} says no {names[0]} that goldmask can read", fix=FIX)
        return found

    try:
        return Application(
            namespace=setting("namespace"),
            application_id=setting("applicationId", default=module.namespace),
            min_sdk=int(setting("minSdk", "minSdkVersion")),
            target_sdk=int(setting("targetSdk", "targetSdkVersion")),
            version_code=int(setting("versionCode", default="1")),
            version_name=setting("versionName", default="1.0"),
            abis=tuple(dict.fromkeys(_listed(statements, scope, "abiFilters"))),
            stored=tuple(dict.fromkeys(_listed(statements, scope, "noCompress"))),
            runner=setting("testInstrumentationRunner", default="androidx.test.runner.AndroidJUnitRunner"),
            suffixes=suffixes,
        )
    except ValueError as error:
        raise ConfigError(f"{path}: a number is needed: {error}", fix=FIX) from error
