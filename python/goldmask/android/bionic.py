"""Android's native libraries on glibc: each ELF file is made to load beside it, with a small library of our own.

An AAR's .so is built for bionic, Android's C library. It loads into a glibc process once it asks for glibc's libraries
and for the shim (android/jvm/bionic), once its symbol versions are gone, and once every function that the two
libraries understand differently is renamed to the shim's. docs/bionic.md has the whole story.
"""

import hashlib
import platform
import shutil
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import EnvironmentMissing, RunError
from ..machine import shell
from ..machine.abi import ABIS, Abi, abi_of, host_abi
from ..machine.cache import cache_folder, move_into_place
from ..machine.fetch import fetch_package
from ..machine.resources import ANDROID_PROJECT
from ..machine.scratch import scratch_folder

SHIM = "libgoldmask_bionic.so"
SOURCES = ANDROID_PROJECT / "jvm/bionic"
COMPILE_DEADLINE_S = 300
# Part of every digest; another number where the steps below change.
RECIPE = 2
UNDEFINED = 0  # ELF's SHN_UNDEF: the symbol is somebody else's
# What a device has and this machine does not: a library that needs it stays away, and its users hear of that from Java.
OF_A_DEVICE = ("libEGL.so", "libGLESv2.so", "libGLESv3.so", "libandroid.so", "libjnigraphics.so", "libvulkan.so")
REPLACED = {"libc.so": "libc.so.6", "libm.so": "libm.so.6", "libdl.so": "", "liblog.so": ""}
FLAGS = ("-std=gnu11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-pthread")
# Where there is no C compiler, a whole one comes as a wheel: for each ABI that it runs on, the wheel's tag and sha256.
ZIG = "ziglang==0.17.1"
ZIG_WHEELS = {
    "arm64-v8a": ("aarch64-manylinux2014", "b7c5f02fccd40f89b999ee16a1f5ddced56e6182370f8affe494bcf8a28cf07e"),
    "x86_64": ("x86_64-manylinux2014", "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54"),
}
_FIX = "remove it from the cache folder, and try again"


@dataclass(frozen=True)
class Symbols:
    """symbols.toml for one ABI: the imports glibc has, the shim has, nobody needs to have, and those renamed."""

    same: frozenset[str]
    shim: frozenset[str]
    optional: frozenset[str]
    renamed: frozenset[str]


def loadable_abi() -> str:
    """The ABI whose libraries load into this machine's processes. Raises EnvironmentMissing where none does."""
    abi = host_abi()
    if sys.platform != "linux" or abi not in ZIG_WHEELS:
        raise EnvironmentMissing(
            f"Android's native libraries load on Linux on x86_64 or arm64; this is {platform.system()} on "
            f"{platform.machine()}",
            fix="run goldmask in a Linux container, or use --target python",
        )
    return abi


def needs_a_device(library: Path) -> bool:
    """Whether a library asks for parts of Android that no host has, its GPU say. Raises RunError."""
    return any(name in OF_A_DEVICE for name in _parse(library).libraries)


def prepare(libraries: Sequence[Path], abi: str, logs: Path) -> Path:
    """The folder with `libraries` of one ABI made loadable, under their own names, and the shim; made once.

    Raises RunError for a library that is damaged, of another ABI, or imports what nobody here has;
    EnvironmentMissing where there is no compiler for the shim.
    """
    folder = cache_folder() / "bionic" / _digest(libraries, abi)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent) as scratch:
            beside = scratch / "prepared"
            beside.mkdir()
            symbols = load_symbols(abi)
            for library in libraries:
                _convert(library, ABIS[abi], symbols, beside / library.name)
            _compile_shim(ABIS[abi], beside / SHIM, logs)
            move_into_place(beside, folder)
    return folder


def environment(folder: Path, abi: str) -> dict[str, str]:
    """What a process that loads libraries from `folder` needs in its environment."""
    # arm64 code reads a canary where glibc keeps the first library's thread-local variables (arm64.c).
    return {"LD_PRELOAD": str(folder / SHIM)} if abi == "arm64-v8a" else {}


def load_symbols(abi: str) -> Symbols:
    """Whose each import becomes."""
    data = tomllib.loads((SOURCES / "symbols.toml").read_text("utf-8"))
    own = data[abi]
    return Symbols(
        same=frozenset(data["same"] + own["same"]),
        shim=frozenset(data["shim"]),
        optional=frozenset(data["optional"]),
        renamed=frozenset(data["renamed"] + own["renamed"]),
    )


def compiler_of(abi: str) -> str:
    """The C compiler for an ABI on this machine's PATH; empty where there is none, and zig will be fetched."""
    if abi == host_abi():
        return shutil.which("cc") or ""
    return shutil.which(f"{ABIS[abi].gnu}-gcc") or ""


def _digest(libraries: Sequence[Path], abi: str) -> str:
    digest = hashlib.sha256(f"{RECIPE} {abi} {' '.join(FLAGS)}".encode())
    sources = sorted(path for path in SOURCES.iterdir() if path.is_file())
    for path in (*sources, *libraries):
        digest.update(f"\n{path.name} ".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _parse(library: Path):
    """LIEF's view of an ELF shared library. Raises RunError."""
    import lief  # loaded where it is needed: half of all commands never are

    lief.logging.disable()
    try:
        binary = lief.ELF.parse(str(library))
    except Exception as error:  # LIEF's own kinds are not all documented
        raise RunError(f"{library.name} cannot be read as an ELF file: {error}", fix=_FIX) from error
    if binary is None or not list(binary.dynamic_entries):
        raise RunError(f"{library.name} is no ELF shared library, or a damaged one", fix=_FIX)
    return binary


def _convert(library: Path, abi: Abi, symbols: Symbols, out: Path) -> None:
    """Write `library`, made loadable, to `out`.

    LIEF and not patchelf: one pass does it all, and drops the version tables, for which patchelf has no word.
    """
    import lief

    binary = _parse(library)
    if abi_of(library.read_bytes()) != abi.name:
        raise RunError(f"{library.name} is not of ABI {abi.name}", fix=_FIX)
    # Not LIEF's imported_symbols: those without a type are missing there, as a linker may well leave them.
    imports = [symbol for symbol in binary.dynamic_symbols if symbol.name and symbol.shndx == UNDEFINED]
    _account(library, {symbol.name for symbol in imports}, abi, symbols)
    tag = lief.ELF.DynamicEntry.TAG
    for entry in [entry for entry in binary.dynamic_entries if entry.tag == tag.NEEDED]:
        wanted = REPLACED.get(entry.name, entry.name)
        if wanted:
            entry.name = wanted
        else:
            binary.remove_library(entry.name)
    binary.add_library(SHIM)
    versions = (tag.VERSYM, tag.VERNEED, tag.VERNEEDNUM, tag.VERDEF, tag.VERDEFNUM, tag.RUNPATH, tag.RPATH)
    for entry in [entry for entry in binary.dynamic_entries if entry.tag in versions]:
        binary.remove(entry)
    binary.add(lief.ELF.DynamicEntryRunPath("$ORIGIN"))
    for symbol in imports:
        if symbol.name in symbols.renamed:
            symbol.name = f"bionic_{symbol.name}"
    binary.write(str(out))


def _account(library: Path, imports: set[str], abi: Abi, symbols: Symbols) -> None:
    unknown = sorted(imports - symbols.same - symbols.shim - symbols.optional - symbols.renamed)
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise RunError(
            f"{library.name} ({abi.name}) imports {', '.join(unknown[:3])}{more}, of which goldmask's bionic shim "
            "knows nothing",
            fix="see docs/bionic.md for how to add a symbol",
        )


def compiler(abi: str, logs: Path) -> tuple[str | Path, ...]:
    """The words that start a C compiler for an ABI: this machine's own, or zig out of a wheel.

    Raises EnvironmentMissing where there is neither.
    """
    if found := compiler_of(abi):
        return (found,)
    tag, sha256 = ZIG_WHEELS[loadable_abi()]
    zig = fetch_package(ZIG, sha256, tag, logs) / "ziglang/zig"
    # An old glibc to link with: what is built here must load on any.
    return (zig, "cc", "-target", f"{ABIS[abi].gnu}.2.17")


def compile_c(abi: str, flags: Sequence[str | Path], log: Path) -> shell.Finished:
    """Run the C compiler for an ABI with further words; its complaints go to `log`."""
    # zig's own cache would otherwise land in the user's home.
    zig_cache = str(cache_folder() / "zig")
    env = {"ZIG_GLOBAL_CACHE_DIR": zig_cache, "ZIG_LOCAL_CACHE_DIR": zig_cache}
    argv = [*compiler(abi, log.parent), *flags]
    return shell.run(argv, log=log, deadline_s=COMPILE_DEADLINE_S, env=env)


def _compile_shim(abi: Abi, out: Path, logs: Path) -> None:
    log = logs / f"bionic.{abi.name}.log"
    flags: list[str | Path] = [*FLAGS, f"-Wl,-soname,{SHIM}", "-o", out, *sorted(SOURCES.glob("*.c")), "-lm", "-ldl"]
    done = compile_c(abi.name, flags, log)
    if done.code:
        raise RunError(
            f"the bionic shim does not compile with {Path(done.argv[0]).name}: {done.log_tail(1)}", fix=f"cat {log}"
        )
