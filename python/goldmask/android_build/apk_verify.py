"""An APK looked at as a device would: package, signature, alignment, classes, native libraries, permissions."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..contract.errors import UsageError, printable
from ..machine import shell
from ..machine.abi import abi_of
from ..machine.diagnostics import Diagnostic
from ..machine.scratch import scratch_folder
from . import badging
from .aligned_zip import HEADER_BYTES, PAGE_BYTES, WORD_BYTES
from .apk import APKSIG, own_tool
from .cached_step import DEADLINE_S
from .jdk import QUICK, find_jdk
from .resources import find_aapt2

MAX_BYTES = 1 << 31  # of an unpacked APK, which could be anybody's


def checked_app(apk: Path, application_id: str, logs: Path) -> Path:
    """The APK, if it is of the app of that name. Raises UsageError, EnvironmentMissing without aapt2."""
    if not apk.is_file():
        raise UsageError(f"--apk {str(apk)!r} is no file", fix="./goldmask android.build")
    done = shell.run([find_aapt2(logs), "dump", "badging", apk], log=logs / "badging.log", deadline_s=DEADLINE_S)
    if (name := badging.name_of(done.stdout)) != application_id:
        why = f"is of {printable(name)}" if name else "is no APK"
        raise UsageError(
            f"--apk {str(apk)!r} {why}, and the golden test is for {application_id}",
            fix=f"an APK of {application_id}, for example of an earlier ./goldmask android.build",
        )
    return apk


def verify(apk: Path, logs: Path) -> list[Diagnostic]:
    """What an APK is, and whether a device would take it: each thing looked at, in order.

    Raises UsageError for a file that is not there, EnvironmentMissing without the tools to look with.
    """
    if not apk.is_file():
        raise UsageError(f"--apk {str(apk)!r} is no file", fix="./goldmask android.build, which lists its APKs")
    aapt2 = find_aapt2(logs)
    done = shell.run([aapt2, "dump", "badging", apk], log=logs / "badging.log", deadline_s=DEADLINE_S)
    printed = done.stdout
    if done.code:
        why = badging.complaint(done.log.read_text("utf-8", "replace")) or done.ending
        diagnostics = [Diagnostic("package", False, why)]
    else:
        diagnostics = [badging.package(printed)]
    diagnostics.append(_signature(apk, logs))
    try:
        with zipfile.ZipFile(apk) as archive:
            if (unpacked := sum(entry.file_size for entry in archive.infolist())) > MAX_BYTES:
                raise ValueError(f"it claims {unpacked:,} bytes, the limit is {MAX_BYTES:,}")
            diagnostics += [_alignment(archive), _dexes(archive), *_native_libraries(archive)]
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, RuntimeError, ValueError) as error:
        diagnostics.append(Diagnostic("content", False, f"it cannot be read: {error}"))
    return [*diagnostics, badging.permissions(printed)]


def classes_of(apk: Path) -> set[str]:
    """The names of all classes in an APK, `org.goldmask.app.MainActivity` say."""
    with zipfile.ZipFile(apk) as archive:
        return {name for dex in _dex_names(archive) for name in dex_classes(archive.read(dex))}


def dex_classes(data: bytes) -> list[str]:
    """The classes that a dex file defines (Android's "Dalvik executable format"). Raises ValueError."""
    import lief  # loaded where it is needed: half of all commands never are

    if data[:4] != b"dex\n" or zlib.adler32(data[12:]) != int.from_bytes(data[8:12], "little"):
        raise ValueError("a dex file is damaged")
    lief.logging.disable()
    with scratch_folder() as scratch:  # of bytes in memory LIEF 1.0 makes nothing here
        file = scratch / "classes.dex"
        file.write_bytes(data)
        dex = lief.DEX.parse(str(file))
    # LIEF lists the classes that the code only names as well; their index is not one of a definition.
    names = [each.pretty_name for each in dex.classes if each.index < dex.header.nb_classes] if dex else []
    if not dex or len(names) != dex.header.nb_classes or not all(names):
        raise ValueError("a dex file is damaged")
    return names


def _signature(apk: Path, logs: Path) -> Diagnostic:
    argv: list[str | Path] = [find_jdk().java, *QUICK, "-cp", own_tool("tool-apksig", logs), APKSIG, "verify", apk]
    done = shell.run(argv, log=logs / "apksig.log", deadline_s=DEADLINE_S)
    printed = [line.partition(" ")[::2] for line in done.stdout.splitlines()]
    errors = [sentence for key, sentence in printed if key == "error"]
    schemes = [key for key, value in printed if value == "true"]
    signers = ", ".join(value[:16] + "…" for key, value in printed if key == "signer")
    if done.code or errors or schemes != ["v2", "v3"]:
        reason = errors[0] if errors else f"schemes: {', '.join(schemes) or 'none'}; v2 and v3 are needed"
        reason = done.log_tail(1) if done.code else reason
        return Diagnostic("signature", False, " ".join(reason.split()), "./goldmask android.build")
    return Diagnostic("signature", True, f"schemes {' and '.join(schemes)} by {signers}")


def _alignment(archive: zipfile.ZipFile) -> Diagnostic:
    wrong, stored = [], 0
    assert archive.fp  # it is open
    for entry in archive.infolist():
        archive.fp.seek(entry.header_offset + HEADER_BYTES - 4)
        name_bytes, extra_bytes = struct.unpack("<HH", archive.fp.read(4))
        start = entry.header_offset + HEADER_BYTES + name_bytes + extra_bytes
        native = entry.filename.endswith(".so")
        if entry.compress_type == zipfile.ZIP_STORED:
            stored += 1
            if start % (PAGE_BYTES if native else WORD_BYTES):
                wrong.append(f"{entry.filename} begins at {start:,}")
        elif native or entry.filename == "resources.arsc":
            wrong.append(f"{entry.filename} is compressed")
    if wrong:
        return Diagnostic(
            "alignment", False, "; ".join(wrong[:3]), "zipalign -P 16 4 IN.apk OUT.apk, and sign it again"
        )
    return Diagnostic("alignment", True, f"{stored} stored files at 4 bytes, native libraries at 16 KiB")


def _dex_names(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if re.fullmatch(r"classes\d*\.dex", name)]


def _dexes(archive: zipfile.ZipFile) -> Diagnostic:
    counts = [len(dex_classes(archive.read(name))) for name in _dex_names(archive)]
    return Diagnostic("classes", bool(sum(counts)), f"{sum(counts):,} in {len(counts)} dex files")


def _native_libraries(archive: zipfile.ZipFile) -> Iterator[Diagnostic]:
    """Their ABIs, and the memory pages that they are linked for: the alignment of what is loaded."""
    import lief

    lief.logging.disable()
    pages: dict[str, int] = {}
    abis: dict[str, int] = {}
    wrong = []
    for name in archive.namelist():
        if not (found := re.fullmatch(r"lib/([^/]+)/[^/]+\.so", name)):
            continue
        abis[found[1]] = abis.get(found[1], 0) + 1
        data = archive.read(name)
        if abi_of(data) != found[1]:
            wrong.append(f"{name} is not of ABI {found[1]}")
            continue
        binary = lief.ELF.parse(data)
        loaded = [each for each in binary.segments if each.type == lief.ELF.Segment.TYPE.LOAD] if binary else []
        if not binary or not loaded:
            wrong.append(f"{name} is damaged")
        elif binary.header.identity_class == lief.ELF.Header.CLASS.ELF64:  # Android has such pages on these only
            pages[name] = min(each.alignment for each in loaded)
    if wrong:
        yield Diagnostic("native libraries", False, "; ".join(wrong[:3]))
        return
    listing = ", ".join(f"{count} of {abi}" for abi, count in abis.items())
    yield Diagnostic("native libraries", True, listing or "none")
    if small := sorted({name.rpartition("/")[2] for name, bytes_ in pages.items() if bytes_ < PAGE_BYTES}):
        detail = f"{', '.join(small)} are linked for 4 KiB: where pages have 16, Android runs them in a compatible mode"
        yield Diagnostic("memory pages", True, f"{detail} or not at all; only a newer library changes that")
