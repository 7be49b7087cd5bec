"""Maven artefacts by a committed lock: Maven itself resolves and downloads, every byte is checked by sha256.

A version catalogue (gradle/libs.versions.toml) is the one list of what an Android project depends on. Its lock
(gradle/dependencies.lock.toml) has what follows from each bundle of the catalogue, and the hashes.
"""

import hashlib
import re
import shutil
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from pydantic import Field, ValidationError

from ..contract.errors import ConfigError, EnvironmentMissing, RunError
from ..contract.files import sha256_of, write_atomically
from ..contract.schema import Sha256, Strict, first_problem
from ..machine import shell
from ..machine.cache import adopt, cache_folder, cached_path, move_into_place
from ..machine.scratch import scratch_folder

CATALOGUE = "gradle/libs.versions.toml"
LOCK = "gradle/dependencies.lock.toml"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
INSTALL = "sudo apt-get install maven, or brew install maven"
DEADLINE_S = 1800
# Bundles of one project are used together and must agree on versions; tools and other runtimes stand alone.
ALONE = ("tool-", "runtime-")
MAX_ROUNDS = 6
Progress = Callable[[str, int, int], None]  # what, parts done, parts in all


@dataclass(frozen=True, order=True)
class Artifact:
    """One file of a Maven repository."""

    group: str
    name: str
    type: str
    version: str

    @classmethod
    def parse(cls, coordinates: str) -> "Artifact":
        """From `group:name:type:version`. Raises ConfigError."""
        arguments = coordinates.split(":")
        if len(arguments) != 4 or not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", word) for word in arguments):
            raise ConfigError(f"{coordinates!r} is not group:name:type:version", fix="./goldmask android.lock")
        return cls(*arguments)

    @property
    def key(self) -> tuple[str, str]:
        """What there is one version of on a class path."""
        return self.group, self.name

    @property
    def file_name(self) -> str:
        """As in a repository."""
        return f"{self.name}-{self.version}.{self.type}"

    def __str__(self) -> str:
        return ":".join((self.group, self.name, self.type, self.version))


class Lock(Strict):
    """dependencies.lock.toml: what each bundle of the catalogue needs, in class-path order, and every file's hash."""

    catalogue: Sha256 = Field(description="of the catalogue's libraries and bundles that this was made from")
    bundles: dict[str, tuple[str, ...]]
    sha256: dict[str, Sha256]


def load_catalogue(folder: Path) -> dict[str, list[Artifact]]:
    """What each bundle of `folder`'s catalogue names, all as jars until they are resolved. Raises ConfigError."""
    path = folder / CATALOGUE
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        return {
            bundle: [_library(data, alias) for alias in aliases] for bundle, aliases in data.get("bundles", {}).items()
        }
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix=f"edit {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{path} is no version catalogue that goldmask can read: {error}", fix=f"edit {path}"
        ) from error


def _library(data: dict, alias: str) -> Artifact:
    entry = data["libraries"][alias]
    version = entry["version"]
    version = data["versions"][version["ref"]] if isinstance(version, dict) else version
    return Artifact.parse(f"{entry['module']}:jar:{version}")


def load_lock(folder: Path) -> Lock:
    """The lock of `folder`'s catalogue. Raises ConfigError where it is missing, broken or of another catalogue."""
    path = folder / LOCK
    fix = "./goldmask android.lock"
    try:
        lock = Lock.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", fix=fix) from None
    except (OSError, ValueError) as error:  # pydantic's and tomllib's errors are ValueErrors
        reason = first_problem(error) if isinstance(error, ValidationError) else error
        raise ConfigError(f"{path} cannot be used: {reason}", fix=fix) from error
    if lock.catalogue != _digest(load_catalogue(folder)):
        raise ConfigError(f"{path} was not made from {folder / CATALOGUE} as it is now", fix=fix)
    if unpinned := {name for names in lock.bundles.values() for name in names} - set(lock.sha256):
        raise ConfigError(f"{path} has no sha256 of {min(unpinned)}", fix=fix)
    return lock


def artifacts_of(lock: Lock, bundles: Iterable[str]) -> list[Artifact]:
    """What `bundles` need together, each once, in class-path order. Raises ConfigError for an unknown bundle."""
    names: dict[str, None] = {}
    for bundle in bundles:
        if bundle not in lock.bundles:
            raise ConfigError(f"the dependency lock has no bundle {bundle!r}", fix="./goldmask android.lock")
        names |= dict.fromkeys(lock.bundles[bundle])
    return [Artifact.parse(name) for name in names]


def fetch_artifacts(
    lock: Lock, artifacts: Sequence[Artifact], logs: Path, on_part: Progress = lambda what, done, total: None
) -> dict[Artifact, Path]:
    """The verified file of each artefact. Only what the cache lacks is asked of Maven, in one go.

    Raises EnvironmentMissing without Maven or a repository that has them, RunError where other bytes come.
    """
    # A file is given its name in the cache only after its hash was checked, and is not hashed again: they are large.
    paths = {artifact: cached_path(lock.sha256[str(artifact)], artifact.file_name) for artifact in artifacts}
    missing = [artifact for artifact, path in paths.items() if not path.is_file()]
    if missing:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with scratch_folder(cache_folder()) as folder:
            _copy(missing, folder, logs, on_part)
            for artifact in missing:
                adopt(_copied(folder, artifact), lock.sha256[str(artifact)], paths[artifact])
    return paths


def unpack_aar(aar: Path) -> Path:
    """The folder with an AAR's content (classes.jar, jni/<abi>/*.so, AndroidManifest.xml, …), unpacked once."""
    folder = aar.with_suffix("")
    if not folder.is_dir():
        with scratch_folder(aar.parent) as scratch:
            beside = scratch / "content"
            with zipfile.ZipFile(aar) as archive:
                archive.extractall(beside)
            move_into_place(beside, folder)
    return folder


def class_path(paths: Mapping[Artifact, Path]) -> list[Path]:
    """The jars of artefacts: an AAR's is inside it."""
    jars = []
    for artifact, path in paths.items():
        jar = unpack_aar(path) / "classes.jar" if artifact.type == "aar" else path
        if jar.is_file():
            jars.append(jar)
    return jars


def native_libraries(paths: Mapping[Artifact, Path], abi: str) -> list[Path]:
    """The native libraries of an ABI inside AARs."""
    folders = [unpack_aar(path) / "jni" / abi for artifact, path in paths.items() if artifact.type == "aar"]
    return [library for folder in folders if folder.is_dir() for library in sorted(folder.glob("*.so"))]


def write_lock(folder: Path, logs: Path, on_part: Progress = lambda what, done, total: None) -> Lock:
    """Resolve every bundle of `folder`'s catalogue anew and write the lock beside it."""
    catalogue = load_catalogue(folder)
    together = {name: roots for name, roots in catalogue.items() if not name.startswith(ALONE)}
    trees = _resolve(together, logs, on_part)
    for name in (name for name in catalogue if name not in together):
        trees |= _resolve({name: catalogue[name]}, logs, on_part)
    everything = sorted({artifact for tree in trees.values() for artifact in tree})
    with scratch_folder() as scratch:
        packaged = _with_packaging(everything, scratch / "poms", logs, on_part)
        _copy(packaged.values(), scratch / "files", logs, on_part)
        hashes = {}
        for artifact in packaged.values():
            copied = _copied(scratch / "files", artifact)
            hashes[str(artifact)] = sha256_of(copied)
            adopt(copied, hashes[str(artifact)], cached_path(hashes[str(artifact)], artifact.file_name))
    bundles = {name: tuple(str(packaged[artifact]) for artifact in trees[name]) for name in catalogue}
    lock = Lock(catalogue=_digest(catalogue), bundles=bundles, sha256=hashes)
    write_atomically(folder / LOCK, _to_toml(lock).encode())
    return lock


def _resolve(bundles: Mapping[str, list[Artifact]], logs: Path, on_part: Progress) -> dict[str, list[Artifact]]:
    """What each bundle needs, where all agree on the highest version that any of them asks for.

    Maven would take the version that is nearest to the root; Gradle takes the highest, and so do we: the highest
    versions found are fixed and the bundles resolved again until nothing new is found.
    """
    fixed: dict[tuple[str, str], str] = {}
    for number in range(MAX_ROUNDS):
        trees: dict[str, list[Artifact]] = {}
        asked: dict[tuple[str, str], str] = {}
        for bundle, roots in bundles.items():
            on_part(f"resolve {bundle}, round {number + 1}", len(trees), len(bundles))
            trees[bundle], wanted = _tree(roots, fixed, logs)
            for artifact in wanted:
                # Guava asks for an empty listenablefuture, having its class itself; what has no Guava needs the class.
                if "empty-to-avoid-conflict" in artifact.version:
                    continue
                asked[artifact.key] = max(asked.get(artifact.key, "0"), artifact.version, key=_version_order)
        if all(fixed.get(key) == version for key, version in asked.items()):
            return trees
        fixed |= asked
    raise RunError(f"the dependencies did not settle in {MAX_ROUNDS} rounds", fix="./goldmask android.lock")


def _tree(
    roots: Sequence[Artifact], fixed: Mapping[tuple[str, str], str], logs: Path
) -> tuple[list[Artifact], list[Artifact]]:
    """(what is chosen, what is asked for anywhere) by Maven's own resolution of `roots`."""
    dependencies = "".join(_dependency(root) for root in roots)
    managed = "".join(_dependency(Artifact(*key, "jar", version)) for key, version in fixed.items())
    with scratch_folder() as scratch:
        (scratch / "pom.xml").write_text(
            _pom(
                f"<dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement>"
                f"<dependencies>{dependencies}</dependencies>"
            ),
            "utf-8",
        )
        tree = scratch / "tree.txt"
        _maven("tree", scratch, logs, f"-DoutputFile={tree}", "-Dverbose", "-Dscope=runtime")
        return parse_tree(tree.read_text("utf-8"))


def parse_tree(text: str) -> tuple[list[Artifact], list[Artifact]]:
    """(chosen, asked for) of the verbose text that dependency:tree 3.8 writes; the first line is the project."""
    chosen: dict[Artifact, None] = {}
    asked: list[Artifact] = []
    for line in text.splitlines()[1:]:
        found = re.match(r"^[|+\\\- ]*(\(?)([\w.-]+):([\w.-]+):([\w.-]+):([\w.-]+)(?::(?:compile|runtime))?(.*)$", line)
        if not found:
            continue
        omitted, group, name, _, version, rest = found.groups()
        artifact = Artifact(group, name, "jar", version)
        managed = re.search(r"version managed from ([\w.-]+)", rest)
        asked.append(Artifact(group, name, "jar", managed[1]) if managed else artifact)
        asked.append(artifact)
        if not omitted:
            chosen[artifact] = None
    return list(chosen), asked


def _with_packaging(
    artifacts: Sequence[Artifact], folder: Path, logs: Path, on_part: Progress
) -> dict[Artifact, Artifact]:
    """Each artefact with the type its own POM declares: dependants' POMs leave an AAR's type out."""
    poms = {artifact: Artifact(artifact.group, artifact.name, "pom", artifact.version) for artifact in artifacts}
    _copy(list(poms.values()), folder, logs, on_part)
    packaged = {}
    for artifact, pom in poms.items():
        text = _copied(folder, pom).read_text("utf-8", "replace")
        packaging = re.search(r"<packaging>\s*([\w-]+)\s*</packaging>", text)
        kind = "aar" if packaging and packaging[1] == "aar" else "jar"
        packaged[artifact] = Artifact(artifact.group, artifact.name, kind, artifact.version)
    return packaged


def _copy(artifacts: Iterable[Artifact], folder: Path, logs: Path, on_part: Progress) -> None:
    """Have Maven put the files of `artifacts` into `folder`."""
    artifacts = list(artifacts)
    items = "".join(
        f"<artifactItem>{_coordinates(artifact)}<type>{artifact.type}</type>"
        # Two artefacts may share name and version (androidx.test.ext:junit, junit:junit): a folder for each group.
        f"<outputDirectory>{escape(str(folder / artifact.group))}</outputDirectory></artifactItem>"
        for artifact in artifacts
    )
    plugin = (
        "<build><plugins><plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin"
        f"</artifactId><configuration><artifactItems>{items}</artifactItems></configuration></plugin></plugins></build>"
    )
    names = {artifact.file_name for artifact in artifacts}
    arrived: set[str] = set()

    def tell(line: str) -> None:
        found = re.search(r"Copying (\S+) to |Downloaded from \S+: \S*/([^/\s]+) \(", line)
        name = found and (found[1] or found[2])
        if name in names and name not in arrived:
            arrived.add(name)
            on_part("dependencies", len(arrived), len(names))

    on_part("dependencies", 0, len(names))
    with scratch_folder() as scratch:
        (scratch / "pom.xml").write_text(_pom(plugin), "utf-8")
        _maven("copy", scratch, logs, on_line=tell)
    on_part("dependencies", len(names), len(names))


def _copied(folder: Path, artifact: Artifact) -> Path:
    path = folder / artifact.group / artifact.file_name
    if not path.is_file():
        raise RunError(f"Maven ended well but did not bring {artifact}", fix="./goldmask android.lock")
    return path


def _maven(goal: str, folder: Path, logs: Path, *arguments: str, on_line: Callable[[str], None] | None = None) -> None:
    """Run a goal of the dependency plugin in `folder`. Maven knows the user's mirrors, proxies and passwords."""
    program = shutil.which("mvn")
    if not program:
        raise EnvironmentMissing("Maven (mvn) is not on PATH, and it brings the Android libraries", fix=INSTALL)
    # -C: bytes that differ from the repository's own checksum are an error, before ours is even looked at.
    argv = [program, "--batch-mode", "-C", f"{PLUGIN}:{goal}", *arguments]
    done = shell.run(
        argv, log=logs / f"maven.{goal}.log", deadline_s=DEADLINE_S, cwd=folder, on_line=on_line, env={"MAVEN_ARGS": ""}
    )
    if done.code:
        raise EnvironmentMissing(
            f"Maven cannot resolve the Android libraries: {_maven_reason(done.stdout)}",
            # AndroidX is in Google's repository, of which Maven knows nothing by itself.
            fix="check the network, and that ~/.m2/settings.xml has Google's repository: docs/android.md#repositories",
        )


def _maven_reason(output: str) -> str:
    """The first line in which Maven says why, without the addresses of repositories, which may carry passwords."""
    errors = re.findall(r"^\[ERROR\] (.*\S)", output, re.MULTILINE)
    return re.sub(r"\w+://\S+", "<repository>", errors[0])[:300] if errors else "it gave no reason"


def _version_order(version: str) -> list[tuple[int, int | str]]:
    """1.10 comes after 1.9, 1.0-beta1 before 1.0.1."""
    return [(1, int(part)) if part.isdigit() else (0, part) for part in re.split(r"[.-]", version)]


def _pom(content: str) -> str:
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>org.goldmask</groupId><artifactId>dependencies</artifactId><version>1</version>"
        f"<packaging>pom</packaging>{content}</project>"
    )


def _coordinates(artifact: Artifact) -> str:
    return (
        f"<groupId>{escape(artifact.group)}</groupId><artifactId>{escape(artifact.name)}</artifactId>"
        f"<version>{escape(artifact.version)}</version>"
    )


def _dependency(artifact: Artifact) -> str:
    return f"<dependency>{_coordinates(artifact)}</dependency>"


def _digest(catalogue: Mapping[str, Sequence[Artifact]]) -> str:
    text = "\n".join(f"{bundle} {' '.join(map(str, roots))}" for bundle, roots in sorted(catalogue.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _to_toml(lock: Lock) -> str:
    lines = [
        "# Written by ./goldmask android.lock from libs.versions.toml; do not edit.",
        f'catalogue = "{lock.catalogue}"',
        "",
        "[bundles]",
    ]
    for bundle, names in sorted(lock.bundles.items()):
        lines += [f"{bundle} = [", *(f'    "{name}",' for name in names), "]"]
    lines += ["", "[sha256]", *(f'"{name}" = "{digest}"' for name, digest in sorted(lock.sha256.items()))]
    return "\n".join(lines) + "\n"
