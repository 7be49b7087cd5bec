pluginManagement {
    includeBuild("build-logic")
    repositories {
        google()
        mavenCentral()
    }
}
include(":segmentation")

include(":segmenter", ":golden")
apply(from = "../../../../android/goldmask.settings.gradle")
