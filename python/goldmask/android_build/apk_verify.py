"""An APK looked at as a device would: package, signature, alignment, classes, native libraries, permissions."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..contract.errors import UsageError
from ..machine import shell
from ..machine.diagnostics import Finding
from .apk import APKSIG, DEADLINE_S, PAGE_BYTES, WORD_BYTES, find_aapt2, own_tool
from .jdk import QUICK, find_jdk

MAX_BYTES = 1 << 31  # of an unpacked APK, which could be anybody's
MACHINES = {"arm64-v8a": 183, "armeabi-v7a": 40, "x86_64": 62, "x86": 3}  # of ELF headers


def verify(apk: Path, logs: Path) -> list[Finding]:
    """What an APK is, and whether a device would take it: each thing looked at, in order.

    Raises UsageError for a file that is not there, EnvironmentMissing without the tools to look with.
    """
    if not apk.is_file():
        raise UsageError(f"--apk {str(apk)!r} is no file", fix="./goldmask android.build")
    aapt2 = find_aapt2(logs)
    done = shell.run([aapt2, "dump", "badging", apk], log=logs / "badging.log", deadline_s=DEADLINE_S)
    badging = done.stdout
    findings = [_package(badging) if not done.code else Finding("package", False, done.log_tail(1) or done.ending)]
    findings.append(_signature(apk, logs))
    try:
        with zipfile.ZipFile(apk) as archive:
            if (unpacked := sum(entry.file_size for entry in archive.infolist())) > MAX_BYTES:
                raise ValueError(f"it claims {unpacked:,} bytes, the limit is {MAX_BYTES:,}")
            findings += [_alignment(archive), _dexes(archive), *_native_libraries(archive)]
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, RuntimeError, IndexError, ValueError) as error:
        findings.append(Finding("content", False, f"it cannot be read: {error}"))
    return [*findings, _permissions(badging)]


def classes_of(apk: Path) -> set[str]:
    """The names of all classes in an APK, `org.goldmask.app.MainActivity` say."""
    with zipfile.ZipFile(apk) as archive:
        return {name for dex in _dex_names(archive) for name in dex_classes(archive.read(dex))}


def dex_classes(data: bytes) -> list[str]:
    """The classes that a dex file defines (Android's "Dalvik executable format"). Raises struct.error, ValueError."""
    if data[:4] != b"dex\n":
        raise ValueError("no dex file")

    def words(place: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}I", data, place)

    (_, strings), (_, types), (count, classes) = (words(place, 2) for place in (0x38, 0x40, 0x60))
    names = []
    for number in range(count):
        (type_index,) = words(classes + 32 * number, 1)
        (string_index,) = words(types + 4 * type_index, 1)
        (start,) = words(strings + 4 * string_index, 1)
        while data[start] & 0x80:  # the length before a string: seven bits a byte
            start += 1
        descriptor = data[start + 1 : data.index(0, start + 1)].decode("utf-8", "replace")
        names.append(descriptor[1:-1].replace("/", "."))
    return names


def _package(badging: str) -> Finding:
    said = re.search(r"^package: name='([^']*)' versionCode='(\d*)' versionName='([^']*)'", badging, re.MULTILINE)
    sdk = dict(re.findall(r"^(sdkVersion|targetSdkVersion):'(\d+)'", badging, re.MULTILINE))
    if not said or not sdk:
        return Finding("package", False, "the manifest names no package or no SDK versions")
    debuggable = ", debuggable" if re.search("^application-debuggable", badging, re.MULTILINE) else ""
    versions = f"API {sdk.get('sdkVersion', '?')} and later, made for {sdk.get('targetSdkVersion', '?')}"
    return Finding("package", True, f"{said[1]} {said[3]} ({said[2]}), {versions}{debuggable}")


def _signature(apk: Path, logs: Path) -> Finding:
    argv = [find_jdk().java, *QUICK, "-cp", own_tool("tool-apksig", logs), APKSIG, "verify", apk]
    done = shell.run(argv, log=logs / "apksig.log", deadline_s=DEADLINE_S)
    said = [line.partition(" ")[::2] for line in done.stdout.splitlines()]
    errors = [sentence for key, sentence in said if key == "error"]
    schemes = [key for key, value in said if value == "true"]
    signers = ", ".join(value[:16] + "…" for key, value in said if key == "signer")
    if done.code or errors or schemes != ["v2", "v3"]:
        reason = errors[0] if errors else f"schemes: {', '.join(schemes) or 'none'}; v2 and v3 are needed"
        reason = done.log_tail(1) if done.code else reason
        return Finding("signature", False, " ".join(reason.split()), "./goldmask android.build")
    return Finding("signature", True, f"schemes {' and '.join(schemes)} by {signers}")


def _alignment(archive: zipfile.ZipFile) -> Finding:
    wrong, stored = [], 0
    for entry in archive.infolist():
        archive.fp.seek(entry.header_offset + 26)
        name_bytes, extra_bytes = struct.unpack("<HH", archive.fp.read(4))
        start = entry.header_offset + zipfile.sizeFileHeader + name_bytes + extra_bytes
        native = entry.filename.endswith(".so")
        if entry.compress_type == zipfile.ZIP_STORED:
            stored += 1
            if start % (PAGE_BYTES if native else WORD_BYTES):
                wrong.append(f"{entry.filename} begins at {start:,}")
        elif native or entry.filename == "resources.arsc":
            wrong.append(f"{entry.filename} is compressed")
    if wrong:
        return Finding("alignment", False, "; ".join(wrong[:3]), "zipalign -P 16 4 IN.apk OUT.apk, and sign it again")
    return Finding("alignment", True, f"{stored} stored files at 4 bytes, native libraries at 16 KiB")


def _dex_names(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if re.fullmatch(r"classes\d*\.dex", name)]


def _dexes(archive: zipfile.ZipFile) -> Finding:
    counts = [len(dex_classes(archive.read(name))) for name in _dex_names(archive)]
    return Finding("classes", bool(sum(counts)), f"{sum(counts):,} in {len(counts)} dex files")


def _native_libraries(archive: zipfile.ZipFile) -> Iterator[Finding]:
    """Their ABIs, and the memory pages that they are linked for: a program header's p_align (System V ABI, ELF)."""
    pages: dict[str, int] = {}
    abis: dict[str, int] = {}
    wrong = []
    for name in archive.namelist():
        if not (found := re.fullmatch(r"lib/([^/]+)/[^/]+\.so", name)):
            continue
        abis[found[1]] = abis.get(found[1], 0) + 1
        data = archive.read(name)
        wide, machine = data[4:5] == b"\2", int.from_bytes(data[18:20], "little")
        if data[:4] != b"\x7fELF" or MACHINES.get(found[1]) != machine:
            wrong.append(f"{name} is not of ABI {found[1]}")
        elif wide:
            (start,), (size, count) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<HH", data, 54)
            headers = [struct.unpack_from("<I44xQ", data, start + size * number) for number in range(count)]
            pages[name] = min(alignment for kind, alignment in headers if kind == 1)
    if wrong:
        yield Finding("native libraries", False, "; ".join(wrong[:3]))
        return
    words = ", ".join(f"{count} of {abi}" for abi, count in abis.items())
    yield Finding("native libraries", True, words or "none")
    if small := sorted({name.rpartition("/")[2] for name, bytes_ in pages.items() if bytes_ < PAGE_BYTES}):
        detail = f"{', '.join(small)} are linked for 4 KiB: where pages have 16, Android runs them in a compatible mode"
        yield Finding("memory pages", True, f"{detail} or not at all; only a newer library changes that")


def _permissions(badging: str) -> Finding:
    names = re.findall(r"^uses-permission(?:-sdk-23)?: name='([^']*)'", badging, re.MULTILINE)
    network = [name for name in names if name == "android.permission.INTERNET"]
    detail = ", ".join(name.removeprefix("android.permission.") for name in names) or "none"
    if network:
        return Finding(
            "permissions", False, f"{detail}: the app may use the network", "remove INTERNET from the manifest"
        )
    return Finding("permissions", True, detail)
