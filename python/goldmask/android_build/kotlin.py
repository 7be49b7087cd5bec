"""Kotlin and Java sources of an Android project to classes, without Gradle or an Android SDK.

The compiler is Kotlin's own (kotlin-compiler-embeddable, of the catalogue's version), android.jar is Robolectric's
android-all. Each source set of each module is compiled once for its content: what did not change is not built again.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import RunError
from ..machine import shell
from ..machine.cache import cache_folder, move_into_place
from ..machine.scratch import scratch_folder
from . import maven
from .gradle_files import Module, Project
from .jdk import QUICK, Jdk
from .maven import Lock

JVM_TARGET = "17"
DEADLINE_S = 600
# What decides about classes besides sources and libraries; another number where the words below change.
RECIPE = 1
MAIN = ("api", "implementation")
TESTS = ("testImplementation",)


def flavour_words(flavour: str) -> tuple[str, ...]:
    """The configurations in which a module names what a flavour of it needs."""
    return (f"{flavour}Implementation",) if flavour else ()


@dataclass(frozen=True)
class Kotlin:
    """All that compiling needs besides sources; `on_step` hears `what, done, total`."""

    project: Project
    lock: Lock
    jdk: Jdk
    logs: Path
    on_step: Callable[[str, int, int], None] = lambda what, done, total: None

    def class_path(
        self, module: str, tests: Sequence[str] = (), flavour: str = "", generated: Sequence[Path] = ()
    ) -> list[Path]:
        """Classes to run `module`: its own, those of the modules it needs, and libraries; android-all comes last.

        What is asked for, and raised, is as in `compile`.
        """
        classes = self.compile(module, tests, flavour, generated)
        bundles = self.bundles(module, *flavour_words(flavour), *(TESTS if tests else ()))
        return [*reversed(classes.values()), *generated, *self.libraries([*bundles, "tool-android"])]

    def compile(
        self, module: str, tests: Sequence[str] = (), flavour: str = "", generated: Sequence[Path] = ()
    ) -> dict[str, Path]:
        """The classes of `module` and of the modules it needs, by `module-source set`; the deepest first.

        `tests` are source sets that come on top, each seeing those before it: `sharedTest`, `test`. `generated` are
        folders of the cache with classes that `module` needs besides: its R. Raises ConfigError, EnvironmentMissing,
        and RunError with the compiler's own first sentence.
        """
        own, for_tests = flavour_words(flavour), TESTS if tests else ()
        needed = self.project.needed_by(module, *own, *for_tests)
        android = self.libraries(["tool-android"])
        classes: dict[str, Path] = {}
        for number, each in enumerate(needed):
            self.on_step("compile Kotlin", number, len(needed) + len(tests))
            top = each.name == module
            more, extra = (own, generated) if top else ((), ())
            # A module is compiled with what it needs, whoever needs it: so it is compiled once for all.
            names = [f"{other.name}-main" for other in reversed(self.project.needed_by(each.name, *more))]
            seen = [classes[name] for name in names if name in classes]
            seen += [*extra, *self.libraries(self.bundles(each.name, *more)), *android]
            if compiled := self._compile(each, ("main", flavour) if top and flavour else ("main",), seen):
                classes[f"{each.name}-main"] = compiled
        libraries = self.libraries(self.bundles(module, *own, *for_tests))
        for number, name in enumerate(tests, start=len(needed)):
            self.on_step("compile Kotlin", number, len(needed) + len(tests))
            seen = [*reversed(classes.values()), *generated, *libraries, *android]
            if compiled := self._compile(needed[-1], (name,), seen):
                classes[f"{module}-{name}"] = compiled
        self.on_step("compile Kotlin", 1, 1)
        return classes

    def bundles(self, module: str, *configurations: str) -> list[str]:
        """The bundles that `module`, with some configurations of its own, and the modules it needs name."""
        needed = self.project.needed_by(module, *configurations)
        named = ["kotlin", *(bundle for each in needed for bundle in each.bundles(*MAIN))]
        return [*named, *self.project.module(module).bundles(*configurations)]

    def libraries(self, bundles: Sequence[str]) -> list[Path]:
        """The jars of `bundles`, in class-path order."""
        return maven.class_path(self.fetch(bundles))

    def fetch(self, bundles: Sequence[str]) -> dict[maven.Artifact, Path]:
        """The files of `bundles`."""
        artifacts = maven.artifacts_of(self.lock, bundles)
        return maven.fetch_artifacts(self.lock, artifacts, self.logs, self.on_step)

    def _compile(self, module: Module, source_sets: Sequence[str], class_path: Sequence[Path]) -> Path | None:
        """The folder with the classes of some source sets, compiled once for their content; None without sources."""
        sources = [source for name in source_sets for source in module.sources(name)]
        if not sources:
            return None
        folder = (
            cache_folder() / "kotlin" / f"{module.name}-{source_sets[0]}" / self._digest(module, sources, class_path)
        )
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with scratch_folder(folder.parent) as scratch:
                beside = scratch / "classes"
                self._run_compilers(module, sources, class_path, beside)
                move_into_place(beside, folder)
        return folder

    def _digest(self, module: Module, sources: Sequence[Path], class_path: Sequence[Path]) -> str:
        digest = hashlib.sha256(f"{RECIPE} {JVM_TARGET} {module.warnings_are_errors}".encode())
        for source in sources:
            digest.update(f"\n{source.relative_to(module.folder)} ".encode())
            digest.update(hashlib.sha256(source.read_bytes()).digest())
        for entry in [*class_path, *self._compiler()]:
            # Every entry lies in the cache under a hash of its content.
            digest.update(f"\n{entry.relative_to(cache_folder())}".encode())
        return digest.hexdigest()

    def _compiler(self) -> list[Path]:
        return self.libraries(["tool-compiler"])

    def _run_compilers(self, module: Module, sources: Sequence[Path], class_path: Sequence[Path], out: Path) -> None:
        compiler = self._compiler()
        plugins = [jar for jar in compiler if jar.name.startswith("kotlin-serialization-compiler-plugin")]
        # Tests see what is internal to the code they test.
        own = [entry for entry in class_path if entry.parent.name == f"{module.name}-main"]
        joined = os.pathsep.join(map(str, class_path))
        argv: list[str | Path] = [
            *(self.jdk.java, *QUICK, "-cp", os.pathsep.join(map(str, compiler))),
            "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
            *("-no-stdlib", "-no-reflect", "-jdk-home", self.jdk.home, "-jvm-target", JVM_TARGET),
            *("-module-name", module.name, "-cp", joined, "-d", out),
            *(["-Werror"] if module.warnings_are_errors else []),
            *([f"-Xplugin={plugin}" for plugin in plugins] if module.uses_serialization else []),
            f"-Xfriend-paths={','.join(map(str, own))}",
            *sources,
        ]
        out.mkdir()
        if any(source.suffix == ".kt" for source in sources):
            self._run(argv, "kotlinc", module)
        if java := [source for source in sources if source.suffix == ".java"]:
            both = os.pathsep.join((str(out), joined))
            argv = [self.jdk.javac, "--release", JVM_TARGET, "-proc:none", "-cp", both, "-d", out, *java]
            self._run(argv, "javac", module)

    def _run(self, argv: Sequence[str | Path], name: str, module: Module) -> None:
        log = self.logs / f"{module.name}.{name}.log"
        done = shell.run(argv, log=log, deadline_s=DEADLINE_S)
        if done.code:
            lines = log.read_text("utf-8", "replace").splitlines()
            # Under -Werror the complaint is a warning, and the only error says that there is one.
            complaints = [line for line in lines if "warning:" in line or "error:" in line]
            complaints.sort(key=lambda line: ("-Werror" in line, "error:" not in line))
            first = complaints[0] if complaints else done.log_tail(1) or done.ending
            raise RunError(f"{module.name} does not compile: {first.strip()}", fix=f"cat {log}")
