"""An Android project's Gradle files, as far as goldmask's own builder reads them: modules, and what they depend on.

Gradle stays the standard way to build the project. This reads the same files, so that there is one list of
dependencies. A module is read when it is needed: what the golden test does without may be anything.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..contract.errors import ConfigError, EnvironmentMissing
from ..machine.resources import ANDROID_PROJECT
from ..project.config import Android, GoldenTest
from .catalogue import CATALOGUE, Catalogue, Library, load_catalogue
from .gradle_build import WAY_OUT, BuildFiles, read_module
from .gradle_module import MAIN, Dependency, Module
from .gradle_plugins import APPLICATION
from .gradle_settings import BUILD, find, read_settings, read_statements
from .versions import later

OUR_TESTS = {
    "lib_interpreter": GoldenTest(module="lib_interpreter", test="org.goldmask.interpreter.InterpreterGoldenTest"),
    "lib_task_api": GoldenTest(module="lib_task_api", test="org.goldmask.task.TaskGoldenTest"),
}
# goldmask's own modules that a golden test needs; they are there in every project.
OWN = ("segmenter", "golden")
GOLDEN = "golden"
TESTS = ("testImplementation", "androidTestImplementation")
_STANDARD_LIBRARY = ("org.jetbrains.kotlin", "kotlin-stdlib")


@dataclass(frozen=True)
class Project:
    """A Gradle project. `tested` are the modules that have a golden test: goldmask adds its library to those."""

    folder: Path
    files: BuildFiles
    tested: tuple[str, ...] = ()
    _read: dict[str, Module] = field(default_factory=dict, compare=False, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The modules that its settings include."""
        return tuple(self.files.settings.modules)

    def module(self, name: str) -> Module:
        """A module by name. Raises ConfigError, also for one that goldmask cannot compile."""
        module = self.look_at(name)
        if module.beyond:
            raise module.beyond
        return module

    def look_at(self, name: str) -> Module:
        """A module by name, whether goldmask can compile it or not. Raises ConfigError where there is none."""
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def _load(self, name: str) -> Module:
        folder = self.files.settings.modules.get(name)
        own = name.removeprefix("goldmask:")
        if own in OWN and (folder is None or find(folder, BUILD) is None):
            folder = ANDROID_PROJECT / own
        if folder is None:
            builds = [f'includeBuild("{build}")' for build in self.files.settings.builds]
            also = f", which may get it from {' or '.join(builds)}; goldmask reads no included builds" if builds else ""
            raise ConfigError(
                f"{self.files.settings.path} includes no module {name!r}{also}",
                fix=WAY_OUT if builds else f"one of {', '.join(self.names)}",
            )
        files = self.files
        if is_ours(folder) and folder.parent != self.folder:
            files = _files_of(folder.parent)  # its catalogue is its own, wherever it is used
        module = read_module(name, folder, files)
        if is_ours(folder):
            module = replace(module, dependencies=tuple(self._ours(each) for each in module.dependencies))
        return self._with_golden(module) if name in self.tested else self._checked(module)

    def _ours(self, dependency: Dependency) -> Dependency:
        """A dependency of one of goldmask's modules, by the name that it has in this project."""
        if dependency.is_module and dependency.on in OWN:
            return replace(dependency, on=self.own(dependency.on))
        return dependency

    def own(self, name: str) -> str:
        """The name of one of goldmask's own modules: the project may have another module of that name."""
        folder = self.files.settings.modules.get(name)
        strange = folder is not None and find(folder, BUILD) is not None and not is_ours(folder)
        return f"goldmask:{name}" if strange else name

    def _with_golden(self, module: Module) -> Module:
        """A module with a golden test, and with what goldmask's part of that needs."""
        libraries = own_catalogue().bundle("jvm")
        more = [Dependency(configuration, self.own(GOLDEN), is_module=True) for configuration in TESTS]
        more += [Dependency(TESTS[0], str(library), is_module=False) for library in libraries]
        return self._checked(
            replace(
                module,
                dependencies=tuple(dict.fromkeys((*module.dependencies, *more))),
                libraries={**module.libraries, **{str(library): library for library in libraries}},
            )
        )

    def _checked(self, module: Module) -> Module:
        """The module, refused where an included build may stand for one of its libraries."""
        names = {Path(build).name: build for build in self.files.settings.builds}
        found = [library for library in module.libraries.values() if library.name in names]
        if not found or module.beyond:
            return module
        error = ConfigError(
            f'{module.folder}: {found[0]} may come from includeBuild("{names[found[0].name]}"), which goldmask does not'
            " build",
            fix=WAY_OUT,
        )
        return replace(module, beyond=error)

    def application_of(self, module: str) -> tuple[Module, str]:
        """The application that has `module` inside, and the flavour that it is in; an application is its own.

        Raises ConfigError where there is none, or more than one.
        """
        itself = self.look_at(module)
        if APPLICATION in itself.plugins:
            return _readable(itself), "".join(itself.default_flavours[:1])
        applications = self._applications()
        found = [
            (each, dependency.configuration.removesuffix("Implementation"))
            for each in applications
            for dependency in each.dependencies
            if dependency.is_module and dependency.on == module and dependency.configuration not in TESTS
        ]
        found = [(each, "" if configuration in MAIN else configuration) for each, configuration in found]
        if not found:
            found = [(each, "") for each in applications if not each.beyond and self._has(each.name, module)]
        if len(found) != 1:
            raise ConfigError(
                f"{len(found) or 'no'} applications of {self.folder} are made of module {module!r}; an APK needs one",
                fix=f'implementation(project(":{module}")) in one module with the com.android.application plugin',
            )
        return _readable(found[0][0]), found[0][1]

    def _applications(self) -> list[Module]:
        """The modules that are applications; others of the project may be anything."""
        found = []
        for name in self.names:
            with contextlib.suppress(ConfigError):
                module = self.look_at(name)
                found += [module] if APPLICATION in module.plugins else []
        return found

    def _has(self, application: str, module: str) -> bool:
        return module in (each.name for each in self.needed_by(application))

    def needed_by(self, name: str, *configurations: str, flavour: str = "") -> list[Module]:
        """The modules that `name` needs by `configurations`, and those by its own and api and so on; deepest first.

        `name` itself comes last. Modules that only tests need, and that goldmask cannot compile, are left out.
        Raises ConfigError for any other such module, one that is not there, or that needs itself.
        """
        ordered: dict[str, Module] = {}
        self._visit(name, configurations, flavour, (), ordered)
        return list(ordered.values())

    def _visit(
        self, name: str, configurations: tuple[str, ...], flavour: str, path: tuple[str, ...], ordered: dict
    ) -> None:
        if name in path:
            raise ConfigError(f"modules need each other: {' → '.join((*path, name))}", fix=f"edit {self.folder}")
        module = self.module(name)
        main = module.modules(*MAIN, flavour=flavour)
        more = [other for other in module.modules(*configurations) if other not in main]
        for other in (*main, *(other for other in more if other == self.own(GOLDEN) or self._compiles(other))):
            if other not in ordered:
                self._visit(other, (), flavour, (*path, name), ordered)
        ordered[name] = module

    def _compiles(self, name: str) -> bool:
        try:
            self.needed_by(name)
        except ConfigError:
            return False
        return True

    @property
    def standard_library(self) -> Library:
        """Kotlin's, which its plugin adds to every module: the project's version or goldmask's, whichever is later."""
        own = own_catalogue().bundle("kotlin")[0]
        return replace(own, version=later(own.version, self.files.kotlin_version()))


def _readable(module: Module) -> Module:
    """An application, where goldmask can read what it says of its APK. Raises ConfigError."""
    if module.beyond and not module.application:
        raise module.beyond
    return module


def load_project(folder: Path, tested: Iterable[str] = ()) -> Project:
    """Read the settings in `folder`. Raises ConfigError where there are none, or none that can be read."""
    return Project(folder, _files_of(folder), tuple(tested))


def project_of(android: Android, root: Path, pipeline: str) -> tuple[Project, GoldenTest]:
    """The Android project to run, and the golden test of a pipeline in it. Raises ConfigError, EnvironmentMissing."""
    if not android.folder:
        test = getattr(android, pipeline) or OUR_TESTS[pipeline]
        return load_project(ANDROID_PROJECT, [test.module]), test
    test = getattr(android, pipeline)
    if not test:
        raise EnvironmentMissing(
            f"the [android] table of goldmask.toml names no golden test of {pipeline}",
            fix=f"[android.{pipeline}] with module and test, or other pipelines in the suite (docs/adopt-android.md)",
        )
    return load_project((root / android.folder).resolve(), [test.module]), test


def is_ours(folder: Path) -> bool:
    """Whether a module is one of a checkout of goldmask's own Android project."""
    return (folder.parent / "golden/src/main/kotlin/org/goldmask/golden").is_dir()


def own_catalogue() -> Catalogue:
    """goldmask's own catalogue: what its own part of a golden test needs, and its tools."""
    return load_catalogue(ANDROID_PROJECT / CATALOGUE)


def _files_of(folder: Path) -> BuildFiles:
    settings = read_settings(folder)
    root = find(folder, BUILD)
    return BuildFiles(settings, read_statements(root) if root else (), folder)
