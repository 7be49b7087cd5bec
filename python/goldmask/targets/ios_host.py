"""The `ios-host` target: an iOS app's Swift core and TensorFlow Lite's C library, as a program on this machine.

On Linux the library is the one out of the Android AAR, which bionic.py makes loadable, and images come decoded: Swift
has ImageIO on Apple's platforms only.
"""

import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..android import bionic
from ..android_build import maven
from ..android_build.dependency_lock import artifacts_of, fetch_artifacts, load_lock
from ..android_build.gradle_files import own_catalogue
from ..apple.swift import find_swift
from ..contract.bundle import Bundle, Request, load_bundle
from ..contract.errors import EnvironmentMissing, GoldmaskError, PipelineMissing, RunError
from ..contract.files import write_atomically
from ..contract.options import Pipeline
from ..machine import shell
from ..machine.cache import cache_folder
from ..machine.diagnostics import Diagnostic
from ..machine.resources import ANDROID_PROJECT
from ..machine.resources import IOS_PROJECT as PACKAGE
from .host import case_listener, complete, write_decoded
from .target import OF_EVERY_TARGET, Context, OnCase, Session, Target, check_options, deadline_s

NAME = "ios-host"
PRODUCT = "segment-cli"
LIBRARY = "TENSORFLOWLITE_C"
START_DEADLINE_S = 120
CASE_DEADLINE_S = 60
MAX_BACKTRACE_BYTES = 1 << 20
# The AAR's headers include these two, which it does not have; nothing here uses more than a name of them.
ABSENT_HEADERS = {
    "tensorflow/lite/core/async/c/types.h": b"",
    "tensorflow/lite/core/c/registration_external.h": (
        b"typedef struct TfLiteRegistrationExternal TfLiteRegistrationExternal;\n"
    ),
}


@dataclass(frozen=True)
class Library:
    """TensorFlow Lite's C API: where its headers are, and the shared library to link and load."""

    headers: tuple[Path, ...]
    file: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def flags(self) -> list[str]:
        """What `swift build` needs."""
        linker = [str(self.file), "-rpath", str(self.file.parent)]
        if sys.platform == "linux":
            linker.append("--allow-shlib-undefined")  # what bionic.py leaves open is found at run time
        includes = [word for folder in self.headers for word in ("-Xcc", f"-I{folder}")]
        return [*includes, *(word for each in linker for word in ("-Xlinker", each))]


class IosHostSession(Session):
    """One process for each request."""

    def prepare(self, pipeline: Pipeline) -> None:
        """Fetch the library and build the program; what is there already stays as it is.

        Raises EnvironmentMissing where this machine cannot have it, RunError where something does not build,
        UsageError for a delegate that it has not.
        """
        check_options(self.target, self.context.options)
        program(pipeline, self.context)

    def predict(self, request: Request, out: Path, on_case: OnCase) -> Bundle:
        """Run `request` in one process. Cases that it did not live to finish are errors that say how it ended.

        Raises RunError when there is no bundle at all, and as `prepare`.
        """
        check_options(self.target, self.context.options)
        path, environment = program(request.options.pipeline, self.context)
        decoded = None if sys.platform == "darwin" else write_decoded(request, out).resolve()
        argv: list[str | Path] = [path, (out / "request.json").resolve(), "--out", out.resolve()]
        argv += ["--decoded", decoded] if decoded else []
        try:
            done = shell.run(
                argv,
                log=out / "run.log",
                deadline_s=deadline_s(request, START_DEADLINE_S, CASE_DEADLINE_S),
                silence_s=START_DEADLINE_S + CASE_DEADLINE_S,
                env=environment,
                on_line=case_listener(on_case),
                cwd=out,
            )
            ending = f"{done.ending}: {_tail(done)}" if done.code else ""
        except RunError as error:  # its deadline; the cases before are there all the same
            ending = error.what
        finally:
            if decoded:  # three bytes for each pixel of every photograph
                shutil.rmtree(decoded)
        if not (out / "bundle.json").is_file():
            raise RunError(f"{path.name} ended without a bundle ({ending or 'exit code 0'})", fix=f"cat {out}/run.log")
        return complete(load_bundle(out), request, path.name, ending, out)


class IosHost(Target):
    """An iOS app's Swift core on this machine."""

    name = NAME
    pipelines = ("lib_interpreter",)
    options = OF_EVERY_TARGET
    delegates = ("xnnpack", "cpu", "coreml", "metal")

    def needs(self, context: Context) -> Iterator[Diagnostic]:
        """Swift, which nothing else needs."""
        try:
            swift = find_swift()
            yield Diagnostic("Swift", True, f"{swift.version}, {swift.program}")
        except GoldmaskError as error:
            yield Diagnostic("Swift", False, error.what, error.fix)

    def session(self, context: Context) -> IosHostSession:
        """A session, still to be entered."""
        return IosHostSession(self, context)


TARGET = IosHost()


def program(pipeline: Pipeline, context: Context) -> tuple[Path, dict[str, str]]:
    """The program of a pipeline, and what it needs in its environment. Raises as `prepare`."""
    if pipeline != "lib_interpreter":
        raise PipelineMissing(
            f"{NAME} has no {pipeline}: TensorFlowLiteTaskVision is a framework for phones and simulators only",
            fix="--target ios-simulator on a Mac",
        )
    swift = find_swift()
    library = find_library(context)
    # A folder for each package: SwiftPM starts all over where a scratch folder was another package's.
    scratch = cache_folder() / "swift" / hashlib.sha256(str(PACKAGE).encode()).hexdigest()[:16]
    path = swift.build(PACKAGE, PRODUCT, library.flags, scratch, context.logs, context.progress.step)
    return path, library.environment


def find_library(context: Context) -> Library:
    """TensorFlow Lite's C library for this machine. Raises EnvironmentMissing, RunError."""
    lock = load_lock(ANDROID_PROJECT)
    artifacts = artifacts_of(lock, [str(library) for library in own_catalogue().bundle("lib.interpreter")])
    aars = [each for each in artifacts if each.key == ("org.tensorflow", "tensorflow-lite")]
    abi = _abi()
    if not abi and not os.environ.get(LIBRARY):
        raise EnvironmentMissing(
            f"{NAME} needs TensorFlow Lite's C library, which nobody publishes for macOS",
            fix=f"build libtensorflowlite_c.dylib (docs/ios.md) and set {LIBRARY} to its path",
        )
    paths = fetch_artifacts(lock, aars, context.logs, context.progress.step)
    headers = (*(maven.unpack_aar(path) / "headers" for path in paths.values()), _absent_headers())
    if own := os.environ.get(LIBRARY):
        if not Path(own).is_file():
            raise EnvironmentMissing(f"{LIBRARY} ({own}) is no file", fix=f"unset {LIBRARY}, or build it (docs/ios.md)")
        return Library(headers, Path(own).resolve())
    context.progress.step("native libraries", 0, 1)
    natives = bionic.prepare(maven.native_libraries(paths, abi), abi, context.logs)
    context.progress.step("native libraries", 1, 1)
    return Library(headers, natives / "libtensorflowlite_jni.so", bionic.environment(natives, abi))


def _abi() -> str:
    """Android's name for this machine's processor; empty on macOS. Raises EnvironmentMissing."""
    if sys.platform == "darwin":
        return ""
    try:
        return bionic.loadable_abi()
    except EnvironmentMissing:
        raise EnvironmentMissing(
            f"{NAME} needs macOS, or Linux on x86_64 or arm64; this is {platform.system()} on {platform.machine()}",
            fix="run goldmask in a Linux container, or use --target python",
        ) from None


def _absent_headers() -> Path:
    """The folder with the headers that the AAR lacks."""
    folder = cache_folder() / "swift/headers"
    for name, content in ABSENT_HEADERS.items():
        if not (folder / name).is_file() or (folder / name).read_bytes() != content:
            write_atomically(folder / name, content)
    return folder


def _tail(done: shell.Finished) -> str:
    """The last words of a process: Swift's fatal error, which a backtrace follows, or the end of its log."""
    with done.log.open("rb") as stream:
        stream.seek(max(0, done.log.stat().st_size - MAX_BACKTRACE_BYTES))
        text = stream.read().decode("utf-8", "replace")
    if fatal := re.search(r"Fatal error: .+", text):
        return fatal[0][:300]
    # glibc remarks that bionic.py has dropped symbol versions.
    lines = [line for line in done.log_tail(4).splitlines() if "no version information available" not in line]
    return " | ".join(lines[-3:]) or "it left no message"
