"""APKs without Gradle: the same bytes everywhere, nothing built twice, and what a device would refuse is found here."""

import re
import shutil
import struct
import time
import zipfile
from pathlib import Path

import pytest
from conftest import REPO, run_program
from jvm import builder, jvm_context
from needs import need

from goldmask.android_build import aligned_zip, apk, apk_verify, resources
from goldmask.android_build.gradle_files import OUR_TESTS, load_project
from goldmask.android_build.manifest import app_manifest
from goldmask.contract.errors import ConfigError, EnvironmentMissing, RunError, UsageError
from goldmask.contract.files import sha256_of
from goldmask.machine import shell
from goldmask.machine.cache import cache_folder
from goldmask.machine.diagnostics import Diagnostic
from goldmask.machine.progress import Progress
from goldmask.machine.resources import ANDROID_PROJECT
from goldmask.project.config import Android, GoldenTest
from goldmask.targets import android_device

pytestmark = pytest.mark.rig

PIPELINES = ("lib_interpreter", "lib_task_api")
IDS = {"lib_interpreter": "org.goldmask.app.interpreter", "lib_task_api": "org.goldmask.app.task"}


@pytest.fixture(autouse=True)
def no_sdk(monkeypatch):
    """These are about goldmask's own builder, on a developer's machine too."""
    monkeypatch.delenv("ANDROID_HOME", raising=False)
    monkeypatch.delenv("ANDROID_SDK_ROOT", raising=False)


def build(folder: Path, pipeline: str = "lib_interpreter", **choices) -> apk.Apks:
    return android_device.build(pipeline, jvm_context(folder, **choices))


def copied(folder: Path) -> Android:
    """goldmask's own Android project somewhere else, as a project of somebody's."""
    for name in ("android", "models/shapes"):
        shutil.copytree(
            REPO / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("training", "goldens*")
        )
    return Android(folder=str(folder / "android"), **OUR_TESTS)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def verified(file: Path, logs: Path) -> dict[str, Diagnostic]:
    return {diagnostic.what: diagnostic for diagnostic in apk_verify.verify(file, logs)}


def says_yes(tmp_path: Path, tool: str, *argv: str | Path) -> bool:
    """The verdict of one of Android's own tools, as Debian packages it: a second opinion."""
    need(tool)
    return shell.run([tool, *argv], log=tmp_path / "tool.log", deadline_s=120).code == 0


def test_the_same_bytes_in_another_cache_from_another_folder(tmp_path, monkeypatch):
    ours = build(tmp_path)
    key, files = apk.debug_key(builder(tmp_path)), cache_folder()
    cache = tmp_path / "cache"
    (cache / "android").mkdir(parents=True)
    shutil.copy(key, cache / "android/debug.keystore")
    for name in ("files", "packages"):  # what was downloaded, and has its hash in its name
        (cache / name).symlink_to(files / name)
    monkeypatch.setenv("GOLDMASK_CACHE", str(cache))
    theirs = build(tmp_path, android=copied(tmp_path / "elsewhere"))
    assert theirs.built and theirs.app.is_relative_to(cache) and theirs.app != ours.app
    assert sha256_of(theirs.app) == sha256_of(ours.app)
    assert sha256_of(theirs.test) == sha256_of(ours.test)


def test_nothing_is_built_twice_and_only_what_changed_is_built_again(tmp_path):
    android = copied(tmp_path)
    first = build(tmp_path, android=android)
    steps: list[str] = []

    class Steps(Progress):
        def step(self, what: str, done: int, total: int) -> None:
            if done == total and what.split()[0] in ("link", "dex", "sign"):
                steps.append(what)

    again = build(tmp_path, android=android, progress=Steps())
    assert (again.built, steps) == (False, [])
    assert (again.app, again.test) == (first.app, first.test)
    # A word that no earlier run of this test has left in the cache.
    edit(tmp_path / "android/app/src/main/res/values/strings.xml", "Sample<", f"Sample {time.time_ns()}<")
    changed = build(tmp_path, android=android, progress=Steps())
    # No id of R has changed, so that no class has, and the test APK is as it was.
    assert changed.built and steps == ["link resources", "sign app-libInterpreter.apk"]
    assert changed.app != first.app and changed.test == first.test


def test_the_program_says_what_it_built(tmp_path):
    build(tmp_path)
    ran = run_program(REPO, "android.build", "--pipeline", "lib_interpreter", ANDROID_HOME="", ANDROID_SDK_ROOT="")
    assert ran.code == 0 and "nothing has changed, nothing was built" in ran.text
    assert "org.goldmask.app.interpreter.test" in ran.text
    for name in ("app-libInterpreter.apk", "app-libInterpreter-test.apk"):
        assert f"MB build/apk/lib_interpreter/{name}" in ran.text
        assert zipfile.is_zipfile(REPO / "build/apk/lib_interpreter" / name)
    ran = run_program(REPO, "android.build", "--pipeline", "lib_interpreter", "--abi", "arm64")
    assert ran.code == 1 and "--abi arm64-v8a|x86_64" in ran.text


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_device_would_take_them(pipeline, tmp_path):
    apks = build(tmp_path, pipeline)
    assert (apks.application_id, apks.test_id) == (IDS[pipeline], f"{IDS[pipeline]}.test")
    app, test = verified(apks.app, tmp_path), verified(apks.test, tmp_path)
    assert [diagnostic for diagnostic in (*app.values(), *test.values()) if not diagnostic.ok] == []
    assert app["package"].detail.startswith(f"{IDS[pipeline]} 0.1 (1), API 26 and later, made for 34")
    assert app["signature"].detail == test["signature"].detail and "v2 and v3" in app["signature"].detail
    assert app["permissions"].detail == "CAMERA" and test["permissions"].detail == "REORDER_TASKS"
    assert "of arm64-v8a" in app["native libraries"].detail and "of x86_64" in app["native libraries"].detail
    assert test["native libraries"].detail == "none"


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_androids_own_tools_agree(pipeline, tmp_path):
    apks = build(tmp_path, pipeline)
    for file in (apks.app, apks.test):
        assert says_yes(tmp_path, "apksigner", "verify", "--min-sdk-version", "26", file)
        assert says_yes(tmp_path, "zipalign", "-c", "-p", "4", file)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_app_and_its_golden_test_are_inside_each_once(pipeline, tmp_path):
    apks = build(tmp_path, pipeline)
    app, test = apk_verify.classes_of(apks.app), apk_verify.classes_of(apks.test)
    segmenter = {"lib_interpreter": "org.goldmask.interpreter.InterpreterSegmenter"}.get(
        pipeline, "org.goldmask.task.TaskSegmenter"
    )
    assert {"org.goldmask.app.MainActivity", "org.goldmask.app.R$layout", segmenter, "kotlin.Unit"} <= app
    assert {apks.test_class, apks.runner, "org.goldmask.golden.GoldenTest", "org.junit.Test"} <= test
    assert app & test == set()
    assert not any(name.startswith(("org.robolectric", "android.app.")) for name in app | test)


def types_of(dex: bytes) -> set[str]:
    """Every class that a dex file's code names (type_ids of the Dalvik executable format)."""
    (_, strings), (count, types) = (struct.unpack_from("<II", dex, place) for place in (0x38, 0x40))
    found = set()
    for index in struct.unpack_from(f"<{count}I", dex, types):
        (start,) = struct.unpack_from("<I", dex, strings + 4 * index)
        while dex[start] & 0x80:  # its length comes first, seven bits a byte
            start += 1
        if descriptor := re.fullmatch(rb"\[*L(.+);", dex[start + 1 : dex.index(0, start + 1)]):
            found.add(descriptor[1].decode("utf-8", "replace").replace("/", "."))
    return found


def missing(tmp_path, *files: Path) -> set[str]:
    """The classes that the code of APKs names and that neither they nor Android have; of java.*, Android has all."""
    (android,) = builder(tmp_path).libraries(["tool-android"])
    with zipfile.ZipFile(android) as archive:
        there = {name.removesuffix(".class").replace("/", ".") for name in archive.namelist()}
    named = set()
    for file in files:
        there |= apk_verify.classes_of(file)
        with zipfile.ZipFile(file) as archive:
            for name in (name for name in archive.namelist() if name.endswith(".dex")):
                named |= types_of(archive.read(name))
    # dalvik.annotation is how dex files keep what class files have attributes for; nothing loads it.
    return {name for name in named - there if not name.startswith(("java.", "javax.", "dalvik.annotation."))}


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_no_class_is_missing_on_a_device(pipeline, tmp_path):
    apks = build(tmp_path, pipeline)
    assert missing(tmp_path, apks.app) == set()
    # Of JUnit 3, which nothing here is, and of the agent by which a desktop debugs coroutines.
    never = {"android.test.AndroidTestCase", "android.test.InstrumentationTestCase"}
    never |= {"sun.misc.Signal", "sun.misc.SignalHandler"}
    assert missing(tmp_path, apks.app, apks.test) == never
    assert "kotlin.Unit" in missing(tmp_path, apks.test)  # which is in the app


def test_the_manifests_bring_what_libraries_need(tmp_path):
    apks = build(tmp_path)
    aapt2 = resources.find_aapt2(tmp_path)

    def manifest(file: Path) -> str:
        argv = [aapt2, "dump", "xmltree", "--file", "AndroidManifest.xml", file]
        return shell.run(argv, log=tmp_path / "log", deadline_s=60).stdout

    app, test = manifest(apks.app), manifest(apks.test)
    assert "libOpenCL.so" in app and '"org.goldmask.app.MainActivity"' in app
    assert f'"{apks.application_id}"' in test and "targetPackage" in test and apks.runner in test
    assert "androidx.test.orchestrator" in test and "BootstrapActivity" in test


def test_models_are_stored_where_they_can_be_mapped(tmp_path):
    with zipfile.ZipFile(build(tmp_path).app) as archive:
        assert archive.getinfo("assets/models/shapes.tflite").compress_type == zipfile.ZIP_STORED
        assert archive.read("assets/models/shapes.tflite") == (REPO / "models/shapes/shapes.tflite").read_bytes()
        assert archive.getinfo("classes.dex").compress_type == zipfile.ZIP_DEFLATED


def test_one_abi_only(tmp_path):
    with zipfile.ZipFile(build(tmp_path, abi="arm64-v8a").app) as archive:
        libraries = [name for name in archive.namelist() if name.startswith("lib/")]
    assert libraries and all(name.startswith("lib/arm64-v8a/") for name in libraries)
    with pytest.raises(UsageError, match="not for --abi 'arm64'"):
        build(tmp_path, abi="arm64")


def test_an_apps_own_word_counts_in_its_manifest(tmp_path):
    xmlns = 'xmlns:android="http://schemas.android.com/apk/res/android"'
    own, library = tmp_path / "own.xml", tmp_path / "library.xml"
    own.write_text(
        f'<manifest {xmlns}><uses-feature android:name="camera" android:required="false"/>'
        '<application><activity android:name=".Main"/></application></manifest>',
        "utf-8",
    )
    library.write_text(
        f'<manifest {xmlns} package="library"><uses-feature android:name="camera" android:required="true"/>'
        '<uses-permission android:name="android.permission.VIBRATE"/><application>'
        '<provider android:name="library.Files" android:authorities="${applicationId}.files"/>'
        "</application></manifest>",
        "utf-8",
    )
    application = load_project(ANDROID_PROJECT).module("app").application
    text = app_manifest(own, [library], application).decode()
    assert text.count("uses-feature") == 1 and 'required="false"' in text
    assert "VIBRATE" in text and '"org.goldmask.app.Main"' in text and '"org.goldmask.app.files"' in text


# Twins: each of these is wrong in one way, and is found to be.


def test_a_network_permission_is_reported(tmp_path):
    android = copied(tmp_path)
    camera = '<uses-permission android:name="android.permission.CAMERA" />'
    edit(tmp_path / "android/app/src/main/AndroidManifest.xml", camera, camera + camera.replace("CAMERA", "INTERNET"))
    found = verified(build(tmp_path, android=android).app, tmp_path)
    assert not found["permissions"].ok and found["permissions"].detail.startswith("CAMERA, INTERNET")


def test_a_flipped_byte_breaks_the_signature(tmp_path):
    data = bytearray(build(tmp_path).test.read_bytes())
    with zipfile.ZipFile(build(tmp_path).test) as archive:
        data[archive.getinfo("classes.dex").header_offset + 100] ^= 1
    flipped = tmp_path / "flipped.apk"
    flipped.write_bytes(data)
    found = verified(flipped, tmp_path)["signature"]
    assert not found.ok and "digest" in found.detail.lower()
    assert not says_yes(tmp_path, "apksigner", "verify", "--min-sdk-version", "26", flipped)
    ran = run_program(REPO, "android.apk.verify", "--apk", flipped)
    assert ran.code == 4 and "wrong signature" in ran.text


def test_an_apk_that_is_not_signed_not_aligned_and_for_no_machine(tmp_path):
    made = build(tmp_path).app
    packed = tmp_path / "packed.apk"
    with zipfile.ZipFile(made) as archive, zipfile.ZipFile(packed, "w") as out:
        out.writestr("a", b"1")  # one byte, and nothing after it is where it was
        for name in archive.namelist():
            renamed = name.replace("lib/x86_64", "lib/armeabi-v7a")
            out.writestr(zipfile.ZipInfo(renamed), archive.read(name))
    found = verified(packed, tmp_path)
    assert {what for what, diagnostic in found.items() if not diagnostic.ok} == {
        "signature",
        "alignment",
        "native libraries",
    }
    assert "begins at" in found["alignment"].detail
    assert "is not of ABI armeabi-v7a" in found["native libraries"].detail
    assert not says_yes(tmp_path, "zipalign", "-c", "-p", "4", packed)


def test_what_must_be_stored_is_compressed(tmp_path):
    packed = tmp_path / "packed.apk"
    aligned_zip.write_zip(packed, {"resources.arsc": b"0" * 99, "lib/x86/liba.so": b"\x7fELF" + bytes(99)}, stored=())
    detail = verified(packed, tmp_path)["alignment"].detail
    assert "resources.arsc is compressed" in detail and "liba.so is compressed" in detail


@pytest.mark.parametrize("content", [b"", b"<!doctype html>", b"PK\x05\x06" + bytes(18)], ids=["empty", "page", "zip"])
def test_what_is_no_apk(content, tmp_path):
    file = tmp_path / "some.apk"
    file.write_bytes(content)
    found = apk_verify.verify(file, tmp_path)
    assert not found[0].ok and not found[1].ok and any("signature" in diagnostic.what for diagnostic in found)


def test_an_apk_that_claims_more_than_memory_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(apk_verify, "MAX_BYTES", 1 << 20)
    detail = verified(build(tmp_path).app, tmp_path)["content"].detail
    assert "the limit is 1,048,576" in detail


def test_a_file_that_is_not_there(tmp_path):
    ran = run_program(REPO, "android.apk.verify", "--apk", tmp_path / "nowhere.apk")
    assert ran.code == 1 and "is no file" in ran.text


def test_stored_entries_begin_where_android_maps_them(tmp_path):
    entries = {"a.txt": b"1", "b.arsc": b"22", "lib/x86/c.so": b"333", "d.png": b"4444"}
    aligned_zip.write_zip(tmp_path / "a.zip", entries, stored=aligned_zip.STORED)
    data = (tmp_path / "a.zip").read_bytes()
    assert data.index(b"22") % 4 == 0 and data.index(b"333") % 16384 == 0 and data.index(b"4444") % 4 == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None and archive.read("lib/x86/c.so") == b"333"


# What does not build says why.


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("app/src/main/res/layout/main.xml", "@string/sample", "@string/nowhere", "string/nowhere"),
        ("app/src/main/res/values/colors.xml", "<color", "<colour", "do not compile: .*unknown resource type"),
        ("app/src/main/AndroidManifest.xml", "<activity", '<activity xmlns:tools="http://schemas.android.com/tools" '
         'tools:node="merge"', "without tools:node"),
        ("app/src/main/AndroidManifest.xml", "</manifest>", "", "cannot be read as a manifest"),
        ("build.gradle.kts", "minSdk = 26", "minSdk = 19", "needs Android API 21; the app says minSdk = 19"),
        ("build.gradle.kts", "minSdk = 26", "", "says no minSdk"),
        ("app/build.gradle.kts", 'abiFilters += listOf("arm64-v8a", "x86_64")', "", "says no abiFilters"),
        ("app/build.gradle.kts", '"libInterpreterImplementation"(project(":lib_interpreter"))', "",
         "no applications of .* are made of module 'lib_interpreter'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(name, old, new, sentence, tmp_path):
    android = copied(tmp_path)
    edit(tmp_path / "android" / name, old, new)
    with pytest.raises((RunError, ConfigError), match=sentence):
        build(tmp_path, android=android)


def test_a_strangers_library_is_no_app(tmp_path):
    foreign = Android(
        folder=str(REPO / "tests/android/foreign"),
        lib_interpreter=GoldenTest(module="camera_app", test="com.example.camera.CameraGoldenTest"),
    )
    with pytest.raises(ConfigError, match="no applications") as caught:
        build(tmp_path, android=foreign)
    assert "com.android.application" in caught.value.fix


def test_a_strangers_app_with_its_golden_test(tmp_path):
    """The app's own module has the test, no flavours, and no line of ours but the library's."""
    folder = tmp_path / "foreign"
    shutil.copytree(REPO / "tests/android/foreign", folder)
    edit(folder / "settings.gradle.kts", "../../../android", str(ANDROID_PROJECT))
    module = folder / "camera_app"
    edit(module / "build.gradle.kts", "android.library", "android.application")
    told = 'applicationId = "com.example.photos"\nminSdk = 26\ntargetSdk = 34\nndk { abiFilters += "x86_64" }'
    edit(module / "build.gradle.kts", "minSdk = 26", told)
    (module / "src/main/AndroidManifest.xml").write_text("<manifest><application /></manifest>", "utf-8")
    test = GoldenTest(module="camera_app", test="com.example.camera.CameraGoldenTest")
    apks = build(tmp_path, android=Android(folder=str(folder), lib_interpreter=test))
    assert (apks.application_id, apks.test_id) == ("com.example.photos", "com.example.photos.test")
    app, inside = apk_verify.classes_of(apks.app), apk_verify.classes_of(apks.test)
    assert "com.example.camera.PersonFinder" in app and not any(name.startswith("org.goldmask") for name in app)
    assert {"org.goldmask.golden.GoldenTest", "org.goldmask.segmenter.Segmenter", test.test} <= inside
    assert app & inside == set()
    found = verified(apks.app, tmp_path)
    assert found["permissions"].detail == "none" and found["native libraries"].detail == "1 of x86_64"


def test_a_processor_without_aapt2(tmp_path, monkeypatch):
    monkeypatch.setattr(resources.platform, "machine", lambda: "riscv64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentMissing, match="no aapt2 for .* on riscv64"):
        resources.find_aapt2(tmp_path)
    (tmp_path / "aapt2").touch(mode=0o755)
    assert resources.find_aapt2(tmp_path) == tmp_path / "aapt2"


def test_android_studios_key_is_used_where_there_is_one(tmp_path, monkeypatch):
    kotlin = builder(tmp_path)
    monkeypatch.setenv("ANDROID_USER_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    made = apk.debug_key(kotlin)
    assert made == tmp_path / "cache/android/debug.keystore" and apk.debug_key(kotlin) == made
    (tmp_path / "none").mkdir()
    shutil.copy(made, tmp_path / "none/debug.keystore")
    assert apk.debug_key(kotlin) == tmp_path / "none/debug.keystore"


def test_the_application_is_read_from_its_build_file():
    project = load_project(ANDROID_PROJECT)
    module, flavour = project.application_of("lib_task_api")
    application = module.application.of(flavour)
    assert (module.name, flavour, application.namespace) == ("app", "libTaskApi", "org.goldmask.app")
    assert (application.min_sdk, application.target_sdk, application.abis) == (26, 34, ("arm64-v8a", "x86_64"))
    assert (application.stored, application.test_id) == (("tflite",), "org.goldmask.app.task.test")
    assert project.application_of("app") == (module, "libInterpreter")
    assert module.application_in("libTaskApi") == application
    with pytest.raises(ConfigError, match="'segmenter' is a library"):
        project.module("segmenter").application_in("")
