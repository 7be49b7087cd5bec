"""Maven: artefacts by their coordinates, what they need by Maven's own resolution, and their files.

Maven knows the user's mirrors, proxies and passwords; which repositories are asked, and in which order, says
each POM that is written here.
"""

import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from ..contract.errors import ConfigError, EnvironmentMissing, RunError
from ..machine import shell
from ..machine.cache import move_into_place
from ..machine.scratch import scratch_folder
from .catalogue import Library
from .repositories import Repositories
from .versions import later

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
INSTALL = "sudo apt-get install maven, or brew install maven"
DEADLINE_S = 1800
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


@dataclass(frozen=True)
class Tree:
    """What some libraries need: what is chosen, in class-path order, and what is asked for anywhere."""

    chosen: list[Artifact]
    asked: list[Artifact]


def resolve(
    groups: Mapping[str, tuple[Sequence[Library], Mapping[tuple[str, str], str]]],
    platforms: Sequence[Library],
    repositories: Repositories,
    logs: Path,
    on_group: Callable[[int], None],
) -> dict[str, Tree]:
    """What each group of libraries needs by Maven's own resolution.

    With a group are versions that hold in it wherever they are asked for. One run of Maven for all.
    Raises EnvironmentMissing, and ConfigError for a library that no repository has.
    """
    imported = "".join(
        _dependency(each.group, each.name, each.version, kind="pom", scope="import") for each in platforms
    )
    numbers = {name: str(number) for number, name in enumerate(groups, start=1)}
    with scratch_folder() as scratch:
        for name, (libraries, fixed) in groups.items():
            # Some POMs name the type of an AAR, and a version holds for one type only.
            managed = "".join(
                _dependency(*key, version, kind=kind) for key, version in fixed.items() for kind in ("jar", "aar")
            )
            roots = "".join(
                _dependency(
                    each.group,
                    each.name,
                    later(each.version, fixed.get((each.group, each.name), "")) if each.version else "",
                    excluded=each.excluded,
                )
                for each in libraries
            )
            (scratch / numbers[name]).mkdir()
            (scratch / numbers[name] / "pom.xml").write_text(
                _pom(
                    f"<dependencyManagement><dependencies>{managed}{imported}</dependencies></dependencyManagement>"
                    f"<dependencies>{roots}</dependencies>{_repositories(repositories)}",
                    f"group-{numbers[name]}",
                ),
                "utf-8",
            )
        modules = "".join(f"<module>{number}</module>" for number in numbers.values())
        (scratch / "pom.xml").write_text(_pom(f"<modules>{modules}</modules>"), "utf-8")

        def listen(line: str) -> None:
            if found := re.search(r"Building group-(\d+) ", line):
                on_group(int(found[1]) - 1)

        goal = "-DoutputFile=tree.txt", "-Dverbose", "-Dscope=runtime"
        _maven("tree", scratch, logs, repositories, *goal, on_line=listen)
        return {
            name: parse_tree((scratch / number / "tree.txt").read_text("utf-8")) for name, number in numbers.items()
        }


def parse_tree(text: str) -> Tree:
    """The verbose text that dependency:tree 3.8 writes; the first line is the project."""
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
    return Tree(list(chosen), asked)


def with_packaging(
    artifacts: Sequence[Artifact], folder: Path, repositories: Repositories, logs: Path, on_part: Progress
) -> dict[Artifact, Artifact]:
    """Each artefact with the type its own POM declares: dependants' POMs leave an AAR's type out."""
    poms = {artifact: Artifact(artifact.group, artifact.name, "pom", artifact.version) for artifact in artifacts}
    copied = copy(list(poms.values()), folder, repositories, logs, on_part, "descriptions of dependencies")
    packaged = {}
    for artifact, pom in poms.items():
        text = copied[pom].read_text("utf-8", "replace")
        packaging = re.search(r"<packaging>\s*([\w-]+)\s*</packaging>", text)
        kind = "aar" if packaging and packaging[1] == "aar" else "jar"
        packaged[artifact] = Artifact(artifact.group, artifact.name, kind, artifact.version)
    return packaged


def copy(
    artifacts: Iterable[Artifact],
    folder: Path,
    repositories: Repositories,
    logs: Path,
    on_part: Progress,
    what: str = "dependencies",
) -> dict[Artifact, Path]:
    """Have Maven put the files of `artifacts` into `folder`. Raises as `resolve`, RunError where one is missing."""
    artifacts = list(artifacts)
    items = "".join(
        f"<artifactItem>{_coordinates(artifact.group, artifact.name, artifact.version)}<type>{artifact.type}</type>"
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

    def listen(line: str) -> None:
        found = re.search(r"Copying (\S+) to |Downloaded from \S+: \S*/([^/\s]+) \(", line)
        name = found and (found[1] or found[2])
        if name in names and name not in arrived:
            arrived.add(name)
            on_part(what, len(arrived), len(names))

    on_part(what, 0, len(names))
    with scratch_folder() as scratch:
        (scratch / "pom.xml").write_text(_pom(plugin + _repositories(repositories)), "utf-8")
        _maven("copy", scratch, logs, repositories, on_line=listen)
    on_part(what, len(names), len(names))
    paths = {artifact: folder / artifact.group / artifact.file_name for artifact in artifacts}
    if missing := [artifact for artifact, path in paths.items() if not path.is_file()]:
        raise RunError(f"Maven ended well but did not bring {missing[0]}", fix="./goldmask android.lock")
    return paths


def _maven(
    goal: str,
    folder: Path,
    logs: Path,
    repositories: Repositories,
    *arguments: str,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run a goal of the dependency plugin in `folder`."""
    program = shutil.which("mvn")
    if not program:
        raise EnvironmentMissing("Maven (mvn) is not on PATH, and it brings the Android libraries", fix=INSTALL)
    # -C: bytes that differ from the repository's own checksum are an error, before ours is even looked at.
    argv = [program, "--batch-mode", "-C", f"{PLUGIN}:{goal}", *arguments]
    done = shell.run(
        argv, log=logs / f"maven.{goal}.log", deadline_s=DEADLINE_S, cwd=folder, on_line=on_line, env={"MAVEN_ARGS": ""}
    )
    if done.code:
        raise failure(done.stdout, repositories)


def failure(output: str, repositories: Repositories = Repositories()) -> ConfigError | EnvironmentMissing:
    """Why Maven cannot resolve, from its output, without addresses of repositories, which may carry passwords."""
    errors = " | ".join(re.findall(r"^\[ERROR\] (.*\S)", output, re.MULTILINE))
    absent = re.search(r"Could not find artifact (\S+)|(\S+) was not found in ", errors)
    if absent and "Could not transfer" not in errors:
        asked = ", ".join(repository.id for repository in repositories.all)
        unread = f"; goldmask cannot read the address in {repositories.unread[0]!r}" if repositories.unread else ""
        return ConfigError(
            f"no repository has {absent[1] or absent[2]} (asked: {asked}{unread})",
            fix="correct its version, or name its repository: docs/android.md#repositories",
        )
    if versionless := re.search(r"'dependencies.dependency.version' for (\S+?):jar is missing", errors):
        return ConfigError(
            f"{versionless[1]} has no version, and no platform has one for it",
            fix="its version in the Gradle files, or a platform(…) that names it",
        )
    reason = re.sub(r"\w+://\S+", "<repository>", errors)[:300] or "it gave no reason"
    if silent := re.search(r"Could not transfer \S+ \S+ from/to (\S+) ", errors):
        reason = f"repository {silent[1]!r} does not answer: {reason}"
    return EnvironmentMissing(
        f"Maven cannot resolve the Android libraries: {reason}",
        fix="check the network, and mirrors and proxies in ~/.m2/settings.xml: docs/android.md#repositories",
    )


def central() -> str:
    """The address that Maven itself has for Central, from its super POM; empty where that is not found.

    Maven adds its own entry behind those of a POM. For Central to be asked first, a POM has to repeat it.
    """
    program = shutil.which("mvn")
    home = Path(program).resolve().parents[1] if program else Path()
    jars = [*home.glob("lib/maven-model-builder-*.jar"), *home.glob("libexec/lib/maven-model-builder-*.jar")]
    for jar in jars:
        try:
            with zipfile.ZipFile(jar) as archive:
                pom = archive.read("org/apache/maven/model/pom-4.0.0.xml").decode()
        except (OSError, KeyError, zipfile.BadZipFile):
            continue
        if url := re.search(r"<id>central</id>.*?<url>([^<]+)</url>", pom, re.DOTALL):
            return url[1]
    return ""


def _repositories(repositories: Repositories) -> str:
    urls = {each.id: each.url or central() for each in repositories.all}
    found = "".join(
        f"<repository><id>{escape(each.id)}</id><url>{escape(urls[each.id])}</url>"
        f"<snapshots><enabled>{str(each.id not in ('central', 'google')).lower()}</enabled></snapshots></repository>"
        for each in repositories.all
        if urls[each.id]
    )
    return f"<repositories>{found}</repositories>"


def _pom(content: str, name: str = "dependencies") -> str:
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>org.goldmask</groupId><artifactId>{name}</artifactId><version>1</version>"
        f"<packaging>pom</packaging>{content}</project>"
    )


def _coordinates(group: str, name: str, version: str) -> str:
    stated = f"<version>{escape(version)}</version>" if version else ""
    return f"<groupId>{escape(group)}</groupId><artifactId>{escape(name)}</artifactId>{stated}"


def _dependency(
    group: str, name: str, version: str, *, kind: str = "jar", scope: str = "", excluded: Sequence[str] = ()
) -> str:
    exclusions = "".join(
        "<exclusion><groupId>{}</groupId><artifactId>{}</artifactId></exclusion>".format(*map(escape, each.split(":")))
        for each in excluded
    )
    return (
        f"<dependency>{_coordinates(group, name, version)}<type>{kind}</type>"
        + (f"<scope>{scope}</scope>" if scope else "")
        + (f"<exclusions>{exclusions}</exclusions>" if exclusions else "")
        + "</dependency>"
    )
