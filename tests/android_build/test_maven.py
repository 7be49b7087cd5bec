"""The dependency lock: what is read, what is refused, and that only Maven's verified bytes are used."""

import hashlib
import os
import shutil
import zipfile

import pytest
from conftest import REPO

from goldmask.android_build import maven
from goldmask.android_build.maven import Artifact
from goldmask.contract.errors import ConfigError, EnvironmentMissing, RunError

ANDROID = REPO / "android"


@pytest.fixture
def locked(tmp_path):
    """A copy of the example app's catalogue and lock."""
    shutil.copytree(ANDROID / "gradle", tmp_path / "gradle")
    return tmp_path


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A cache with nothing in it."""
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fake_maven(tmp_path, monkeypatch, script: str) -> None:
    """A `mvn` on PATH that runs `script`; what Maven really does is proven by every Android test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mvn").write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    (folder / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def edit(path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_the_lock_belongs_to_the_catalogue_and_pins_everything():
    lock = maven.load_lock(ANDROID)
    assert lock.bundles.keys() == maven.load_catalogue(ANDROID).keys()
    names = {name for bundle in lock.bundles.values() for name in bundle}
    assert names == lock.sha256.keys()
    for bundle, roots in maven.load_catalogue(ANDROID).items():
        locked = {artifact.key: artifact.version for artifact in maven.artifacts_of(lock, [bundle])}
        assert [locked[root.key] for root in roots] == [root.version for root in roots]


def test_bundles_that_are_used_together_agree_on_versions():
    lock = maven.load_lock(ANDROID)
    together = [bundle for bundle in lock.bundles if not bundle.startswith(maven.ALONE)]
    keys = [artifact.key for artifact in maven.artifacts_of(lock, together)]
    assert len(keys) == len(set(keys))


def test_a_changed_catalogue_makes_the_lock_stale(locked):
    edit(locked / maven.CATALOGUE, 'tensorflow-lite = "2.16.1"', 'tensorflow-lite = "2.14.0"')
    with pytest.raises(ConfigError, match="was not made from .* as it is now") as caught:
        maven.load_lock(locked)
    assert caught.value.fix == "./goldmask android.lock"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[sha256]", "[sha257]", "cannot be used"),
        ('"junit:junit:jar:4.13.2" = "', '"junit:junit:jar:4.13.2" = "x', "cannot be used"),
        ('"junit:junit:jar:4.13.2" = ', '"junit:junit:jar:4.13.3" = ', "has no sha256 of junit:junit:jar:4.13.2"),
        ("[bundles]", "[bundles", "cannot be used"),
    ],
)
def test_a_damaged_lock_is_refused(locked, old, new, sentence):
    edit(locked / maven.LOCK, old, new)
    with pytest.raises(ConfigError, match=sentence):
        maven.load_lock(locked)


def test_no_lock_and_no_catalogue(locked):
    (locked / maven.LOCK).unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        maven.load_lock(locked)
    (locked / maven.CATALOGUE).unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        maven.load_catalogue(locked)


def test_a_catalogue_that_names_nothing(locked):
    edit(locked / maven.CATALOGUE, 'jvm = ["robolectric"]', 'jvm = ["roboelectric"]')
    with pytest.raises(ConfigError, match="roboelectric"):
        maven.load_catalogue(locked)


@pytest.mark.parametrize("words", ["a:b:jar", "a:b:jar:../../x", "a:b:jar:1:x", "-a:b:jar:1", "a:b:jar:"])
def test_coordinates_are_checked(words):
    with pytest.raises(ConfigError, match="is not group:name:type:version"):
        Artifact.parse(words)


def test_a_tree_says_what_is_chosen_and_what_was_asked_for():
    """recorded: maven-dependency-plugin 3.8.1, dependency:tree -Dverbose, shortened."""
    text = """org.goldmask:dependencies:pom:1
+- androidx.test.ext:junit:jar:1.3.0:compile
|  +- androidx.test:core:jar:1.7.0:compile
|  |  \\- (androidx.annotation:annotation:jar:1.7.0:compile - version managed from 1.2.0; omitted for duplicate)
|  \\- org.jetbrains.kotlin:kotlin-stdlib:jar:2.1.21:compile (version managed from 1.9.21)
\\- junit:junit:jar:4.13.2:compile
   \\- (org.hamcrest:hamcrest-core:jar:1.3:compile - omitted for conflict with 2.2)
"""
    chosen, asked = maven.parse_tree(text)
    assert [str(artifact) for artifact in chosen] == [
        "androidx.test.ext:junit:jar:1.3.0",
        "androidx.test:core:jar:1.7.0",
        "org.jetbrains.kotlin:kotlin-stdlib:jar:2.1.21",
        "junit:junit:jar:4.13.2",
    ]
    assert {"androidx.annotation:annotation:jar:1.2.0", "org.hamcrest:hamcrest-core:jar:1.3"} <= set(map(str, asked))


def small_lock(sha256: str) -> maven.Lock:
    return maven.Lock(catalogue="0" * 64, bundles={"one": ("g:a:jar:1",)}, sha256={"g:a:jar:1": sha256})


# A stand-in for `mvn`: puts a file where the POM in its folder wants it.
COPIES = """folder=$(sed -n 's:.*<outputDirectory>\\(.*\\)</outputDirectory>.*:\\1:p' pom.xml)
mkdir -p "$folder"; printf 'jar' > "$folder/a-1.jar"; echo "[INFO] Copying a-1.jar to $folder/a-1.jar" """


@pytest.mark.rig
def test_maven_is_asked_once_and_never_for_what_is_there(tmp_path, empty_cache, monkeypatch):
    fake_maven(tmp_path, monkeypatch, COPIES)
    lock = small_lock(hashlib.sha256(b"jar").hexdigest())
    heard = []
    for _ in range(2):
        files = maven.fetch_artifacts(
            lock, maven.artifacts_of(lock, ["one"]), tmp_path, lambda what, done, total: heard.append((done, total))
        )
        (path,) = files.values()
        assert path.read_bytes() == b"jar" and path.is_relative_to(empty_cache)
        (tmp_path / "bin/mvn").unlink(missing_ok=True)
    assert heard == [(0, 1), (1, 1), (1, 1)]


@pytest.mark.rig
def test_other_bytes_than_locked_are_refused(tmp_path, empty_cache, monkeypatch):
    fake_maven(tmp_path, monkeypatch, COPIES)
    lock = small_lock("0" * 64)
    with pytest.raises(EnvironmentMissing, match="a-1.jar has sha256"):
        maven.fetch_artifacts(lock, maven.artifacts_of(lock, ["one"]), tmp_path)
    assert not list(empty_cache.rglob("*.jar"))


@pytest.mark.rig
def test_mavens_own_reason_is_told_without_addresses(tmp_path, empty_cache, monkeypatch):
    fake_maven(
        tmp_path, monkeypatch, "echo '[ERROR] Could not find artifact g:a in corp (https://me:secret@repo/x)'; exit 1"
    )
    lock = small_lock("0" * 64)
    with pytest.raises(EnvironmentMissing, match="Could not find artifact g:a in corp") as caught:
        maven.fetch_artifacts(lock, maven.artifacts_of(lock, ["one"]), tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.rig
def test_a_maven_that_brings_nothing_is_no_success(tmp_path, empty_cache, monkeypatch):
    fake_maven(tmp_path, monkeypatch, "exit 0")
    lock = small_lock("0" * 64)
    with pytest.raises(RunError, match="did not bring g:a:jar:1"):
        maven.fetch_artifacts(lock, maven.artifacts_of(lock, ["one"]), tmp_path)


def test_without_maven(tmp_path, empty_cache, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    lock = small_lock("0" * 64)
    with pytest.raises(EnvironmentMissing, match="Maven") as caught:
        maven.fetch_artifacts(lock, maven.artifacts_of(lock, ["one"]), tmp_path)
    assert "apt-get install maven" in caught.value.fix


def test_an_unknown_bundle():
    with pytest.raises(ConfigError, match="no bundle 'two'"):
        maven.artifacts_of(small_lock("0" * 64), ["two"])


def test_an_aar_is_unpacked_once(tmp_path):
    aar = tmp_path / "a-1.aar"
    with zipfile.ZipFile(aar, "w") as archive:
        archive.writestr("classes.jar", b"classes")
        archive.writestr("jni/x86_64/liba.so", b"library")
    artifact = Artifact("g", "a", "aar", "1")
    assert maven.class_path({artifact: aar}) == [tmp_path / "a-1/classes.jar"]
    assert maven.native_libraries({artifact: aar}, "x86_64") == [tmp_path / "a-1/jni/x86_64/liba.so"]
    assert maven.native_libraries({artifact: aar}, "arm64-v8a") == []
    aar.unlink()
    assert maven.unpack_aar(aar) == tmp_path / "a-1"
