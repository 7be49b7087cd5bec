plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.goldmask.sabotage"
}

dependencies {
    implementation(project(":lib_interpreter"))
    testImplementation(project(":golden"))
    testImplementation(libs.bundles.jvm)
}
