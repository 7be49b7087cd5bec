"""What is inside an APK: the classes that it defines, and native libraries for their processor and memory pages."""

import struct
import zipfile
import zlib
from pathlib import Path

import lief
import pytest
from jvm import builder, jvm_context
from needs import need

from goldmask.android import bionic
from goldmask.android_build import aligned_zip, apk, apk_verify
from goldmask.machine import shell
from goldmask.machine.diagnostics import Diagnostic
from goldmask.targets import android_device

pytestmark = pytest.mark.rig

SOURCES = {
    "one/Named.java": """package one;
        public class Named extends java.util.ArrayList<String> implements Runnable {
            enum Kind { A }
            class Inner { two.Elsewhere[] all; }
            public void run() { System.out.println(new two.Elsewhere().hashCode()); }
        }
        interface Beside {}""",
    "two/Elsewhere.java": "package two; public class Elsewhere {}",
}
# Of the dex format's header: where the checksum is, and what it is of; how many classes are defined.
CHECKSUM, CHECKED, CLASS_COUNT = 8, 12, 0x60


@pytest.fixture(scope="module")
def dex(tmp_path_factory) -> tuple[bytes, set[str]]:
    """A dex file of package `one`, by d8, and the names of the class files that d8 was given."""
    folder = tmp_path_factory.mktemp("dex")
    kotlin = builder(folder)
    for name, text in SOURCES.items():
        (folder / name).parent.mkdir()
        (folder / name).write_text(text, "utf-8")
    java = [kotlin.jdk.javac, "--release", "11", "-d", folder / "classes", *(folder / name for name in SOURCES)]
    r8 = apk.own_tool("tool-r8", folder)
    d8 = [kotlin.jdk.java, "-cp", r8, "com.android.tools.r8.D8", "--min-api", "26", "--output", folder]
    d8 += ["--lib", kotlin.jdk.home, "--classpath", folder / "classes"]
    for argv in (java, d8):
        classes = sorted((folder / "classes/one").glob("*.class"))
        done = shell.run([*argv, *(classes if argv is d8 else ())], log=folder / "log", deadline_s=120)
        assert done.code == 0, done.log_tail()
    return (folder / "classes.dex").read_bytes(), {f"one.{path.stem}" for path in classes}


def test_the_classes_of_a_dex_file_are_those_that_d8_was_given(dex):
    data, given = dex
    assert given == {"one.Beside", "one.Named", "one.Named$Inner", "one.Named$Kind"}
    assert sorted(apk_verify.dex_classes(data)) == sorted(given)


def test_lief_lists_the_classes_that_code_only_names_as_well(dex, tmp_path):
    """Why dex_classes asks for the index: without it, classes of Android and of other dex files would count."""
    data, given = dex
    (tmp_path / "classes.dex").write_bytes(data)
    whole = lief.DEX.parse(str(tmp_path / "classes.dex"))  # named: its classes are gone with it (LIEF 1.0)
    listed = {each.pretty_name for each in whole.classes}
    assert given < listed and {"two.Elsewhere", "java.util.ArrayList"} <= listed - given


def test_the_dex_files_of_our_apks_define_what_their_headers_count(tmp_path):
    apks = android_device.build("lib_interpreter", jvm_context(tmp_path))
    for file in (apks.app, apks.test):
        with zipfile.ZipFile(file) as archive:
            files = [archive.read(name) for name in archive.namelist() if name.endswith(".dex")]
        assert len(files) > 1
        for data in files:
            (counted,) = struct.unpack_from("<I", data, CLASS_COUNT)
            names = apk_verify.dex_classes(data)
            assert len(names) == len(set(names)) == counted > 0


def checked(data: bytes) -> bytes:
    """A dex file with the checksum that its content has, however wrong that content is."""
    return data[:CHECKSUM] + struct.pack("<I", zlib.adler32(data[CHECKED:])) + data[CHECKED:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"PK",
        lambda data: data[:-1],
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
        lambda data: checked(data[:200]),
        lambda data: checked(data[: len(data) // 2]),
        lambda data: checked(data[:CLASS_COUNT] + b"\xff\xff\xff\x7f" + data[CLASS_COUNT + 4 :]),
    ],
    ids=[
        "empty",
        "no dex file",
        "cut",
        "one bit",
        "cut to its header, checksum right",
        "cut to a half, checksum right",
        "more classes than bytes",
    ],
)
def test_a_damaged_dex_file(damage, dex):
    with pytest.raises(ValueError, match="a dex file is damaged"):
        apk_verify.dex_classes(damage(dex[0]))


def looked_at(folder: Path, entries: dict[str, bytes]) -> dict[str, Diagnostic]:
    """What is found in an APK of these entries."""
    aligned_zip.write_zip(folder / "a.apk", entries, stored=aligned_zip.STORED)
    return {each.what: each for each in apk_verify.verify(folder / "a.apk", folder)}


def test_a_damaged_dex_file_makes_the_content_unreadable(dex, tmp_path):
    assert looked_at(tmp_path, {"classes.dex": dex[0]})["classes"].detail == "4 in 1 dex files"
    found = looked_at(tmp_path, {"classes.dex": dex[0][:-1]})
    assert not found["content"].ok and "a dex file is damaged" in found["content"].detail


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """Native libraries of this machine's ABI, linked for memory pages of some size."""
    folder = tmp_path_factory.mktemp("linked")
    need("linux")
    abi = bionic.loadable_abi()
    (folder / "made.c").write_text("int made(void) { return 1; }", "utf-8")

    def link(page_bytes: int) -> bytes:
        words = ["-shared", "-fPIC", "-nostdlib", f"-Wl,-z,max-page-size={page_bytes}", "-o", folder / "made.so"]
        assert bionic.compile_c(abi, [*words, folder / "made.c"], folder / "log").code == 0
        return (folder / "made.so").read_bytes()

    return abi, link


def test_libraries_for_small_memory_pages_are_named(linked, tmp_path):
    abi, link = linked
    found = looked_at(tmp_path, {f"lib/{abi}/libsmall.so": link(4096), f"lib/{abi}/liblarge.so": link(16384)})
    assert found["native libraries"].detail == f"2 of {abi}"
    assert found["memory pages"].detail.startswith("libsmall.so are linked for 4 KiB")
    assert "memory pages" not in looked_at(tmp_path, {f"lib/{abi}/liblarge.so": link(16384)})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: b"", "is not of ABI"),
        (lambda data: b"\x7fELF", "is not of ABI"),
        (lambda data: data[:18] + b"\xfe\xfe" + data[20:], "is not of ABI"),
        (lambda data: data[:64], "is damaged"),
    ],
    ids=["empty", "a name only", "a processor that Android does not have", "a header only"],
)
def test_what_is_no_library_for_its_folder(change, why, linked, tmp_path):
    abi, link = linked
    found = looked_at(tmp_path, {f"lib/{abi}/libmade.so": change(link(16384))})["native libraries"]
    assert not found.ok and found.detail.startswith(f"lib/{abi}/libmade.so {why}")
