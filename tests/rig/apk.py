"""What an installer reads of an APK: its binary manifest, its signer, its native libraries, its classes."""

import hashlib
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

STRING_POOL, START_ELEMENT = 0x0001, 0x0102
UTF8 = 1 << 8
TYPE_STRING, NO_STRING = 0x03, 0xFFFFFFFF
SIGNING_BLOCK_MAGIC = b"APK Sig Block 42"
SCHEME_V2 = 0x7109871A


class BadApk(Exception):
    """Android's own reason why a file is no APK."""


@dataclass(frozen=True)
class Package:
    """`signer` is the sha256 of the first certificate, empty without one; `runners` are its instrumentations."""

    name: str
    version: int
    debuggable: bool
    test_only: bool
    signer: str
    abis: frozenset[str]
    runners: dict[str, str]  # class to the package it tests


def read_package(path: Path) -> Package:
    """Read an APK. Raises BadApk."""
    try:
        with zipfile.ZipFile(path) as archive:
            elements = read_manifest(archive.read("AndroidManifest.xml"))
            names = archive.namelist()
    except (zipfile.BadZipFile, KeyError, OSError, struct.error) as error:
        raise BadApk(f"INSTALL_PARSE_FAILED_NOT_APK: Failed to parse {path.name}: {error}") from error
    manifest = next(attributes for name, attributes in elements if name == "manifest")
    application = next((attributes for name, attributes in elements if name == "application"), {})
    runners = {each["name"]: each["targetPackage"] for name, each in elements if name == "instrumentation"}
    return Package(
        name=manifest["package"],
        version=int(manifest.get("versionCode", 0)),
        debuggable=bool(application.get("debuggable")),
        test_only=bool(application.get("testOnly")),
        signer=read_signer(path.read_bytes()),
        abis=frozenset(name.split("/")[1] for name in names if name.startswith("lib/") and name.endswith(".so")),
        runners=runners,
    )


def read_manifest(data: bytes) -> list[tuple[str, dict[str, str | int]]]:
    """The elements of a binary XML file with their attributes, in order."""
    strings: list[str] = []
    elements = []
    place = 8
    while place < len(data):
        kind, header, size = struct.unpack_from("<HHI", data, place)
        if kind == STRING_POOL:
            strings = _read_strings(data[place : place + size])
        elif kind == START_ELEMENT:
            _, name, start, width, count = struct.unpack_from("<iIHHH", data, place + header)
            attributes: dict[str, str | int] = {}
            for number in range(count):
                at = place + header + start + number * width
                _, key, raw, _, _, value_kind, value = struct.unpack_from("<iIIHBBI", data, at)
                known = raw if raw != NO_STRING else value
                attributes[strings[key]] = strings[known] if value_kind == TYPE_STRING else value
            elements.append((strings[name], attributes))
        place += size
    return elements


def _read_strings(pool: bytes) -> list[str]:
    count, _, flags, start, _ = struct.unpack_from("<IIIII", pool, 8)
    strings = []
    for offset in struct.unpack_from(f"<{count}I", pool, 28):
        at = start + offset
        if flags & UTF8:  # two lengths, of one or two bytes each: characters, then bytes
            at += 2 if pool[at] & 0x80 else 1
            length = pool[at] & 0x7F
            if pool[at] & 0x80:
                length, at = length << 8 | pool[at + 1], at + 1
            strings.append(pool[at + 1 : at + 1 + length].decode("utf-8", "replace"))
        else:
            (length,) = struct.unpack_from("<H", pool, at)
            strings.append(pool[at + 2 : at + 2 + 2 * length].decode("utf-16-le", "replace"))
    return strings


def read_signer(data: bytes) -> str:
    """sha256 of the first certificate of the v2 signature; empty where there is none."""
    end = data.rfind(b"PK\x05\x06")
    if end < 0:
        return ""
    (directory,) = struct.unpack_from("<I", data, end + 16)
    if data[directory - 16 : directory] != SIGNING_BLOCK_MAGIC:
        return ""
    (size,) = struct.unpack_from("<Q", data, directory - 24)
    place, stop = directory - size, directory - 24
    while place < stop:
        length, scheme = struct.unpack_from("<QI", data, place)
        if scheme == SCHEME_V2:
            # signers > signer > signed data > (digests, certificates > certificate), each after its length
            block = _prefixed(_prefixed(_prefixed(data[place + 12 : place + 8 + length])))
            digests = struct.unpack_from("<I", block)[0]
            certificate = _prefixed(_prefixed(block[4 + digests :]))
            return hashlib.sha256(certificate).hexdigest()
        place += 8 + length
    return ""


def _prefixed(data: bytes) -> bytes:
    (length,) = struct.unpack_from("<I", data)
    return data[4 : 4 + length]


def has_class(path: Path, name: str) -> bool:
    """Whether one of an APK's dex files defines a class."""
    import lief  # half a second that only `am instrument` needs

    with zipfile.ZipFile(path) as archive:
        for each in archive.namelist():
            if each.startswith("classes") and each.endswith(".dex"):
                dex = lief.DEX.parse(list(archive.read(each)))
                if dex and dex.has_class(name):
                    return True
    return False


def native_libraries(path: Path, abi: str) -> dict[str, str]:
    """sha256 of an APK's native libraries of an ABI, by file name."""
    with zipfile.ZipFile(path) as archive:
        return {
            Path(name).name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
            if name.startswith(f"lib/{abi}/")
        }
