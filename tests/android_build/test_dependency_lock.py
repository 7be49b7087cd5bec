"""The dependency lock: what is wanted, what is read, what is refused, and that only Maven's verified bytes are used."""

import hashlib
import os
import shutil

import pytest
from conftest import REPO

from goldmask.android_build import dependency_lock
from goldmask.android_build.catalogue import Library
from goldmask.android_build.dependency_lock import (
    LOCK,
    Lock,
    Wanted,
    artifacts_of,
    fetch_artifacts,
    load_lock,
    wanted_by,
    wanted_by_goldmask,
    write_lock,
)
from goldmask.android_build.gradle_files import load_project, own_catalogue
from goldmask.android_build.maven import Artifact, Tree
from goldmask.android_build.repositories import Repositories
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


def test_our_lock_has_all_that_our_gradle_files_want_and_pins_it():
    lock, wanted = load_lock(ANDROID), wanted_by_goldmask(load_project(ANDROID))
    assert set(lock.dependencies) == {*wanted.together, *wanted.alone}
    assert {name for names in lock.dependencies.values() for name in names} == lock.sha256.keys()
    for name, roots in {**{name: (root,) for name, root in wanted.together.items()}, **wanted.alone}.items():
        chosen = {artifact.key: artifact.version for artifact in artifacts_of(lock, [name])}
        assert [chosen[root.group, root.name] for root in roots] == [root.version for root in roots]


def test_what_is_used_together_agrees_on_versions():
    lock = load_lock(ANDROID)
    together = [name for name in lock.dependencies if not name.startswith(("tool-", "runtime-"))]
    keys = [artifact.key for artifact in artifacts_of(lock, together)]
    assert len(keys) == len(set(keys))


def test_a_lock_that_lacks_what_the_gradle_files_name_is_stale(locked):
    with pytest.raises(ConfigError, match="no 'g:a:2': the Gradle files have changed since") as caught:
        artifacts_of(load_lock(locked), ["junit:junit:4.13.2", "g:a:2"])
    assert caught.value.fix == "./goldmask android.lock"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[sha256]", "[sha257]", "cannot be used"),
        ('"junit:junit:jar:4.13.2" = "', '"junit:junit:jar:4.13.2" = "x', "cannot be used"),
        ('"junit:junit:jar:4.13.2" = ', '"junit:junit:jar:4.13.3" = ', "has no sha256 of junit:junit:jar:4.13.2"),
        ("[dependencies]", "[dependencies", "cannot be used"),
    ],
)
def test_a_damaged_lock_is_refused(locked, old, new, sentence):
    edit(locked / LOCK, old, new)
    with pytest.raises(ConfigError, match=sentence):
        load_lock(locked)


def test_no_lock(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load_lock(tmp_path)


# Resolving: what a stand-in for Maven is asked, and what comes of its answers.


class FakeMaven:
    """Knows what each library needs, with versions; brings files of their own names. Keeps what it was asked."""

    def __init__(self, monkeypatch, needs: dict[str, list[str]]) -> None:
        self.needs, self.asked = needs, []
        monkeypatch.setattr(dependency_lock.maven, "resolve", self.resolve)
        monkeypatch.setattr(dependency_lock.maven, "copy", self.copy)
        monkeypatch.setattr(dependency_lock.maven, "with_packaging", lambda artifacts, *_: {a: a for a in artifacts})

    def resolve(self, groups, platforms, repositories, logs, on_group):
        self.asked.append({name: dict(fixed) for name, (_, fixed) in groups.items()})
        trees = {}
        for number, (name, (roots, fixed)) in enumerate(groups.items()):
            on_group(number)
            asked = [artifact for root in roots for artifact in self.all_of(f"{root.group}:{root.name}:{root.version}")]
            chosen = {each.key: Artifact(*each.key, "jar", fixed.get(each.key, each.version)) for each in asked}
            trees[name] = Tree(list(chosen.values()), asked)
        return trees

    def all_of(self, name: str) -> list[Artifact]:
        group, artifact, version = name.split(":")
        needed = [each for other in self.needs.get(name, []) for each in self.all_of(other)]
        return [Artifact(group, artifact, "jar", version), *needed]

    def copy(self, artifacts, folder, *_):
        folder.mkdir(parents=True, exist_ok=True)
        paths = {artifact: folder / str(artifact) for artifact in artifacts}
        for artifact, path in paths.items():
            path.write_text(str(artifact), "utf-8")
        return paths


def libraries(*names: str) -> dict[str, Library]:
    return {name: Library.parse(name) for name in names}


def locked_versions(lock: Lock, name: str) -> list[str]:
    return [f"{each.name} {each.version}" for each in artifacts_of(lock, [name])]


def test_the_highest_version_that_anything_asks_for_holds_for_all(tmp_path, empty_cache, monkeypatch):
    maven = FakeMaven(monkeypatch, {"g:a:1": ["g:c:1"], "g:b:1": ["g:c:1.10"], "g:c:1.10": ["g:d:1"]})
    heard = []
    wanted = Wanted(libraries("g:a:1", "g:b:1"), alone={"runtime-old": (Library.parse("g:c:1"),)})
    lock = write_lock(tmp_path, wanted, Repositories(), tmp_path, lambda *progress: heard.append(progress))
    assert locked_versions(lock, "g:a:1") == ["a 1", "c 1.10"]
    assert locked_versions(lock, "g:b:1") == ["b 1", "c 1.10", "d 1"]
    assert locked_versions(lock, "runtime-old") == ["c 1"]
    assert load_lock(tmp_path) == lock and all(path.is_file() for path in fetch_artifacts(lock, [], tmp_path).values())
    assert maven.asked[0] == {"g:a:1": {}, "g:b:1": {}}
    # Each round is a step that begins and ends: a run of a minute is not silent.
    assert ("resolve libraries, round 1", 0, 2) in heard and ("resolve libraries, round 1", 2, 2) in heard


def test_an_empty_group_needs_nothing(tmp_path, empty_cache, monkeypatch):
    FakeMaven(monkeypatch, {})
    lock = write_lock(tmp_path, Wanted(alone={"runtime-none": ()}), Repositories(), tmp_path)
    assert lock.dependencies == {"runtime-none": ()} and artifacts_of(lock, ["runtime-none"]) == []


def test_a_newer_kotlin_brings_its_compiler_and_an_older_one_does_not(tmp_path, empty_cache, monkeypatch):
    own = own_catalogue().version("kotlin")
    FakeMaven(monkeypatch, {})
    for version, compiler in (("9.0.0", ["kotlin-compiler-embeddable 9.0.0"]), ("1.9.0", [])):
        standard = f"org.jetbrains.kotlin:kotlin-stdlib:{version}"
        lock = write_lock(tmp_path, Wanted(libraries(standard), compose=True), Repositories(), tmp_path)
        found = locked_versions(lock, "tool-compiler")[:1] if "tool-compiler" in lock.dependencies else []
        assert found == compiler
        newest = version if compiler else own
        assert locked_versions(lock, "tool-compose") == [f"kotlin-compose-compiler-plugin-embeddable {newest}"]


def test_what_never_settles_is_an_error(tmp_path, empty_cache, monkeypatch):
    maven = FakeMaven(monkeypatch, {})
    rounds = iter(range(100))
    monkeypatch.setattr(maven, "all_of", lambda name: [Artifact("g", "a", "jar", str(next(rounds)))])
    monkeypatch.setattr(dependency_lock.maven, "resolve", maven.resolve)
    with pytest.raises(RunError, match="did not settle"):
        write_lock(tmp_path, Wanted(libraries("g:a:1")), Repositories(), tmp_path)


def test_what_a_foreign_golden_test_wants_is_its_own_and_goldmasks_part():
    project = load_project(REPO / "tests/android/foreign", ["camera_app"])
    wanted = wanted_by(project, ["camera_app"])
    assert {"org.tensorflow:tensorflow-lite:2.14.0", "org.robolectric:robolectric:4.16"} <= set(wanted.together)
    assert "junit:junit:4.13.2" in wanted.together and not wanted.alone


# Fetching: what the lock has, and nothing else.


def small_lock(sha256: str) -> Lock:
    return Lock(dependencies={"one": ("g:a:jar:1",)}, sha256={"g:a:jar:1": sha256})


# A stand-in for `mvn`: puts a file where the POM in its folder wants it.
COPIES = """folder=$(sed -n 's:.*<outputDirectory>\\(.*\\)</outputDirectory>.*:\\1:p' pom.xml)
mkdir -p "$folder"; printf 'jar' > "$folder/a-1.jar"; echo "[INFO] Copying a-1.jar to $folder/a-1.jar" """


@pytest.mark.rig
def test_maven_is_asked_once_and_never_for_what_is_there(tmp_path, empty_cache, monkeypatch):
    fake_maven(tmp_path, monkeypatch, COPIES)
    lock = small_lock(hashlib.sha256(b"jar").hexdigest())
    heard = []
    for _ in range(2):
        files = fetch_artifacts(
            lock, artifacts_of(lock, ["one"]), tmp_path, lambda what, done, total: heard.append((done, total))
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
        fetch_artifacts(lock, artifacts_of(lock, ["one"]), tmp_path)
    assert not list(empty_cache.rglob("*.jar"))


@pytest.mark.rig
def test_mavens_own_reason_is_told_without_addresses(tmp_path, empty_cache, monkeypatch):
    fake_maven(
        tmp_path, monkeypatch, "echo '[ERROR] Could not find artifact g:a in corp (https://me:secret@repo/x)'; exit 1"
    )
    lock = small_lock("0" * 64)
    with pytest.raises(ConfigError, match=r"no repository has g:a \(asked: central, google\)") as caught:
        fetch_artifacts(lock, artifacts_of(lock, ["one"]), tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.rig
def test_a_maven_that_brings_nothing_is_no_success(tmp_path, empty_cache, monkeypatch):
    fake_maven(tmp_path, monkeypatch, "exit 0")
    lock = small_lock("0" * 64)
    with pytest.raises(RunError, match="did not bring g:a:jar:1"):
        fetch_artifacts(lock, artifacts_of(lock, ["one"]), tmp_path)


def test_without_maven(tmp_path, empty_cache, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    lock = small_lock("0" * 64)
    with pytest.raises(EnvironmentMissing, match="Maven") as caught:
        fetch_artifacts(lock, artifacts_of(lock, ["one"]), tmp_path)
    assert "apt-get install maven" in caught.value.fix
