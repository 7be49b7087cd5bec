"""Version catalogues: every form of a library and a version, and a sentence for each that is wrong."""

import pytest

from goldmask.android_build.catalogue import Library, load_catalogue
from goldmask.contract.errors import ConfigError

CATALOGUE = """
[versions]
plain = "1.0"
rich = { strictly = "[1.7, 1.9[", prefer = "1.8.1" }
required = { require = "2.0" }

[libraries]
by-module = { module = "g:a", version.ref = "plain" }
by_group = { group = "g", name = "b", version.ref = "rich" }
as-string = "g:c:3.0"
from-platform = { module = "g:d" }
literal = { module = "g:e", version = { require = "4.0" } }
of-required = { group = "g", name = "f", version.ref = "required" }
no-module = { name = "x", version = "1" }
no-version = { module = "g:x", version.ref = "nowhere" }
dynamic = "g:x:1.+"
ranged = { module = "g:x", version = { strictly = "[1,2)" } }
classified = "g:a:1:sources"
number = 3
strange = { module = "not a module" }

[bundles]
all = ["by-module", "by_group"]
none = []
broken = ["by-module", "absent"]
wrong = "by-module"

[plugins]
kotlin-android = { id = "org.jetbrains.kotlin.android", version.ref = "plain" }
short = "a.b:1"
versionless = { id = "a.c" }
bad = { version = "1" }
"""


@pytest.fixture
def catalogue(tmp_path):
    (tmp_path / "libs.versions.toml").write_text(CATALOGUE, "utf-8")
    return load_catalogue(tmp_path / "libs.versions.toml")


@pytest.mark.parametrize(
    ("accessor", "library"),
    [
        ("by.module", "g:a:1.0"),
        ("by.group", "g:b:1.8.1"),
        ("as.string", "g:c:3.0"),
        ("from.platform", "g:d"),
        ("literal", "g:e:4.0"),
        ("of.required", "g:f:2.0"),
    ],
)
def test_a_library_in_its_forms(catalogue, accessor, library):
    assert str(catalogue.library(accessor)) == library


def test_bundles_versions_and_plugins(catalogue):
    assert [str(library) for library in catalogue.bundle("all")] == ["g:a:1.0", "g:b:1.8.1"]
    assert catalogue.bundle("none") == ()
    assert (catalogue.version("rich"), catalogue.version("plain")) == ("1.8.1", "1.0")
    assert catalogue.plugin("kotlin.android") == ("org.jetbrains.kotlin.android", "1.0")
    assert (catalogue.plugin("short"), catalogue.plugin("versionless")) == (("a.b", "1"), ("a.c", ""))


@pytest.mark.parametrize(
    ("accessor", "sentence"),
    [
        ("absent", r"it has no 'absent' in \[libraries\]"),
        ("no.module", """library 'no-module': it needs module = "group:name", or group and name"""),
        ("no.version", r"library 'no-version': \[versions\] has no 'nowhere'"),
        ("dynamic", "g:x:1.\\+ has no exact version"),
        ("ranged", "has no exact version, and a lock needs one"),
        ("classified", "has a classifier"),
        ("number", "neither a string nor a table"),
        ("strange", "it needs module"),
    ],
)
def test_a_wrong_library_is_named_when_it_is_asked_for(catalogue, accessor, sentence):
    with pytest.raises(ConfigError, match=sentence) as caught:
        catalogue.library(accessor)
    assert "libs.versions.toml" in caught.value.what


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda found: found.bundle("broken"), r"bundle 'broken' names 'absent', which \[libraries\] does not have"),
        (lambda found: found.bundle("wrong"), "bundle 'wrong' is not a list"),
        (lambda found: found.bundle("kotlin-stdlib"), r"it has no 'kotlin-stdlib' in \[bundles\]"),
        (lambda found: found.version("absent"), r"it has no 'absent' in \[versions\]"),
        (lambda found: found.plugin("bad"), "plugin 'bad' has no id"),
    ],
)
def test_wrong_bundles_versions_and_plugins(catalogue, ask, sentence):
    with pytest.raises(ConfigError, match=sentence):
        ask(catalogue)


@pytest.mark.parametrize("text", ["[versions", "libraries = 3\n", "\x00"])
def test_no_catalogue(tmp_path, text):
    path = tmp_path / "libs.versions.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="is not a version catalogue"):
        load_catalogue(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_catalogue(tmp_path / "nowhere.toml")


def test_a_library_without_some_of_what_it_needs():
    library = Library.parse("g:a:1@aar").without(("x:y",)).without(("x:*", "x:y"))
    assert str(library) == "g:a:1 ! x:* ! x:y"
