plugins {
    // Without versions: in an app's project they are the app's.
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
    id("org.jetbrains.kotlin.plugin.serialization")
}

android {
    namespace = "org.goldmask.golden"
}

dependencies {
    api(project(":segmenter"))
    api(goldmask.bundles.golden)
    testImplementation(goldmask.bundles.jvm)
}
