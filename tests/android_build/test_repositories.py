"""Which repositories are asked: Central, Google's, a project's own and the mirrors of settings.xml, by real Maven."""

import sys
from pathlib import Path

import pytest
from conftest import REPO
from needs import need

from goldmask.android_build import dependency_lock
from goldmask.android_build.catalogue import Library
from goldmask.android_build.dependency_lock import Wanted, artifacts_of, write_lock
from goldmask.android_build.gradle_dsl import parse
from goldmask.android_build.gradle_files import load_project
from goldmask.android_build.gradle_values import Scope
from goldmask.android_build.repositories import Repositories, Repository, read_repositories
from goldmask.contract.errors import ConfigError

sys.path.insert(0, str(REPO / "tests/android/google_maven"))
import repository

GOOGLES, CORPS = "com.example.google:only-there:1.0", "com.example.corp:only-here:2.0"
SETTINGS = """dependencyResolutionManagement { repositories {
    google()
    mavenCentral()
    maven { url = uri("corp") }
} }
include(":app")
"""


@pytest.fixture
def project(tmp_path):
    """A project with a repository of its own, and a folder that stands in for Google's."""
    folder = tmp_path / "project"
    (folder / "app").mkdir(parents=True)
    (folder / "app/build.gradle.kts").touch()
    (folder / "settings.gradle.kts").write_text(SETTINGS, "utf-8")
    (folder / "gradle").mkdir()
    for place, name in ((tmp_path / "google", GOOGLES), (folder / "corp", CORPS)):
        repository.publish(place, *name.split(":"))
    return load_project(folder)


def lock(project, tmp_path, monkeypatch, google: Path, *names: str):
    """Lock libraries with a Maven that knows Central, and `google` as the mirror of Google's."""
    need("maven")
    repository.home_of_maven(tmp_path / "home", {"google": google}, Path.home() / ".m2/repository")
    monkeypatch.setenv("MAVEN_OPTS", f"-Duser.home={tmp_path / 'home'}")
    monkeypatch.setenv("GOLDMASK_CACHE", str(tmp_path / "cache"))
    wanted = Wanted({name: Library.parse(name) for name in names})
    return write_lock(project.folder, wanted, project.files.repositories(), tmp_path)


@pytest.mark.rig
def test_a_maven_that_knows_only_central_resolves_googles_and_the_projects_own(project, tmp_path, monkeypatch):
    locked = lock(project, tmp_path, monkeypatch, tmp_path / "google", GOOGLES, CORPS)
    found = [str(artifact) for artifact in artifacts_of(locked, [GOOGLES, CORPS])]
    assert found == ["com.example.google:only-there:jar:1.0", "com.example.corp:only-here:jar:2.0"]
    assert dependency_lock.load_lock(project.folder) == locked


@pytest.mark.rig
def test_what_no_repository_has_is_told_with_those_that_were_asked(project, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"no repository has com.example.google:only-there\S* \(asked: central, goog"):
        lock(project, tmp_path, monkeypatch, tmp_path / "empty", GOOGLES)


def read(text: str, *, groovy: bool = False) -> Repositories:
    return read_repositories(parse(text, groovy=groovy), Scope({"base": "https://b"}), Path("/project"))


@pytest.mark.parametrize(
    ("text", "groovy", "url"),
    [
        ('maven("https://a/b")', False, "https://a/b"),
        ('maven(url = "https://a/b")', False, "https://a/b"),
        ('maven { url = uri("https://a/b"); credentials { password = "x" } }', False, "https://a/b"),
        ('maven { setUrl("https://a/b") }', False, "https://a/b"),
        ("maven { url 'https://a/b' }", True, "https://a/b"),
        ('maven { url "$base/c" }', True, "https://b/c"),
        ('maven { url = uri("libs") }', False, "file:///project/libs"),
        ('exclusiveContent { forRepository { maven("https://a/b") } }', False, "https://a/b"),
    ],
)
def test_a_repository_in_its_forms(text, groovy, url):
    found = read(f"repositories {{\n google()\n {text}\n}}", groovy=groovy)
    assert [each.url for each in found.all] == [url] and not found.unread


def test_repositories_of_plugins_are_not_asked_and_unreadable_ones_are_kept():
    assert not read('buildscript { repositories { maven("https://a") } }').all
    found = read("allprojects { repositories { maven(address()) } }")
    assert not found.all and found.unread == ("maven(address()) } }",)


def test_an_id_and_an_address_are_asked_once():
    named = Repositories((Repository("corp", "https://a"), Repository("corp", "https://b")))
    both = Repositories() + named + named
    assert [each.id for each in both.all] == ["central", "google", "corp", "corp-2"]
