"""The Kotlin tests of the Android modules, on this machine's JVM; and what keeps the Kotlin in shape."""

import os
import re

import pytest
from conftest import REPO, edited_samples
from jvm import builder, run_junit

from goldmask.android_build.jdk import QUICK
from goldmask.machine import shell

pytestmark = pytest.mark.rig

MODULES = {("golden", ""): 32, ("lib_interpreter", ""): 9, ("app", "libInterpreter"): 21, ("app", "libTaskApi"): 21}


@pytest.mark.parametrize(("module", "flavour"), MODULES)
def test_the_modules_own_tests(module, flavour, tmp_path):
    done = run_junit(builder(tmp_path), module, tmp_path, flavour=flavour)
    assert done.code == 0, done.stdout
    assert int(re.search(r"OK \((\d+) tests?\)", done.stdout)[1]) >= MODULES[module, flavour]


@pytest.mark.parametrize(
    ("module", "name", "old", "new"),
    [
        ("golden", "samples/request.json", '"threads": 2', '"threads": 0'),
        ("golden", "samples/bundle.json", '"kind": "device"', '"kindd": "device"'),
        ("golden", "vectors/preprocess.json", '"orientation":3', '"orientation":4'),
        ("lib_interpreter", "vectors/preprocess.json", "[0,0,0,30,61,47", "[0,0,0,31,61,47"),
        ("lib_interpreter", "vectors/tensors.json", '"channels":"bgr"', '"channels":"rgb"'),
    ],
)
def test_an_edited_sample_breaks_them(module, name, old, new, tmp_path):
    tests = edited_samples(tmp_path / "tests", name, old, new)
    done = run_junit(builder(tmp_path), module, tmp_path, tests=tests)
    assert done.code == 1 and "Failures: " in done.stdout, done.stdout


def ktlint(tmp_path, *patterns: str, cwd=REPO) -> shell.Finished:
    """ktlint's verdict on the files of patterns; it parses Gradle's .kts files as well."""
    kotlin = builder(tmp_path)
    jars = os.pathsep.join(map(str, kotlin.libraries(["tool-ktlint"])))
    argv = [kotlin.jdk.java, *QUICK, "-cp", jars, "com.pinterest.ktlint.Main", *patterns]
    return shell.run(argv, log=tmp_path / "ktlint.log", deadline_s=300, cwd=cwd)


def test_ktlint_has_nothing_to_say(tmp_path):
    done = ktlint(tmp_path, "android/**/*.kt", "android/**/*.kts", "tests/android/**/*.kt", "tests/android/**/*.kts")
    assert done.code == 0, done.stdout + done.log_tail()


@pytest.mark.parametrize(
    ("name", "text"),
    [("Bad.kt", "package a\nfun  x( ) = 1;\n"), ("build.gradle.kts", "plugins {\n    alias(libs.plugins.x\n}\n")],
)
def test_ktlint_would_say_something(tmp_path, name, text):
    """An ill-formatted file, and a Gradle file that does not parse."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / name).write_text(text, "utf-8")
    assert ktlint(tmp_path, "src/**", cwd=tmp_path).code == 1
