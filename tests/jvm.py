"""What the Android tests share: the example app's builder, and a JVM that runs JUnit classes of a module."""

import os
import re
import shutil
import zipfile
from pathlib import Path

from conftest import REPO
from needs import need
from running import context_of

from goldmask.android import bionic
from goldmask.android_build import apk, maven
from goldmask.android_build.dependency_lock import load_lock
from goldmask.android_build.gradle_files import load_project
from goldmask.android_build.jdk import QUICK, find_jdk
from goldmask.android_build.kotlin import Kotlin
from goldmask.android_build.resources import Linked
from goldmask.machine import shell
from goldmask.machine.resources import ANDROID_PROJECT
from goldmask.targets import android_jvm
from goldmask.targets.target import Context

DEADLINE_S = 300


def builder(logs: Path, folder: Path = ANDROID_PROJECT) -> Kotlin:
    """The builder of an Android project; where there is no JDK or Maven the test is skipped."""
    need("jdk", "maven")
    kotlin = Kotlin(load_project(folder), load_lock(folder), find_jdk(), logs)
    kotlin.fetch(["tool-android", "tool-compiler"])
    return kotlin


def run_junit(
    kotlin: Kotlin,
    module: str,
    logs: Path,
    *,
    tests: Path = REPO / "tests",
    flavour: str = "",
    flags: tuple = (),
    names: str = r"\w+Test",
) -> shell.Finished:
    """Run every test class in a module's src/test in one JVM, the repository's tests folder being `tests`.

    `names` is a pattern of the classes' names.
    An application has its resources, assets and native libraries there as well.
    """
    beside, generated = [], []
    if kotlin.project.module(module).application:
        linked = apk.link_resources(kotlin, kotlin.project.module(module), flavour)
        generated = [linked.classes]
        beside = [robolectric_app(kotlin, module, linked, logs / "robolectric")]
        natives = maven.native_libraries(kotlin.fetch(kotlin.dependencies(module, flavour=flavour)), "x86_64")
        loadable = [path for path in natives if not bionic.needs_a_device(path)]
        prepared = bionic.prepare(loadable, "x86_64", logs)
        flags = (f"-Djava.library.path={prepared}", "-Dgoldmask.natives=yes", *flags)
    sources = kotlin.project.module(module).sources("test")
    classes = []
    for source in sources:
        text = source.read_text("utf-8")
        package = re.search(r"^package (\S+)", text, re.MULTILINE)[1]
        classes += [f"{package}.{name}" for name in re.findall(rf"^class ({names})\b", text, re.MULTILINE)]
    assert classes
    class_path = [android_jvm.robolectric_settings("x86_64"), *beside]
    class_path += kotlin.class_path(module, ("test",), flavour, generated)
    opens = (f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in android_jvm.OPENS)
    argv = [
        kotlin.jdk.java,
        *QUICK,
        *opens,
        *android_jvm.robolectric_flags(kotlin),
        f"-Dgoldmask.tests={tests}",
        *flags,
    ]
    argv += ["-cp", os.pathsep.join(map(str, class_path)), "org.junit.runner.JUnitCore", *classes]
    return shell.run(argv, log=logs / f"{module}.junit.log", deadline_s=DEADLINE_S)


def robolectric_app(kotlin: Kotlin, module: str, linked: Linked, folder: Path) -> Path:
    """A folder for the class path that tells Robolectric where an app's parts are, as Gradle's plugin does."""
    path = folder / "com/android/tools/test_config.properties"
    path.parent.mkdir(parents=True)
    assets = kotlin.project.module(module).folder / "src/main/assets"
    shutil.copyfile(linked.apk, folder / "app.apk")
    with zipfile.ZipFile(folder / "app.apk", "a") as archive:  # Robolectric looks for assets nowhere else
        for asset in (asset for asset in sorted(assets.rglob("*")) if asset.is_file()):
            archive.write(asset, f"assets/{asset.relative_to(assets)}")
    path.write_text(
        f"android_merged_manifest={linked.manifest}\nandroid_resource_apk={folder / 'app.apk'}\n"
        f"android_merged_assets={assets}\n"
        f"android_custom_package={kotlin.project.module(module).application.namespace}\n",
        "utf-8",
    )
    return folder


def jvm_context(folder: Path, **choices) -> Context:
    """What a target is given in tests. Skips where this machine has no JDK, as CI does not allow."""
    need("linux", "jdk")
    return context_of(REPO, folder / "logs", **choices)
