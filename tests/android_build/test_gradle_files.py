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
dependencies {
    implementation(project(":library"))
    api(libs.bundles.lib.interpreter)
    "freeImplementation"(project(":extra"))
    testImplementation(libs.bundles.jvm) // implementation("a:b:1")
}
kotlin { compilerOptions { allWarningsAsErrors = true } }
"""


def test_modules_and_their_dependencies(project):
    folder = project('include(":app", ":library")\ninclude(":extra")', app=APP, library="", extra="")
    read = load_project(folder)
    assert list(read.modules) == ["app", "library", "extra"]
    app = read.module("app")
    assert app.bundles("api", "implementation") == ("lib-interpreter",)
    assert app.bundles("testImplementation") == ("jvm",)
    assert app.modules("freeImplementation") == ("extra",)
    assert app.warnings_are_errors and not read.module("library").warnings_are_errors
    assert [module.name for module in read.needed_by("app")] == ["library", "app"]
    assert [module.name for module in read.needed_by("app", "freeImplementation")] == ["library", "extra", "app"]


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
        ('include(":app:nested")', {}, "reads no nested modules"),
        ('include(":app")', {}, "cannot be read: No such file"),
        ('include(":app")', {"app": 'dependencies { \n implementation("a:b:1")\n }'}, "cannot read 'implementation("),
        ('include(":app")', {"app": "dependencies {\n api(libs.junit)\n}"}, "cannot read 'api(libs.junit)'"),
    ],
)
def test_what_cannot_be_read_is_an_error(project, settings, builds, sentence):
    with pytest.raises(ConfigError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        load_project(project(settings, **builds))


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
