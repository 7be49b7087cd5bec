"""An Android app and its golden test as signed APKs: by Gradle where there is one, else without it or an Android SDK.

From the same Gradle files, catalogue and lock: aapt2 links resources, kotlin.py compiles, d8 (of R8) makes dex files,
apksig signs. Each step is kept in the cache by what went into it, so that what did not change is not built again.
docs/apk.md has the whole story.
"""

import contextlib
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..contract.errors import ConfigError, UsageError
from ..machine.cache import cache_folder
from ..machine.resources import ANDROID_PROJECT
from ..machine.scratch import scratch_folder
from ..project.config import GoldenTest
from . import maven
from .aligned_zip import MOMENT, STORED, write_zip
from .cached_step import DEBUG_KEY, files_in, make, run
from .dependency_lock import artifacts_of, fetch_artifacts, load_lock
from .gradle import assemble, find_gradle
from .gradle_files import Project
from .gradle_module import Application, Module
from .jdk import QUICK, find_jdk
from .kotlin import Kotlin
from .manifest import app_manifest, test_manifest
from .resources import Linked, aars, link

APKSIG = ANDROID_PROJECT / "jvm/apksig/Apk.java"
ALIAS, PASSWORD = "androiddebugkey", "android"  # as Android's own tools have them; a debug key is no secret
IN_TEST_APK = "androidTestImplementation"
MANIFEST = "src/main/AndroidManifest.xml"
FOLDER = "build/apk"


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
    flavour: str = ""


def folder_of(root: Path, pipeline: str) -> Path:
    """Where a project has the APKs of a pipeline by name, copied out of the cache."""
    return root / FOLDER / pipeline


def built_in(root: Path) -> list[Path]:
    """All APKs that a project has by name: each pipeline's, with its flavour in its name."""
    return sorted((root / FOLDER).glob("*/*.apk"))


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
        return _apks(made.app, made.test, application, test, made.anew, flavour)
    kotlin = Kotlin(project, load_lock(project.folder), find_jdk(), logs, on_step)
    steps = _Steps(kotlin, application, abis)
    app = _build_app(steps, module, flavour)
    tests = _build_test(steps, app, test.module, flavour)
    return _apks(app.apk, tests, application, test, bool(steps.made), flavour)


def _apks(app: Path, test: Path, application: Application, golden: GoldenTest, built: bool, flavour: str) -> Apks:
    ids = application.application_id, application.test_id
    return Apks(app, test, *ids, application.runner, golden.test, built, flavour)


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
    libraries = kotlin.fetch(kotlin.dependencies(module.name, flavour=flavour, packed=True))
    jars = maven.class_path(libraries)
    dexes = [steps.dex([*classes.values(), linked.classes], jars), steps.dex(jars, [])]
    files = steps.natives(libraries)
    for each in kotlin.project.needed_by(module.name, flavour=flavour):
        files |= steps.assets(each, flavour)
    apk = steps.pack("-".join(filter(None, (module.key, flavour))), linked.apk, dexes, jars, files)
    return _App(apk, module.name, linked, classes, libraries)


def _build_test(steps: "_Steps", app: _App, module: str, flavour: str) -> Path:
    """The test APK: the golden test of `module`, and what it needs that the app does not have."""
    kotlin = steps.kotlin
    resources = any(each.resources(flavour) for each in kotlin.project.needed_by(module, flavour=flavour))
    generated = [app.linked.classes] if module == app.module or resources else []
    compiled = kotlin.compile(module, ("sharedTest",), flavour, generated)
    needed = kotlin.project.needed_by(module, IN_TEST_APK, flavour=flavour)
    wanted = {f"{needed[-1].key}-sharedTest", *(f"{each.key}-main" for each in needed)} - set(app.classes)
    fetched = kotlin.fetch(kotlin.dependencies(module, IN_TEST_APK, flavour=flavour, packed=True))
    libraries = {artifact: path for artifact, path in fetched.items() if artifact not in app.libraries}
    manifest = test_manifest(steps.application.test_id, _manifests(libraries), steps.application)
    linked = steps.link(manifest, libraries, ())
    jars, app_jars = maven.class_path(libraries), maven.class_path(app.libraries)
    own = [*(folder for name, folder in compiled.items() if name in wanted), linked.classes]
    beside = [*app.classes.values(), app.linked.classes, *app_jars, *jars]
    dexes = [steps.dex(own, beside), steps.dex(jars, app_jars)]
    return steps.pack(f"{app.apk.stem}-test", linked.apk, dexes, jars, steps.natives(libraries))


def link_resources(kotlin: Kotlin, module: Module, flavour: str = "", steps: "_Steps | None" = None) -> Linked:
    """An application's resources: what it is compiled with, and what Robolectric runs it with. Raises as `build`."""
    application = module.application_in(flavour)
    libraries = kotlin.fetch(kotlin.dependencies(module.name, flavour=flavour, packed=True))
    needed = kotlin.project.needed_by(module.name, flavour=flavour)
    beside = [path for each in needed[:-1] if (path := each.folder / MANIFEST).is_file()]
    manifest = app_manifest(module.folder / MANIFEST, [*beside, *_manifests(libraries)], application)
    return (steps or _Steps(kotlin, application, ())).link(manifest, libraries, needed, flavour)


def debug_key(kotlin: Kotlin) -> Path:
    """The key store that signs: Android Studio's where there is one, else one that is made once for this machine.

    With another key a phone would refuse to replace an app that Android Studio installed.
    """
    studio = Path(os.environ.get("ANDROID_USER_HOME") or Path.home() / ".android") / DEBUG_KEY
    path = studio if studio.is_file() else cache_folder() / "android" / DEBUG_KEY
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(path.parent) as scratch:
            beside = scratch / path.name
            argv: list[str | Path] = [kotlin.jdk.home / "bin/keytool", "-genkeypair", "-keystore", beside]
            argv += ["-storepass", PASSWORD, "-keypass", PASSWORD, "-alias", ALIAS, "-validity", "10000"]
            argv += ["-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=Android Debug,O=Android,C=US"]
            run(argv, kotlin.logs / "keytool.log", "a debug key cannot be made")
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

    def link(
        self, manifest: bytes, libraries: Mapping[maven.Artifact, Path], modules: Sequence[Module], flavour: str = ""
    ) -> Linked:
        """Resources of modules and libraries, and a manifest, linked."""
        return link(self.kotlin, self.application, manifest, libraries, modules, flavour, self.made.append)

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
        folders = [module.folder / "src" / name / "assets" for name in module.source_sets(flavour)]
        return {f"assets/{path.relative_to(folder)}": path for folder in folders for path in files_in(folder)}

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

    def _make(self, what: str, inputs: Iterable[Path | str | bytes], fill: Callable[[Path], None]) -> Path:
        """The folder of the cache that `fill` fills, once for its inputs."""
        return make(what, inputs, fill, self.kotlin.on_step, self.made.append)

    def _run(self, argv: Sequence[str | Path], name: str, failed: str) -> None:
        run(argv, self.kotlin.logs / f"{name}.log", failed)


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
    classes = [each for each in files_in(path) if each.suffix == ".class"]
    if not classes:
        return None
    with zipfile.ZipFile(jar, "w") as archive:
        for each in classes:
            archive.writestr(zipfile.ZipInfo(str(each.relative_to(path)), MOMENT), each.read_bytes())
    return jar


def own_tool(bundle: str, logs: Path) -> Path:
    """A tool of goldmask's own catalogue: which d8 builds an app is not the app's business."""
    lock = load_lock(ANDROID_PROJECT)
    (path,) = fetch_artifacts(lock, artifacts_of(lock, [bundle]), logs).values()
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


def _manifests(libraries: Mapping[maven.Artifact, Path]) -> list[Path]:
    return [path for folder in aars(libraries) if (path := folder / "AndroidManifest.xml").is_file()]
