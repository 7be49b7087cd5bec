"""Gradle where there is one: when it is used, and what it is told (handwritten: a stand-in for Gradle)."""

import re

import pytest
from conftest import REPO
from jvm import jvm_context

from goldmask.android_build.apk import Apks
from goldmask.android_build.gradle import WRAPPER, find_gradle
from goldmask.contract.errors import RunError
from goldmask.machine.resources import ANDROID_PROJECT
from goldmask.project.config import Android, GoldenTest
from goldmask.targets import android_device

# Stands in for Gradle: tells its version, and writes a file where the plugin would for each task.
GRADLE = """#!/bin/sh
if [ "$1" = --version ]; then echo; echo "Gradle {version}"; exit 0; fi
echo "$@" >> calls
{build}
"""
BUILD = """mkdir -p app/build/outputs/apk/free/debug app/build/outputs/apk/androidTest/free/debug
cp source app/build/outputs/apk/free/debug/app-free-debug.apk
cp source app/build/outputs/apk/androidTest/free/debug/app-free-debug-androidTest.apk"""
FAILS = """printf '\\nFAILURE: Build failed.\\n\\n* What went wrong:\\nSDK licence not accepted.\\n' >&2; exit 1"""
APP = """plugins { id("com.android.application") }
android {
    namespace = "com.example"
    defaultConfig {
        applicationId = "com.example"
        minSdk = 26
        targetSdk = 34
        ndk { abiFilters += listOf("x86_64") }
    }
    productFlavors { create("free") }
}
dependencies {
    "freeImplementation"(project(":lib"))
}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a Gradle of some version on PATH, and an SDK."""

    def make(version: str = "8.11.1", build: str = BUILD):
        folder = tmp_path / "android"
        for name, text in {
            "settings.gradle.kts": 'include(":app", ":lib")',
            "app/build.gradle.kts": APP,
            "lib/build.gradle.kts": "",
            "source": "an APK",
            "bin/gradle": GRADLE.format(version=version, build=build),
            WRAPPER: (ANDROID_PROJECT / WRAPPER).read_text("utf-8"),
            "sdk/licence": "",
        }.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        (folder / "bin/gradle").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")
        monkeypatch.setenv("ANDROID_HOME", str(folder / "sdk"))
        return folder

    return make


def build(tmp_path, folder, **choices) -> Apks:
    android = Android(folder=str(folder), lib_interpreter=GoldenTest(module="lib", test="com.example.GoldenTest"))
    return android_device.build("lib_interpreter", jvm_context(tmp_path, android=android, **choices))


def test_gradle_builds_both_apks(project, tmp_path):
    folder = project()
    apks = build(tmp_path, folder)
    assert apks.app == folder / "app/build/outputs/apk/free/debug/app-free-debug.apk" and apks.built
    assert apks.test.name == "app-free-debug-androidTest.apk" and apks.test_id == "com.example.test"
    told = (folder / "calls").read_text("utf-8").split()
    assert told == ["--no-daemon", "--console=plain", ":app:assembleFreeDebug", ":app:assembleFreeDebugAndroidTest"]
    assert not build(tmp_path, folder).built
    (folder / "source").write_text("another", "utf-8")
    assert build(tmp_path, folder).built


@pytest.mark.parametrize(
    ("script", "sentence"),
    [(FAILS, "Gradle failed: SDK licence not accepted."), ("exit 0", "made no .*app-free-debug.apk")],
)
def test_gradle_fails(script, sentence, project, tmp_path):
    with pytest.raises(RunError, match=sentence):
        build(tmp_path, project(build=script))


def test_a_gradle_that_is_too_old_is_named_and_left_alone(project, tmp_path):
    notes = []
    folder = project("4.4.1")
    assert find_gradle(folder, tmp_path, notes.append) is None
    assert len(notes) == 1 and "is 4.4.1, the project needs 8.11.1" in notes[0]
    assert find_gradle(project("8.14"), tmp_path, print) == folder / "bin/gradle"


def test_without_an_sdk_no_gradle_is_asked(project, tmp_path, monkeypatch):
    folder = project()
    monkeypatch.delenv("ANDROID_HOME")
    monkeypatch.delenv("ANDROID_SDK_ROOT", raising=False)
    assert find_gradle(folder, tmp_path, print) is None
    (folder / "local.properties").write_text("sdk.dir=/somewhere", "utf-8")
    assert find_gradle(folder, tmp_path, print)


def test_a_wrapper_is_run_only_with_a_pinned_distribution(project, tmp_path):
    notes = []
    folder = project()
    (folder / "bin/gradle").rename(folder / "gradlew")
    (folder / "gradle/wrapper/gradle-wrapper.jar").touch()
    assert find_gradle(folder, tmp_path, print) == folder / "gradlew"
    properties = folder / WRAPPER
    properties.write_text(re.sub("distributionSha256Sum=.*\n", "", properties.read_text("utf-8")), "utf-8")
    assert find_gradle(folder, tmp_path, notes.append) is None
    assert "no distributionSha256Sum" in notes[0]


def test_our_own_distribution_is_pinned():
    text = (ANDROID_PROJECT / WRAPPER).read_text("utf-8")
    assert re.search(r"^distributionSha256Sum=[0-9a-f]{64}$", text, re.MULTILINE)
    # The oldest Gradle that the plugin of the catalogue works with, by its release notes.
    assert 'agp = "8.9.3"' in (REPO / "android/gradle/libs.versions.toml").read_text("utf-8")
    assert "/gradle-8.11.1-bin.zip" in text
