"""The Gradle-free builder: what it compiles, what it does not compile again, and what it says when it cannot."""

import shutil

import pytest
from conftest import REPO
from needs import need

from goldmask.android_build.dependency_lock import load_lock
from goldmask.android_build.gradle_files import load_project
from goldmask.android_build.jdk import find_jdk
from goldmask.android_build.kotlin import Kotlin
from goldmask.contract.errors import EnvironmentMissing, RunError


@pytest.fixture
def builder(tmp_path):
    """Makes a builder of a project with modules `lib` and `app`, the latter on the former."""
    shutil.copytree(REPO / "android/gradle", tmp_path / "gradle")
    (tmp_path / "settings.gradle.kts").write_text('include(":app", ":lib")', "utf-8")
    write(tmp_path, "lib/build.gradle.kts", "kotlin { compilerOptions { allWarningsAsErrors = true } }")
    write(tmp_path, "app/build.gradle.kts", 'dependencies {\n    implementation(project(":lib"))\n}')
    write(tmp_path, "lib/src/main/kotlin/Lib.kt", "package lib\ninternal val secret = 1\nfun answer() = 42\n")
    write(tmp_path, "app/src/main/java/app/Old.java", "package app; public class Old { public int x = App.TWICE; }")
    write(tmp_path, "app/src/main/kotlin/App.kt", "package app\nobject App { const val TWICE = 2\n val old = Old() }\n")

    need("jdk", "maven")

    def make() -> Kotlin:
        return Kotlin(load_project(tmp_path), load_lock(tmp_path), find_jdk(), tmp_path / "logs")

    return make


def write(folder, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_kotlin_and_java_of_all_modules(builder):
    first, second, *_, android = builder().class_path("app")
    assert {path.name for path in first.rglob("*.class")} == {"App.class", "Old.class"}
    assert (second / "lib/LibKt.class").is_file()
    assert android.name.startswith("android-all")


def test_only_what_changed_is_built_again(builder, tmp_path):
    app, lib, *_ = builder().class_path("app")
    made = {path: path.stat().st_mtime_ns for path in (app, lib)}
    assert builder().class_path("app")[:2] == [app, lib]
    write(tmp_path, "app/src/main/kotlin/App.kt", "package app\nobject App { const val TWICE = 3\n val old = Old() }\n")
    changed, same, *_ = builder().class_path("app")
    assert changed != app and same == lib
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_tests_see_what_is_internal(builder, tmp_path):
    write(tmp_path, "lib/src/test/kotlin/LibTest.kt", "package lib\nfun look() = secret\n")
    tests, main, *_ = builder().class_path("lib", ("test",))
    assert (tests / "lib/LibTestKt.class").is_file() and (main / "lib/LibKt.class").is_file()


def test_a_warning_is_an_error_where_the_module_says_so(builder, tmp_path):
    careless = '@Deprecated("no") fun old() = 1\nfun now() = old()\n'
    write(tmp_path, "app/src/main/kotlin/App.kt", f"package app\nobject App {{ const val TWICE = 2 }}\n{careless}")
    builder().class_path("app")
    write(tmp_path, "lib/src/main/kotlin/Lib.kt", f"package lib\n{careless}")
    with pytest.raises(RunError, match=r"lib does not compile: .*Lib.kt:3:.*is deprecated") as caught:
        builder().class_path("app")
    assert "lib.kotlinc.log" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("app/src/main/kotlin/App.kt", "package app\nobject App { val x: Int = nothing }\n", "unresolved reference"),
        ("app/src/main/java/app/Old.java", "package app; public class Old { int x = ; }", "Old.java:1"),
    ],
)
def test_the_compilers_own_words_are_told(builder, tmp_path, name, text, sentence):
    write(tmp_path, name, text)
    with pytest.raises(RunError, match=f"app does not compile: .*{sentence}"):
        builder().class_path("app")


def test_a_jdk_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentMissing, match="has no bin/java") as caught:
        find_jdk()
    assert "openjdk-17" in caught.value.fix


@pytest.mark.rig
@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("java.specification.version = 11", "is Java 11; 17 or later"),
        ("java.specification.version = 1.8", "is Java 8; 17 or later"),
        ("nonsense", "of an unknown version"),
        ("java.specification.version = 17", "without a compiler"),
    ],
)
def test_a_jdk_that_does_not_do(tmp_path, monkeypatch, said, sentence):
    """handwritten: what java -XshowSettings:properties -version says, one line of it."""
    write(tmp_path, "bin/java", f"#!/bin/sh\necho '    {said}' >&2\necho '    java.home = {tmp_path}' >&2\n")
    (tmp_path / "bin/java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentMissing, match=sentence):
        find_jdk()
