plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.goldmask.task"
}

dependencies {
    api(project(":segmenter"))
    implementation(libs.bundles.lib.task.api)
    testImplementation(project(":golden"))
    testImplementation(libs.bundles.jvm)
    androidTestImplementation(project(":golden"))
}
