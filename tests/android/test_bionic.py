"""Android's native libraries beside glibc: what the shim does, and what preparation refuses."""

import shutil
from pathlib import Path

import pytest
from conftest import REPO
from jvm import builder
from needs import need

from goldmask.android import bionic
from goldmask.android_build import maven
from goldmask.contract.errors import EnvironmentMissing, RunError
from goldmask.machine import shell
from goldmask.targets import android_jvm

pytestmark = pytest.mark.rig

ABIS = ("x86_64", "arm64-v8a")


@pytest.fixture(scope="session")
def exercise(tmp_path_factory):
    """Runs tests/bionic/exercise.c against the shim of an ABI, arm64 under qemu."""
    need("linux")
    built: dict[str, tuple[str | Path, ...]] = {}

    def build(abi: str) -> tuple[str | Path, ...]:
        folder = tmp_path_factory.mktemp(abi)
        shim = bionic.prepare((), abi, folder)
        words = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", folder / "exercise"]
        words += [REPO / "tests/bionic/exercise.c", shim / bionic.SHIM, f"-Wl,-rpath,{shim}"]
        done = bionic.compile_c(abi, words, folder / "compile.log")
        assert done.code == 0, done.log_tail()
        if abi == bionic.loadable_abi():
            return (folder / "exercise",)
        need("arm64")
        preload = f"LD_PRELOAD={bionic.environment(shim, abi)['LD_PRELOAD']}"
        return (android_jvm.find_emulator(), "-L", android_jvm.SYSROOT, "-E", preload, folder / "exercise")

    def run(abi: str, log: Path, *words: str) -> shell.Finished:
        if abi not in built:
            built[abi] = build(abi)
        return shell.run([*built[abi], *words], log=log, deadline_s=120)

    return run


@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize("part", ["sysconf", "misc", "mutex 20000", "cond 1000"])
def test_the_shim_does_what_bionic_does(part, abi, exercise, tmp_path):
    done = exercise(abi, tmp_path / "log", *part.split())
    assert (done.code, done.stdout) == (0, f"{part.split()[0]} well\n"), done.log_tail()


@pytest.mark.parametrize("abi", ABIS)
def test_stdio_goes_to_the_real_streams(abi, exercise, tmp_path, monkeypatch):
    """And what is written to stderr, where native code reports, into the log of the run too."""
    monkeypatch.setenv("GOLDMASK_NATIVE_LOG", str(tmp_path / "native.log"))
    done = exercise(abi, tmp_path / "log", "stdio", str(tmp_path / "file"))
    assert (done.code, done.stdout) == (0, "42 through __sF\nwords\n!stdio well\n"), done.log_tail()
    assert (tmp_path / "native.log").read_text("utf-8") == "to the log\n"
    assert "to the log" in done.log_tail()


@pytest.mark.parametrize("abi", ABIS)
def test_a_string_that_runs_over_ends_the_process(abi, exercise, tmp_path):
    done = exercise(abi, tmp_path / "log", "overrun")
    assert done.ending == "killed by SIGABRT" and "FORTIFY: strlen" in done.log_tail()


def test_a_wrong_answer_fails_the_exercise(exercise, tmp_path):
    """The twin: with a shim of which one function is wrong, the exercise does not pass."""
    sources = tmp_path / "sources"
    shutil.copytree(bionic.SOURCES, sources)
    text = (sources / "pthread.c").read_text("utf-8")
    wrong = text.replace("while (seen != FREE) {", "while (0) {")
    assert wrong != text
    (sources / "pthread.c").write_text(wrong, "utf-8")
    words = [*bionic.FLAGS, f"-Wl,-soname,{bionic.SHIM}", "-o", tmp_path / bionic.SHIM, *sources.glob("*.c")]
    assert bionic.compile_c("x86_64", [*words, "-lm", "-ldl"], tmp_path / "compile.log").code == 0
    program = REPO / "tests/bionic/exercise.c"
    words = ["-std=gnu11", "-O2", "-pthread", "-o", tmp_path / "exercise", program, tmp_path / bionic.SHIM]
    assert bionic.compile_c("x86_64", [*words, f"-Wl,-rpath,{tmp_path}"], tmp_path / "compile.log").code == 0
    done = shell.run([tmp_path / "exercise", "mutex", "200000"], log=tmp_path / "log", deadline_s=120)
    assert done.code == 1 and "counter == THREADS * rounds" in done.log_tail()


def library(folder: Path, text: str, *words: str, name: str = "libmade.so") -> Path:
    """A shared library of this machine's, that knows nothing of bionic."""
    folder.mkdir(exist_ok=True)
    (folder / "made.c").write_text(text, "utf-8")
    # Without what a Linux compiler adds by itself: Android's does not.
    argv = ["-shared", "-fPIC", "-nostartfiles", "-o", folder / name, folder / "made.c", *words]
    done = bionic.compile_c(bionic.loadable_abi(), argv, folder / "compile.log")
    assert done.code == 0, done.log_tail()
    return folder / name


def test_an_import_that_nobody_has_is_named(tmp_path):
    made = library(tmp_path / "made", "int AFontMatcher_match(void); int use(void) { return AFontMatcher_match(); }")
    with pytest.raises(RunError, match=r"libmade\.so \(x86_64\) imports AFontMatcher_match, of which") as caught:
        bionic.prepare([made], bionic.loadable_abi(), tmp_path)
    assert "docs/bionic.md" in caught.value.fix and (REPO / "docs/bionic.md").is_file()


def test_the_first_of_many_unknown_imports_are_named(tmp_path):
    text = "".join(f"int unknown_{i}(void);" for i in range(5))
    text += "int use(void) { return " + "+".join(f"unknown_{i}()" for i in range(5)) + "; }"
    with pytest.raises(RunError, match="imports unknown_0, unknown_1, unknown_2 and 2 more"):
        bionic.prepare([library(tmp_path / "made", text)], bionic.loadable_abi(), tmp_path)


def test_a_library_that_needs_a_gpu_stays_away(tmp_path):
    library(tmp_path / "made", "int eglInitialize(void) { return 1; }", "-Wl,-soname,libEGL.so", name="libEGL.so")
    text = "int eglInitialize(void); int use(void) { return eglInitialize(); }"
    made = library(tmp_path / "made", text, str(tmp_path / "made/libEGL.so"))
    assert bionic.needs_a_device(made)
    assert not bionic.needs_a_device(library(tmp_path / "other", "int use(void) { return 1; }"))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda data: b"", "libmade.so is no ELF shared library, or a damaged one"),
        (lambda data: b"no library at all" * 100, "is no ELF shared library, or a damaged one"),
        (lambda data: data[:200], "is no ELF shared library, or a damaged one"),
    ],
)
def test_a_damaged_library(damage, sentence, tmp_path):
    made = library(tmp_path / "made", "int use(void) { return 1; }")
    made.write_bytes(damage(made.read_bytes()))
    with pytest.raises(RunError, match=sentence):
        bionic.prepare([made], bionic.loadable_abi(), tmp_path)


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("linux", "riscv64")])
def test_a_machine_where_no_library_of_androids_loads(system, machine, monkeypatch):
    monkeypatch.setattr(bionic.platform, "machine", lambda: machine)
    monkeypatch.setattr(bionic.sys, "platform", system)
    with pytest.raises(EnvironmentMissing, match=f"load on Linux on x86_64 or arm64; this is .* on {machine}"):
        bionic.loadable_abi()


def test_a_library_of_another_processor(tmp_path):
    made = library(tmp_path / "made", "int use(void) { return 1; }")
    with pytest.raises(RunError, match=r"libmade\.so is not of ABI arm64-v8a"):
        bionic.prepare([made], "arm64-v8a", tmp_path)


@pytest.mark.parametrize("abi", ABIS)
def test_every_library_of_the_app_is_accounted_for(abi, tmp_path):
    """Those of other TensorFlow Lite versions too; once prepared, they are not prepared again."""
    kotlin = builder(tmp_path)
    modules = [kotlin.dependencies("lib_interpreter"), kotlin.dependencies("lib_task_api")]
    for names in (*modules, ["runtime-v2-14-0"], ["runtime-v2-9-0"]):
        files = maven.native_libraries(kotlin.fetch(names), abi)
        loadable = [path for path in files if not bionic.needs_a_device(path)]
        assert loadable, names
        folder = bionic.prepare(loadable, abi, tmp_path)
        before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert {path.name for path in before} == {bionic.SHIM, *(path.name for path in loadable)}
        assert bionic.prepare(loadable, abi, tmp_path) == folder
        assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_without_a_compiler_zig_makes_the_same_shim(tmp_path, monkeypatch):
    """One that loads, even where it was built for a much older glibc."""
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bionic, "compiler_of", lambda abi: "")
    folder = bionic.prepare((), bionic.loadable_abi(), tmp_path)
    monkeypatch.undo()
    words = ["-std=gnu11", "-pthread", "-o", tmp_path / "exercise", REPO / "tests/bionic/exercise.c"]
    words += [folder / bionic.SHIM, f"-Wl,-rpath,{folder}"]
    assert bionic.compile_c(bionic.loadable_abi(), words, tmp_path / "compile.log").code == 0
    done = shell.run([tmp_path / "exercise", "misc"], log=tmp_path / "log", deadline_s=60)
    assert (done.code, done.stdout) == (0, "misc well\n")


def test_without_a_compiler_and_without_pypi(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr(bionic, "compiler_of", lambda abi: "")
    with pytest.raises(EnvironmentMissing, match=r"ziglang==\S+ cannot be had from PyPI"):
        bionic.prepare((), bionic.loadable_abi(), tmp_path)
