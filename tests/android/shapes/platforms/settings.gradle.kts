pluginManagement {
    repositories {
        google {
            content {
                includeGroupByRegex("com\\.android.*")
                includeGroupByRegex("com\\.google.*")
                includeGroupByRegex("androidx.*")
            }
        }
        mavenCentral()
        gradlePluginPortal()
    }
}
dependencyResolutionManagement {
    repositoriesMode.set(RepositoriesMode.FAIL_ON_PROJECT_REPOS)
    repositories {
        google()
        mavenCentral()
        maven("https://maven.example.com/releases") {
            name = "corp"
            credentials {
                username = "me"
            }
        }
        maven { url = uri("local-repository") }
    }
}

include(":segmentation")

include(":segmenter", ":golden")
apply(from = "../../../../android/goldmask.settings.gradle")
