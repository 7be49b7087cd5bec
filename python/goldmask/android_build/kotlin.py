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
from ..machine.resources import ANDROID_PROJECT
from ..machine.scratch import scratch_folder
from . import maven
from .dependency_lock import COMPOSE_COMPILER, Lock, artifacts_of, fetch_artifacts, load_lock
from .gradle_files import Project
from .gradle_module import MAIN, Module
from .gradle_plugins import COMPOSE, SERIALIZATION
from .jdk import QUICK, Jdk

JVM_TARGET = "17"
DEADLINE_S = 600
# What decides about classes besides sources and libraries; another number where the words below change.
RECIPE = 2
TESTS = ("testImplementation",)


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
        names = self.dependencies(module, *(TESTS if tests else ()), flavour=flavour)
        return [*reversed(classes.values()), *generated, *self.libraries([*names, "tool-android"])]

    def compile(
        self, module: str, tests: Sequence[str] = (), flavour: str = "", generated: Sequence[Path] = ()
    ) -> dict[str, Path]:
        """The classes of `module` and of the modules it needs, by `module-source set`; the deepest first.

        `tests` are source sets that come on top, each seeing those before it: `sharedTest`, `test`. `generated` are
        folders of the cache with classes of resources, which `module` and modules with resources see. Raises
        ConfigError, EnvironmentMissing, and RunError with the compiler's own first sentence.
        """
        for_tests = TESTS if tests else ()
        needed = self.project.needed_by(module, *for_tests, flavour=flavour)
        android = self.libraries(["tool-android"])
        classes: dict[str, Path] = {}
        for number, each in enumerate(needed):
            self.on_step("compile Kotlin", number, len(needed) + len(tests))
            extra = generated if each.name == module or each.resources(flavour) else ()
            # A module is compiled with what it needs, whoever needs it: so it is compiled once for all.
            names = [f"{other.key}-main" for other in reversed(self.project.needed_by(each.name, flavour=flavour))]
            seen = [classes[name] for name in names if name in classes]
            seen += [*extra, *self.libraries(self.dependencies(each.name, flavour=flavour)), *android]
            if compiled := self._compile(each, each.source_sets(flavour), seen):
                classes[f"{each.key}-main"] = compiled
        libraries = self.libraries(self.dependencies(module, *for_tests, flavour=flavour))
        for number, name in enumerate(tests, start=len(needed)):
            self.on_step("compile Kotlin", number, len(needed) + len(tests))
            seen = [*reversed(classes.values()), *generated, *libraries, *android]
            if compiled := self._compile(needed[-1], (name,), seen):
                classes[f"{needed[-1].key}-{name}"] = compiled
        self.on_step("compile Kotlin", 1, 1)
        return classes

    def dependencies(self, module: str, *configurations: str, flavour: str = "", packed: bool = False) -> list[str]:
        """The libraries that `module`, with some configurations of its own, and the modules it needs name.

        Those that are `packed` into an app are without those that it is only compiled with.
        """
        main = [name for name in MAIN if not (packed and name == "compileOnly")]
        needed = self.project.needed_by(module, *configurations, flavour=flavour)
        named = [str(self.project.standard_library)]
        named += [library for each in needed for library in each.named(*main, flavour=flavour)]
        return [*named, *self.project.module(module).named(*configurations)]

    def libraries(self, names: Sequence[str]) -> list[Path]:
        """The jars of libraries and tools, in class-path order."""
        return maven.class_path(self.fetch(names))

    def fetch(self, names: Sequence[str]) -> dict[maven.Artifact, Path]:
        """The files of libraries and tools. Tools that the project's lock does not have are goldmask's own."""
        own = [name for name in names if name.startswith("tool-") and name not in self.lock.dependencies]
        artifacts = artifacts_of(self.lock, [name for name in names if name not in own])
        repositories = self.project.files.repositories()
        found = fetch_artifacts(self.lock, artifacts, self.logs, self.on_step, repositories)
        if own:
            tools = load_lock(ANDROID_PROJECT)
            found |= fetch_artifacts(tools, artifacts_of(tools, own), self.logs, self.on_step)
        return found

    def _compile(self, module: Module, source_sets: Sequence[str], class_path: Sequence[Path]) -> Path | None:
        """The folder with the classes of some source sets, compiled once for their content; None without sources."""
        sources = [source for name in source_sets for source in module.sources(name)]
        if not sources:
            return None
        folder = (
            cache_folder() / "kotlin" / f"{module.key}-{source_sets[0]}" / self._digest(module, sources, class_path)
        )
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with scratch_folder(folder.parent) as scratch:
                beside = scratch / "classes"
                self._run_compilers(module, sources, class_path, beside)
                move_into_place(beside, folder)
        return folder

    def _digest(self, module: Module, sources: Sequence[Path], class_path: Sequence[Path]) -> str:
        digest = hashlib.sha256(f"{RECIPE} {JVM_TARGET} {module.warnings_are_errors} {module.kotlin_flags}".encode())
        for source in sources:
            digest.update(f"\n{source.relative_to(module.folder)} ".encode())
            digest.update(hashlib.sha256(source.read_bytes()).digest())
        for entry in [*class_path, *self._compiler(), *self._plugins(module)]:
            # Every entry lies in the cache under a hash of its content.
            digest.update(f"\n{entry.relative_to(cache_folder())}".encode())
        return digest.hexdigest()

    def _compiler(self) -> list[Path]:
        return self.libraries(["tool-compiler"])

    def _plugins(self, module: Module) -> list[Path]:
        """The compiler's plugins that a module applies."""
        names = ("kotlin-serialization-compiler-plugin",) if SERIALIZATION in module.plugins else ()
        compose = self.libraries([COMPOSE_COMPILER])[:1] if COMPOSE in module.plugins else []
        return [*(jar for jar in self._compiler() if jar.name.startswith(names or ("/",))), *compose]

    def _run_compilers(self, module: Module, sources: Sequence[Path], class_path: Sequence[Path], out: Path) -> None:
        compiler = self._compiler()
        # Tests see what is internal to the code they test.
        own = [entry for entry in class_path if entry.parent.name == f"{module.key}-main"]
        joined = os.pathsep.join(map(str, class_path))
        argv: list[str | Path] = [
            *(self.jdk.java, *QUICK, "-cp", os.pathsep.join(map(str, compiler))),
            "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
            *("-no-stdlib", "-no-reflect", "-jdk-home", self.jdk.home, "-jvm-target", JVM_TARGET),
            *("-module-name", module.key, "-cp", joined, "-d", out),
            *(["-Werror"] if module.warnings_are_errors else []),
            *(f"-Xplugin={plugin}" for plugin in self._plugins(module)),
            *module.kotlin_flags,
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
        log = self.logs / f"{module.key}.{name}.log"
        done = shell.run(argv, log=log, deadline_s=DEADLINE_S)
        if done.code:
            lines = log.read_text("utf-8", "replace").splitlines()
            # Under -Werror the complaint is a warning, and the only error says that there is one.
            complaints = [line for line in lines if "warning:" in line or "error:" in line]
            complaints.sort(key=lambda line: ("-Werror" in line, "error:" not in line))
            first = complaints[0] if complaints else done.log_tail(1) or done.ending
            raise RunError(f"{module.name} does not compile: {first.strip()}", fix=f"cat {log}")
