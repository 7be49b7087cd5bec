pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
    }
    versionCatalogs {
        // The name that golden and segmenter call it by, here and in the projects of other apps.
        create("goldmask") { from(files("gradle/libs.versions.toml")) }
    }
}

rootProject.name = "goldmask-android"

include(":segmenter", ":golden", ":lib_interpreter", ":lib_task_api", ":app")
