plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
    alias(libs.plugins.kotlin.serialization)
}

android {
    namespace = "org.goldmask.golden"
}

dependencies {
    api(project(":segmenter"))
    api(libs.bundles.golden)
    testImplementation(libs.bundles.jvm)
}
