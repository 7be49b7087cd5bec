"""Projects as people have them (tests/android/shapes): what is read of each, or by which words it is refused."""

from dataclasses import dataclass

import pytest
from conftest import REPO

from goldmask.android_build.dependency_lock import wanted_by
from goldmask.android_build.gradle_files import TESTS, Project, load_project, own_catalogue
from goldmask.contract.errors import ConfigError

SHAPES = REPO / "tests/android/shapes"
TFLITE = "org.tensorflow:tensorflow-lite:2.16.1"
COROUTINES = "org.jetbrains.kotlinx:kotlinx-coroutines-core:1.8.1"


@dataclass(frozen=True)
class Read:
    """What is read of a shape: the module with the golden test, modules it needs, and libraries beside goldmask's."""

    module: str
    libraries: set[str]
    modules: tuple[str, ...] = ()


READ = {
    "compose_app": Read("segmentation", {TFLITE, COROUTINES}),
    "groovy_app": Read(
        "segmentation",
        {
            TFLITE,
            COROUTINES,
            "org.tensorflow:tensorflow-lite-gpu:2.16.1 ! org.tensorflow:tensorflow-lite-gpu-api",
            "androidx.test:runner:1.6.1",
        },
    ),
    "catalogue_and_strings": Read(
        "feature:segmentation",
        {
            TFLITE,
            COROUTINES,
            "org.tensorflow:tensorflow-lite-gpu-api:2.14.0",
            "org.jetbrains.kotlinx:kotlinx-coroutines-android:1.8.1",
            "androidx.annotation:annotation:1.7.0",
            "androidx.exifinterface:exifinterface:1.3.7",
            "org.jetbrains.kotlin:kotlin-reflect:2.1.21",
        },
        ("core:image-data",),
    ),
    "library_with_resources": Read("segmentation", {TFLITE, COROUTINES}),
    "flavours": Read("segmentation", {TFLITE, COROUTINES, "androidx.core:core-ktx:1.13.1"}, ("extra",)),
    "platforms": Read(
        "segmentation",
        {
            f"{TFLITE} ! org.tensorflow:tensorflow-lite-api",
            "org.jetbrains.kotlinx:kotlinx-coroutines-core by androidx.compose:compose-bom:2024.09.00"
            " by org.jetbrains.kotlinx:kotlinx-coroutines-bom:1.8.1",
        },
    ),
    "java_only": Read(
        "core",
        {
            "com.google.guava:guava:33.4.8-jre",
            "org.yaml:snakeyaml:2.4",
            "com.google.auto.value:auto-value-annotations:1.11.0",
            "org.junit.jupiter:junit-jupiter by org.junit:junit-bom:5.10.0",
        },
    ),
    "shared_scripts": Read(
        "segmentation",
        {
            TFLITE,
            COROUTINES,
            "org.jetbrains.kotlinx:kotlinx-coroutines-android:1.8.1",
            "androidx.annotation:annotation:1.7.0",
        },
    ),
    "several_catalogues": Read("segmentation", {"org.tensorflow:tensorflow-lite:2.14.0"}),
    "compose_single_module": Read(
        "app",
        {
            TFLITE,
            "androidx.core:core-ktx:1.13.1",
            "androidx.compose.material3:material3 by androidx.compose:compose-bom:2024.09.00",
        },
    ),
}
REFUSED = {
    "task_library_sample": ("app", r"app/build.gradle:16: viewBinding generates code \(view binding\)"),
    "multiplatform": ("shared", r"kts:2: plugin 'org.jetbrains.kotlin.multiplatform' makes it a Kotlin Multiplatform"),
    "build_src": ("segmentation", r"kts:7: goldmask cannot read 'implementation\(Deps.TFLITE\)': .*buildSrc"),
    "convention_plugin": (
        "segmentation",
        r"kts:2: plugin 'example.android.library' is a convention plugin .* \(of includeBuild\(\"build-logic\"\)\?\)",
    ),
    "included_build": ("segmentation", r"com.example:tensors:1.0 may come from includeBuild\(\"../tensors\"\)"),
    "generated_code": ("segmentation", r"kts:4: plugin 'com.google.devtools.ksp' generates code \(KSP\)"),
}


def project_of(shape: str, module: str) -> Project:
    return load_project(SHAPES / shape, [module])


def goldmasks_part(project: Project) -> set[str]:
    own = own_catalogue()
    libraries = {*own.bundle("golden"), *own.bundle("jvm"), project.standard_library}
    return set(map(str, libraries))


def test_every_shape_is_here():
    assert {path.name for path in SHAPES.iterdir() if path.is_dir()} == {*READ, *REFUSED}


@pytest.mark.parametrize("shape", READ)
def test_a_project_is_read_as_it_is(shape):
    expected = READ[shape]
    project = project_of(shape, expected.module)
    wanted = wanted_by(project, [expected.module])
    assert set(wanted.together) - goldmasks_part(project) == expected.libraries
    assert goldmasks_part(project) <= set(wanted.together)
    needed = [module.name for module in project.needed_by(expected.module, *TESTS)]
    assert needed == [*expected.modules, "segmenter", "golden", expected.module]


@pytest.mark.parametrize("shape", REFUSED)
def test_what_is_beyond_reach_is_refused_by_name_with_the_way_out(shape):
    module, sentence = REFUSED[shape]
    project = project_of(shape, module)
    with pytest.raises(ConfigError, match=sentence) as caught:
        wanted_by(project, [module])
    assert "move the segmenter into a plain library module" in caught.value.fix


@pytest.mark.parametrize("shape", [*READ, *REFUSED])
def test_two_lines_in_the_settings_are_all(shape):
    """Nothing else in any Gradle file of a shape is about goldmask."""
    lines = [
        line
        for path in (SHAPES / shape).rglob("*")
        if path.suffix in (".gradle", ".kts", ".toml", ".properties") and not path.name.endswith(".lock.toml")
        for line in path.read_text("utf-8").splitlines()
        if "goldmask" in line or ":golden" in line or ":segmenter" in line
    ]
    assert len(lines) == 2


def test_a_project_needs_not_even_the_two_lines(tmp_path):
    """They are for Gradle and Android Studio; a module of the app's own with one of the names is left alone."""
    for name, text in {
        "settings.gradle.kts": 'include(":segmenter")',
        "segmenter/build.gradle.kts": 'plugins { id("com.android.library") }\ndependencies { api("g:a:1") }',
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    project = load_project(tmp_path, ["segmenter"])
    needed = project.needed_by("segmenter", *TESTS)
    assert [module.name for module in needed] == ["goldmask:segmenter", "golden", "segmenter"]
    assert needed[-1].folder == tmp_path / "segmenter" and needed[0].folder == REPO / "android/segmenter"
    assert "g:a:1" in wanted_by(project, ["segmenter"]).together


def test_applications_and_their_flavours():
    flavours = project_of("flavours", "segmentation")
    app, flavour = flavours.application_of("segmentation")
    assert (app.name, flavour) == ("app", "paid")
    assert app.application_in("paid").application_id == "com.example.app.paid.debug"
    assert app.application_in("free").application_id == "com.example.app.debug"
    segmentation = flavours.module("segmentation")
    assert segmentation.source_sets() == ("main", "paid", "atHome", "paidAtHome", "debug", "paidAtHomeDebug")
    groovy, flavour = project_of("groovy_app", "segmentation").application_of("segmentation")
    application = groovy.application_in(flavour)
    assert (application.application_id, application.version_code) == ("com.example.camera.debug", 3)
    assert (application.abis, application.stored) == (("arm64-v8a", "x86_64"), ("tflite",))
    assert (application.min_sdk, application.target_sdk) == (26, 34)


def test_an_application_that_goldmask_cannot_compile_is_still_found_for_gradle():
    app, flavour = project_of("compose_app", "segmentation").application_of("segmentation")
    assert app.application_in(flavour).test_id == "com.example.photos.test"
    assert app.beyond and "Hilt" in app.beyond.what


def test_compose_brings_its_compiler_and_its_opt_ins():
    project = project_of("compose_single_module", "app")
    assert wanted_by(project, ["app"]).compose and not wanted_by(project_of("platforms", "segmentation"), []).compose
    assert project.module("app").kotlin_flags == ("-opt-in=androidx.compose.material3.ExperimentalMaterial3Api",)


def test_the_repositories_are_central_googles_and_the_projects_own():
    repositories = project_of("platforms", "segmentation").files.repositories()
    assert [repository.id for repository in repositories.all][:3] == ["central", "google", "corp"]
    local = repositories.all[3]
    assert local.url == (SHAPES / "platforms/local-repository").as_uri() and not repositories.unread
    groovy = project_of("groovy_app", "segmentation").files.repositories()
    assert [repository.url for repository in groovy.all[2:]] == ["https://maven.example.com/releases"]
