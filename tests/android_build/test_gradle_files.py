"""What goldmask's builder reads of Gradle files, and that what it cannot read is an error."""

import pytest

from goldmask.android_build.gradle_files import load_project
from goldmask.contract.errors import ConfigError


@pytest.fixture
def project(tmp_path):
    """Makes a project of build files: `settings`, then the text of each module's."""

    def make(settings: str, **builds: str):
        (tmp_path / "settings.gradle.kts").write_text(settings, "utf-8")
        for name, text in builds.items():
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "build.gradle.kts").write_text(text, "utf-8")
        return tmp_path

    return make


APP = """
android { productFlavors { create("free") } }
dependencies {
    implementation(project(":library"))
    api("a:b:1")
    "freeImplementation"(project(":extra"))
    testImplementation("c:d:2") // implementation("a:b:1")
}
kotlin { compilerOptions { allWarningsAsErrors = true } }
"""


def test_modules_and_their_dependencies(project):
    folder = project('include(":app", ":library")\ninclude(":extra")', app=APP, library="", extra="")
    read = load_project(folder)
    assert read.names == ("app", "library", "extra")
    app = read.module("app")
    assert app.named("api", "implementation") == ("a:b:1",)
    assert app.named("testImplementation") == ("c:d:2",)
    assert app.modules("implementation") == ("library", "extra") and app.modules() == ("extra",)
    assert app.warnings_are_errors and not read.module("library").warnings_are_errors
    assert [module.name for module in read.needed_by("app")] == ["library", "extra", "app"]


def test_a_module_may_lie_elsewhere(project, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "build.gradle.kts").write_text("", "utf-8")
    folder = project('include(":golden")\nproject(":golden").projectDir = file("elsewhere")')
    assert load_project(folder).module("golden").folder == other


@pytest.mark.parametrize(
    ("settings", "builds", "sentence"),
    [
        ("", {}, "includes no module"),
        ('include(":app")', {}, "cannot be read: there is no such file"),
        ('include(":app")', {"app": "dependencies {\n api(libs.junit)\n}"}, "cannot read 'api(libs.junit)'"),
        ('include(":app")', {"app": 'dependencies {\n api("a:1.+:3")\n}'}, ":2: goldmask cannot read .*is not group"),
        ('include(":app")', {"app": 'dependencies {\n api("a:b:1.+")\n}'}, "has no exact version"),
        ('include(":app")', {"app": "dependencies {\n api(Deps.core)\n}"}, "cannot read 'api(Deps.core)'"),
        ('include(":app")', {"app": "dependencies {\n"}, "line 1: a { is not closed"),
        ('include(":app")', {"app": 'dependencies {\n api("a:b'}, "line 2: a string is not closed"),
    ],
)
def test_what_cannot_be_read_is_an_error(project, settings, builds, sentence):
    with pytest.raises(ConfigError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        load_project(project(settings, **builds)).module("app")


def test_no_settings_at_all(tmp_path):
    with pytest.raises(ConfigError, match=r"settings.gradle.kts cannot be read"):
        load_project(tmp_path)


def test_a_module_that_is_not_there_and_a_circle(project):
    needs = 'dependencies {{\n implementation(project(":{}"))\n}}'
    folder = project('include(":a", ":b")', a=needs.format("b"), b=needs.format("a"))
    with pytest.raises(ConfigError, match="need each other: a → b → a"):
        load_project(folder).needed_by("a")
    with pytest.raises(ConfigError, match="no module 'c'"):
        load_project(folder).needed_by("c")
