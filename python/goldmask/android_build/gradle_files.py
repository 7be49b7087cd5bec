"""An Android project's Gradle files, as far as goldmask's own builder reads them: modules, and what they depend on.

Gradle stays the standard way to build the project. This reads the same files, so that there is one list of
dependencies; what it understands of them is in docs/android.md, and what it does not understand is an error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..contract.errors import ConfigError, EnvironmentMissing
from ..machine.resources import ANDROID_PROJECT
from ..project.config import Android, GoldenTest

OUR_TESTS = {
    "lib_interpreter": GoldenTest(module="lib_interpreter", test="org.goldmask.interpreter.InterpreterGoldenTest"),
    "lib_task_api": GoldenTest(module="lib_task_api", test="org.goldmask.task.TaskGoldenTest"),
}
SETTINGS = "settings.gradle.kts"
BUILD = "build.gradle.kts"
_INCLUDE = re.compile(r"^\s*include\(([^)]*)\)", re.MULTILINE)
_FOLDER = re.compile(r'^\s*project\(":([\w-]+)"\)\.projectDir\s*=\s*file\("([^"]+)"\)', re.MULTILINE)
_DEPENDENCY = re.compile(
    r'^\s*"?(api|implementation|\w+Implementation|\w+Api)"?\((?:libs\.bundles\.([\w.]+)|project\(":([\w-]+)"\))\)',
    re.MULTILINE,
)
# Whatever else looks like a dependency would be missing from the class path without a word.
_UNREADABLE = re.compile(r'^\s*"?(?:api|implementation|\w+Implementation|\w+Api)"?\(.*$', re.MULTILINE)


@dataclass(frozen=True)
class Dependency:
    """`on` is a bundle of the catalogue, or a module; `configuration` is Gradle's: `api`, `testImplementation`, …"""

    configuration: str
    on: str
    is_module: bool


@dataclass(frozen=True)
class Application:
    """What an application module says of its APK; `stored` are suffixes of assets that are not compressed."""

    namespace: str
    application_id: str
    min_sdk: int
    target_sdk: int
    version_code: int
    version_name: str
    abis: tuple[str, ...]
    stored: tuple[str, ...]
    runner: str
    suffixes: tuple[tuple[str, str], ...] = ()  # of the application id, by flavour

    @property
    def test_id(self) -> str:
        """The application id of its test APK, as Gradle's plugin has it."""
        return f"{self.application_id}.test"

    def of(self, flavour: str) -> "Application":
        """The application as a flavour has it: two flavours can be on a device at once where their ids differ."""
        return replace(self, application_id=self.application_id + dict(self.suffixes).get(flavour, ""))


@dataclass(frozen=True)
class Module:
    """One module: its folder and what its build file says. A library has no `application`."""

    name: str
    folder: Path
    dependencies: tuple[Dependency, ...]
    warnings_are_errors: bool
    uses_serialization: bool
    application: Application | None = None

    def application_in(self, flavour: str) -> Application:
        """The application as a flavour has it. Raises ConfigError for a library."""
        if not self.application:
            raise ConfigError(
                f"module {self.name!r} is a library; an APK needs an application",
                fix=f"the com.android.application plugin in {self.folder}",
            )
        return self.application.of(flavour)

    def sources(self, source_set: str) -> list[Path]:
        """The Kotlin and Java files of a source set, `main` or a flavour's name say."""
        folders = [self.folder / "src" / source_set / language for language in ("kotlin", "java")]
        return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".kt", ".java"))

    def bundles(self, *configurations: str) -> tuple[str, ...]:
        """The bundles it names in any of `configurations`."""
        return tuple(each.on for each in self._of(configurations) if not each.is_module)

    def modules(self, *configurations: str) -> tuple[str, ...]:
        """The modules it names in any of `configurations`."""
        return tuple(each.on for each in self._of(configurations) if each.is_module)

    def _of(self, configurations: tuple[str, ...]) -> Iterator[Dependency]:
        return (each for each in self.dependencies if each.configuration in configurations)


@dataclass(frozen=True)
class Project:
    """A Gradle project with its modules."""

    folder: Path
    modules: dict[str, Module]

    def module(self, name: str) -> Module:
        """A module by name. Raises ConfigError."""
        if name not in self.modules:
            raise ConfigError(
                f"{self.folder / SETTINGS} includes no module {name!r}",
                fix=f"one of {', '.join(self.modules)}",
            )
        return self.modules[name]

    def application_of(self, module: str) -> tuple[Module, str]:
        """The application that has `module` inside, and the flavour that it is in; an application is its own.

        Raises ConfigError where there is none, or more than one.
        """
        found = [
            (each, dependency.configuration.removesuffix("Implementation").removesuffix("implementation"))
            for each in self.modules.values()
            for dependency in each.dependencies
            if each.application and dependency.is_module and dependency.on == module
            if dependency.configuration.lower().endswith("implementation")
            if not dependency.configuration.startswith(("test", "androidTest"))
        ]
        if self.module(module).application:
            found = [(self.module(module), "")]
        if len(found) != 1:
            raise ConfigError(
                f"{len(found) or 'no'} applications of {self.folder} are made of module {module!r}; an APK needs one",
                fix=f'implementation(project(":{module}")) in one module with the com.android.application plugin',
            )
        return found[0]

    def needed_by(self, name: str, *configurations: str) -> list[Module]:
        """The modules that `name` needs by `configurations`, and those by api and implementation; deepest first.

        `name` itself comes last. Raises ConfigError for a module that is not there, or that needs itself.
        """
        ordered: dict[str, Module] = {}
        self._visit(name, configurations, (), ordered)
        return list(ordered.values())

    def _visit(self, name: str, configurations: tuple[str, ...], path: tuple[str, ...], ordered: dict) -> None:
        if name in path:
            raise ConfigError(f"modules need each other: {' → '.join((*path, name))}", fix=f"edit {self.folder}")
        module = self.module(name)
        for other in module.modules("api", "implementation", *configurations):
            if other not in ordered:
                self._visit(other, (), (*path, name), ordered)
        ordered[name] = module


def load_project(folder: Path) -> Project:
    """Read the Gradle files in `folder`. Raises ConfigError where one is missing or says what we cannot read."""
    settings = _read(folder / SETTINGS)
    names = [name for group in _INCLUDE.findall(settings) for name in re.findall(r'"([^"]*)"', group)]
    elsewhere = dict(_FOLDER.findall(settings))
    root_build = _read(folder / BUILD) if (folder / BUILD).is_file() else ""
    modules = {}
    for name in (name.removeprefix(":") for name in names):
        if not re.fullmatch(r"[\w-]+", name):
            raise ConfigError(f"{folder / SETTINGS} includes {name!r}; goldmask reads no nested modules", fix=_FIX)
        modules[name] = _load_module(name, (folder / elsewhere.get(name, name)).resolve(), root_build)
    if not modules:
        raise ConfigError(f"{folder / SETTINGS} includes no module", fix='include(":app")')
    return Project(folder, modules)


def project_of(android: Android, root: Path, pipeline: str) -> tuple[Project, GoldenTest]:
    """The Android project to run, and the golden test of a pipeline in it. Raises ConfigError, EnvironmentMissing."""
    if not android.folder:
        return load_project(ANDROID_PROJECT), getattr(android, pipeline) or OUR_TESTS[pipeline]
    test = getattr(android, pipeline)
    if not test:
        raise EnvironmentMissing(
            f"the [android] table of goldmask.toml names no golden test of {pipeline}",
            fix=f"[android.{pipeline}] with module and test, or other pipelines in the suite (docs/adopt-android.md)",
        )
    return load_project((root / android.folder).resolve()), test


_FIX = "see docs/android.md for what goldmask reads of Gradle files"


def _load_module(name: str, folder: Path, root_build: str) -> Module:
    text = re.sub(r"//.*", "", _read(folder / BUILD))
    found = list(_DEPENDENCY.finditer(text))
    read = {match.start() for match in found}
    for other in _UNREADABLE.finditer(text):
        if other.start() not in read:
            raise ConfigError(f"{folder / BUILD}: goldmask cannot read {other.group().strip()!r}", fix=_FIX)
    dependencies = tuple(
        Dependency(configuration, (bundle or module).replace(".", "-") if bundle else module, not bundle)
        for configuration, bundle, module in (match.groups() for match in found)
    )
    return Module(
        name,
        folder,
        dependencies,
        warnings_are_errors=bool(re.search(r"allWarningsAsErrors\s*=\s*true", text + root_build)),
        uses_serialization="libs.plugins.kotlin.serialization" in text,
        application=_application(folder / BUILD, text, root_build) if _APPLICATION.search(text) else None,
    )


_SUFFIX = re.compile(r'create\("(\w+)"\)\s*\{[^}]*applicationIdSuffix\s*=\s*"([\w.]+)"')
_APPLICATION = re.compile(r"libs\.plugins\.android\.application|com\.android\.application")


def _application(path: Path, text: str, root_build: str) -> Application:
    """What an application's build file, or the root's for all modules, says. Raises ConfigError."""

    def setting(name: str, default: str = "") -> str:
        for source in (text, root_build):
            if found := re.search(rf'^\s*{name}\s*=\s*"?([\w.$-]+)"?\s*$', source, re.MULTILINE):
                return found[1]
        if not default:
            raise ConfigError(f"{path} says no {name} that goldmask can read", fix=_FIX)
        return default

    def listed(name: str) -> tuple[str, ...]:
        lines = re.findall(rf"\b{name}\s*\+=\s*(.+)", text)
        return tuple(word for line in lines for word in re.findall(r'"([\w.-]+)"', line))

    try:
        return Application(
            namespace=setting("namespace"),
            application_id=setting("applicationId"),
            min_sdk=int(setting("minSdk")),
            target_sdk=int(setting("targetSdk")),
            version_code=int(setting("versionCode", "1")),
            version_name=setting("versionName", "1.0"),
            abis=listed("abiFilters"),
            stored=listed("noCompress"),
            runner=setting("testInstrumentationRunner", "androidx.test.runner.AndroidJUnitRunner"),
            suffixes=tuple(_SUFFIX.findall(text)),
        )
    except ValueError as error:
        raise ConfigError(f"{path}: a number is needed: {error}", fix=_FIX) from error


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{path} cannot be read: {reason}", fix='folder = "<an Android project>" under [android]'
        ) from error
