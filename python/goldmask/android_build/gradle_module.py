"""One module of a Gradle project: what its build file says of plugins, dependencies, flavours and its APK."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..contract.errors import ConfigError
from .catalogue import Library

# The configurations of what a module is compiled and run with, and those of what only its tests have.
MAIN = ("api", "implementation", "runtimeOnly", "compileOnly")
BUILD_TYPE = "debug"


@dataclass(frozen=True)
class Dependency:
    """`on` is a library as the lock names it, or a module; `configuration` is Gradle's: `api`, `testImplementation`."""

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
    suffixes: tuple[tuple[str, str], ...] = ()  # of the application id, by flavour or build type

    @property
    def test_id(self) -> str:
        """The application id of its test APK, as Gradle's plugin has it."""
        return f"{self.application_id}.test"

    def of(self, flavour: str) -> "Application":
        """The application as a flavour has it: two flavours can be on a device at once where their ids differ."""
        suffixes = dict(self.suffixes)
        return replace(
            self, application_id=self.application_id + suffixes.get(flavour, "") + suffixes.get(BUILD_TYPE, "")
        )


@dataclass(frozen=True)
class Module:
    """One module: its folder and what its build file says. A library has no `application`.

    `beyond` is what goldmask cannot do with it, by name; whoever needs the module gets it as an error.
    """

    name: str
    folder: Path
    dependencies: tuple[Dependency, ...] = ()
    libraries: dict[str, Library] = field(default_factory=dict)  # by their names in the lock
    platforms: tuple[Library, ...] = ()
    plugins: tuple[str, ...] = ()
    namespace: str = ""
    warnings_are_errors: bool = False
    kotlin_flags: tuple[str, ...] = ()
    flavours: tuple[str, ...] = ()  # all that it declares
    default_flavours: tuple[str, ...] = ()  # one of each dimension
    application: Application | None = None
    beyond: ConfigError | None = None

    @property
    def key(self) -> str:
        """Its name in names of files and class paths, where a colon means something else."""
        return self.name.replace(":", "-")

    def application_in(self, flavour: str) -> Application:
        """The application as a flavour has it. Raises ConfigError for a library."""
        if not self.application:
            raise ConfigError(
                f"module {self.name!r} is a library; an APK needs an application",
                fix=f"the com.android.application plugin in {self.folder}",
            )
        return self.application.of(flavour)

    def chosen(self, flavour: str = "") -> tuple[str, ...]:
        """The flavours that are built: the one that is asked for where the module has it, else its defaults."""
        return (flavour,) if flavour in self.flavours else self.default_flavours

    def source_sets(self, flavour: str = "") -> tuple[str, ...]:
        """The source sets that make the debug variant of a flavour."""
        chosen = self.chosen(flavour)
        together = [chosen[0] + "".join(map(_capital, chosen[1:]))] if len(chosen) > 1 else []
        variant = [f"{name}{_capital(BUILD_TYPE)}" for name in (together or chosen)]
        return ("main", *chosen, *together, BUILD_TYPE, *variant)

    def sources(self, source_set: str) -> list[Path]:
        """The Kotlin and Java files of a source set, for example `main` or a flavour's name."""
        folders = [self.folder / "src" / source_set / language for language in ("kotlin", "java")]
        return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".kt", ".java"))

    def resources(self, flavour: str = "") -> list[Path]:
        """Its folders of Android resources; what comes later wins."""
        folders = [self.folder / "src" / name / "res" for name in self.source_sets(flavour)]
        return [folder for folder in folders if any(path.is_file() for path in folder.rglob("*"))]

    def named(self, *configurations: str, flavour: str = "") -> tuple[str, ...]:
        """The libraries, as the lock names them, in any of `configurations` and those of its flavours."""
        return tuple(each.on for each in self._of(configurations, flavour) if not each.is_module)

    def modules(self, *configurations: str, flavour: str = "") -> tuple[str, ...]:
        """The modules it names in any of `configurations` and those of its flavours."""
        return tuple(each.on for each in self._of(configurations, flavour) if each.is_module)

    def _of(self, configurations: tuple[str, ...], flavour: str) -> Iterator[Dependency]:
        flavoured = [f"{name}Implementation" for name in self.chosen(flavour)]
        return (each for each in self.dependencies if each.configuration in (*configurations, *flavoured))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
