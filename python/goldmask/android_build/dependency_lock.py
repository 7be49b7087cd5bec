"""The dependency lock of an Android project: what each library of its Gradle files needs, with every file's sha256.

Maven resolves, once, by `./goldmask android.lock`; from then on the same bytes are used, or nothing is.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from ..contract.errors import ConfigError, RunError
from ..contract.files import sha256_of, write_atomically
from ..contract.schema import Sha256, Strict, first_problem
from ..machine.cache import adopt, cache_folder, cached_path
from ..machine.resources import ANDROID_PROJECT
from ..machine.scratch import scratch_folder
from ..project.config import Android
from . import maven
from .catalogue import Library, normalised
from .gradle_files import OUR_TESTS, OWN, TESTS, Project, load_project, own_catalogue
from .gradle_module import MAIN
from .gradle_plugins import COMPOSE
from .maven import Artifact, Progress
from .repositories import Repositories
from .versions import later

LOCK = "gradle/dependencies.lock.toml"
# Bundles of a catalogue that are not used together with others, and need not agree with them on versions.
TOOL, RUNTIME = "tool-", "runtime-"
COMPILER, COMPOSE_COMPILER = "tool-compiler", "tool-compose"
MAX_ROUNDS = 8
FIX = "./goldmask android.lock"


class Lock(Strict):
    """dependencies.lock.toml: what each library or tool needs, in class-path order, and every file's hash."""

    dependencies: dict[str, tuple[str, ...]]
    sha256: dict[str, Sha256]


@dataclass(frozen=True)
class Wanted:
    """What a lock is made of. What is `together` on class paths agrees on versions; the rest stands alone."""

    together: dict[str, Library] = field(default_factory=dict)
    platforms: tuple[Library, ...] = ()
    alone: dict[str, tuple[Library, ...]] = field(default_factory=dict)
    compose: bool = False


def load_lock(folder: Path) -> Lock:
    """The lock of the project in `folder`. Raises ConfigError where it is missing or broken."""
    path = folder / LOCK
    try:
        lock = Lock.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", fix=FIX) from None
    except (OSError, ValueError) as error:  # pydantic's and tomllib's errors are ValueErrors
        reason = first_problem(error) if isinstance(error, ValidationError) else error
        raise ConfigError(f"{path} cannot be used: {reason}", fix=FIX) from error
    if unpinned := {name for names in lock.dependencies.values() for name in names} - set(lock.sha256):
        raise ConfigError(f"{path} has no sha256 of {min(unpinned)}", fix=FIX)
    return lock


def artifacts_of(lock: Lock, names: Iterable[str]) -> list[Artifact]:
    """What libraries and tools need together, each once, in class-path order. Raises ConfigError for an unknown one."""
    found: dict[str, None] = {}
    for name in names:
        if name not in lock.dependencies:
            raise ConfigError(f"the dependency lock has no {name!r}: the Gradle files have changed since", fix=FIX)
        found |= dict.fromkeys(lock.dependencies[name])
    return [Artifact.parse(name) for name in found]


def fetch_artifacts(
    lock: Lock,
    artifacts: Sequence[Artifact],
    logs: Path,
    on_part: Progress = lambda what, done, total: None,
    repositories: Repositories = Repositories(),
) -> dict[Artifact, Path]:
    """The verified file of each artefact. Only what the cache lacks is asked of Maven, in one go.

    Raises EnvironmentMissing without Maven or a network, ConfigError where no repository has one, RunError where
    other bytes come.
    """
    # A file is given its name in the cache only after its hash was checked, and is not hashed again: they are large.
    paths = {artifact: cached_path(lock.sha256[str(artifact)], artifact.file_name) for artifact in artifacts}
    missing = [artifact for artifact, path in paths.items() if not path.is_file()]
    if missing:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with scratch_folder(cache_folder()) as folder:
            for artifact, copied in maven.copy(missing, folder, repositories, logs, on_part).items():
                adopt(copied, lock.sha256[str(artifact)], paths[artifact])
    return paths


def wanted_of(android: Android, root: Path, *, applications: bool) -> tuple[Project, Wanted]:
    """The project of goldmask.toml in `root`, and what its golden tests need. Raises ConfigError."""
    if not android.folder:
        project = load_project(ANDROID_PROJECT)
        return project, wanted_by_goldmask(project)
    tests = [test for name in OUR_TESTS if (test := getattr(android, name))] + list(android.app_tests.values())
    if not tests:
        raise ConfigError(
            "the [android] table of goldmask.toml names no golden test",
            fix="[android.lib_interpreter] with module and test (docs/adopt-android.md)",
        )
    project = load_project((root / android.folder).resolve(), [test.module for test in tests])
    return project, wanted_by(project, [test.module for test in tests], applications=applications)


def wanted_by(project: Project, modules: Iterable[str], *, applications: bool = False) -> Wanted:
    """What the golden tests in `modules` need, and the applications that they are in. Raises ConfigError."""
    libraries: dict[str, Library] = {}
    platforms: dict[Library, None] = {}
    compose = False
    for name in modules:
        application, flavour = project.application_of(name) if applications else (None, "")
        needed = {each.name: each for each in project.needed_by(name, *TESTS)}
        if application:
            needed |= {each.name: each for each in project.needed_by(application.name, *TESTS, flavour=flavour)}
        for module in needed.values():
            named = module.named(*MAIN, *(TESTS if module.name == name else ()), flavour=flavour)
            libraries |= {library: module.libraries[library] for library in named}
            platforms |= dict.fromkeys(module.platforms)
            compose = compose or COMPOSE in module.plugins
    libraries[str(project.standard_library)] = project.standard_library
    catalogue = project.files.scope.catalogues.get("libs")
    names = [name for name in catalogue.bundles() if name.startswith(RUNTIME)] if catalogue else []
    alone = {name: catalogue.bundle(normalised(name)) for name in names if catalogue}
    return Wanted(libraries, tuple(platforms), alone, compose)


def wanted_by_goldmask(project: Project) -> Wanted:
    """What all of goldmask's own Android project needs: every module with its tests, and the tools."""
    libraries: dict[str, Library] = {str(project.standard_library): project.standard_library}
    for module in map(project.module, (*project.names, *(name for name in OWN if name not in project.names))):
        libraries |= module.libraries
    catalogue = own_catalogue()
    libraries |= {str(library): library for library in catalogue.bundle("jvm")}
    names = [name for name in catalogue.bundles() if name.startswith((TOOL, RUNTIME))]
    return Wanted(libraries, (), {name: catalogue.bundle(normalised(name)) for name in names})


def write_lock(
    folder: Path,
    wanted: Wanted,
    repositories: Repositories,
    logs: Path,
    on_part: Progress = lambda what, done, total: None,
) -> Lock:
    """Resolve what is wanted anew, and write the lock of the project in `folder`. Raises as `maven.resolve`."""
    trees = _settle(
        [{name: (library,) for name, library in wanted.together.items()}], wanted, repositories, logs, on_part
    )
    tools = wanted.alone | _compilers(wanted, trees)
    trees |= _settle([{name: roots} for name, roots in tools.items()], Wanted(), repositories, logs, on_part)
    everything = sorted({artifact for tree in trees.values() for artifact in tree})
    with scratch_folder() as scratch:
        packaged = maven.with_packaging(everything, scratch / "poms", repositories, logs, on_part)
        hashes = {}
        for artifact, copied in maven.copy(packaged.values(), scratch / "files", repositories, logs, on_part).items():
            hashes[str(artifact)] = sha256_of(copied)
            adopt(copied, hashes[str(artifact)], cached_path(hashes[str(artifact)], artifact.file_name))
    lock = Lock(
        dependencies={name: tuple(str(packaged[artifact]) for artifact in tree) for name, tree in trees.items()},
        sha256=hashes,
    )
    write_atomically(folder / LOCK, _to_toml(lock).encode())
    return lock


def _compilers(wanted: Wanted, trees: Mapping[str, Sequence[Artifact]]) -> dict[str, tuple[Library, ...]]:
    """A Kotlin compiler as new as the standard library that was resolved, where goldmask's own is older; Compose's."""
    own = own_catalogue().bundle("tool.compiler")
    found = [each.version for tree in trees.values() for each in tree if each.name == "kotlin-stdlib"]
    version = later(own[0].version, *found)
    compilers = {}
    if version != own[0].version and COMPILER not in wanted.alone:
        compilers[COMPILER] = tuple(replace(library, version=version) for library in own)
    if wanted.compose:
        compilers[COMPOSE_COMPILER] = (
            Library("org.jetbrains.kotlin", "kotlin-compose-compiler-plugin-embeddable", version),
        )
    return compilers


def _settle(
    sets: Sequence[Mapping[str, Sequence[Library]]],
    wanted: Wanted,
    repositories: Repositories,
    logs: Path,
    on_part: Progress,
) -> dict[str, list[Artifact]]:
    """What each group of libraries needs, where those of a set agree on the highest version that any of it asks for.

    Maven would take the version that is nearest to the root; Gradle takes the highest, and so does this: the highest
    versions found are fixed and the set resolved again until nothing new is found.
    """
    settled: dict[str, list[Artifact]] = {name: [] for groups in sets for name in groups}
    sets = [{name: roots for name, roots in groups.items() if roots} for groups in sets]
    fixed: list[dict[tuple[str, str], str]] = [{} for _ in sets]
    open_sets = [number for number, groups in enumerate(sets) if groups]
    for number in range(1, MAX_ROUNDS + 1):
        if not open_sets:
            return settled
        groups = {name: (sets[each][name], fixed[each]) for each in open_sets for name in sets[each]}
        step = f"resolve {'libraries' if wanted.together else 'tools'}, round {number}"
        on_part(step, 0, len(groups))

        def count(done: int, step: str = step, of: int = len(groups)) -> None:
            on_part(step, done, of)

        trees = maven.resolve(groups, wanted.platforms, repositories, logs, count)
        on_part(step, len(groups), len(groups))
        unsettled = []
        for each in open_sets:
            asked = _highest(artifact for name in sets[each] for artifact in trees[name].asked)
            settled |= {name: trees[name].chosen for name in sets[each]}
            if any(fixed[each].get(key) != version for key, version in asked.items()):
                fixed[each] |= asked
                unsettled.append(each)
        open_sets = unsettled
    if open_sets:
        raise RunError(f"the dependencies did not settle in {MAX_ROUNDS} rounds", fix=FIX)
    return settled


def _highest(artifacts: Iterable[Artifact]) -> dict[tuple[str, str], str]:
    """The highest version of each library."""
    found: dict[tuple[str, str], str] = {}
    for artifact in artifacts:
        # Guava asks for an empty listenablefuture, having its class itself; what has no Guava needs the class.
        if "empty-to-avoid-conflict" not in artifact.version:
            found[artifact.key] = later(found.get(artifact.key, ""), artifact.version)
    return found


def _to_toml(lock: Lock) -> str:
    lines = [
        "# Written by ./goldmask android.lock from the Gradle files; do not edit.",
        "",
        "[dependencies]",
    ]
    for name, artifacts in sorted(lock.dependencies.items()):
        lines += [f"{_quoted(name)} = [", *(f"    {_quoted(artifact)}," for artifact in artifacts), "]"]
    lines += ["", "[sha256]", *(f"{_quoted(name)} = {_quoted(digest)}" for name, digest in sorted(lock.sha256.items()))]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return f'"{text}"'
