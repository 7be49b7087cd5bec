plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.goldmask.interpreter"
}

dependencies {
    api(project(":segmenter"))
    implementation(libs.bundles.lib.interpreter)
    testImplementation(project(":golden"))
    testImplementation(libs.bundles.jvm)
    androidTestImplementation(project(":golden"))
}
