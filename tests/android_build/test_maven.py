"""Maven's artefacts, what is read of its output, and why it fails."""

import re
import zipfile

import pytest

from goldmask.android_build import maven
from goldmask.android_build.maven import Artifact
from goldmask.android_build.repositories import Repositories, Repository
from goldmask.android_build.versions import later
from goldmask.contract.errors import ConfigError, EnvironmentMissing


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
    tree = maven.parse_tree(text)
    assert [str(artifact) for artifact in tree.chosen] == [
        "androidx.test.ext:junit:jar:1.3.0",
        "androidx.test:core:jar:1.7.0",
        "org.jetbrains.kotlin:kotlin-stdlib:jar:2.1.21",
        "junit:junit:jar:4.13.2",
    ]
    assert {"androidx.annotation:annotation:jar:1.2.0", "org.hamcrest:hamcrest-core:jar:1.3"} <= set(
        map(str, tree.asked)
    )


def test_versions_have_gradles_order():
    ordered = ["1.0-alpha1", "1.0-rc2", "1.0", "1.0.1", "1.9", "1.10", "2.0.0-beta01", "2.0.0"]
    for number, version in enumerate(ordered):
        assert all(later(version, earlier, "") == version for earlier in ordered[: number + 1])


CORP = Repositories((Repository("central", "https://a"), Repository("corp", "https://me:secret@b")))


@pytest.mark.parametrize(
    ("line", "sentence", "fix"),
    [
        ("Could not find artifact g:a:jar:1 in central (https://a)",
         r"no repository has g:a:jar:1 \(asked: central, corp", "correct its version, or name its repository"),
        ("Non-resolvable import POM: g:b:pom:1 was not found in https://a during a previous attempt.",
         "no repository has g:b:pom:1", "name its repository"),
        ("'dependencies.dependency.version' for g:a:jar is missing. @ line 1", "g:a has no version, and no platform",
         "platform"),
        ("Could not transfer artifact g:a:pom:1 from/to corp (https://me:secret@b): Connect timed out",
         "repository 'corp' does not answer", "check the network"),
        ("Something else at https://me:secret@b", "Something else at <repository>", "check the network"),
        ("", "it gave no reason", "check the network"),
    ],
)  # fmt: skip
def test_why_maven_fails_is_told_without_addresses(line, sentence, fix):
    """handwritten: after Maven 3.8."""
    error = maven.failure(f"[INFO] Scanning\n[ERROR] {line}\n" if line else "", CORP)
    assert fix in error.fix and "secret" not in str(error)
    with pytest.raises((ConfigError, EnvironmentMissing), match=sentence):
        raise error


def test_a_repository_whose_address_cannot_be_read_is_told():
    unread = Repositories(CORP.all, ("maven(address())",))
    error = maven.failure("[ERROR] Could not find artifact g:a:jar:1 in central", unread)
    assert "cannot read the address in 'maven(address())'" in error.what


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


def test_centrals_address_is_what_maven_has(tmp_path, monkeypatch):
    """Its own entry comes last, so it is repeated; without it the other repositories are still named."""
    pom = "<project><repositories><repository><id>central</id><url>https://central.example/m2</url></repository>"
    for home, folder in (("plain", "lib"), ("brewed", "libexec/lib")):
        (tmp_path / home / "bin").mkdir(parents=True)
        program = tmp_path / home / "bin/mvn"
        program.write_text("")
        monkeypatch.setattr(maven.shutil, "which", lambda name, program=program: str(program))
        assert maven.central() == ""
        assert re.findall("<id>(.*?)</id>", maven._repositories(Repositories())) == ["google"]
        (tmp_path / home / folder).mkdir(parents=True)
        jar = tmp_path / home / folder / "maven-model-builder-3.9.9.jar"
        jar.write_bytes(b"damaged")
        assert maven.central() == ""
        with zipfile.ZipFile(jar, "w") as archive:
            archive.writestr("org/apache/maven/model/pom-4.0.0.xml", pom)
        assert maven.central() == "https://central.example/m2"
        assert re.findall("<id>(.*?)</id>", maven._repositories(Repositories())) == ["central", "google"]
