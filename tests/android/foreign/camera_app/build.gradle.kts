plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "com.example.camera"
    sourceSets.getByName("test").kotlin.srcDir("src/sharedTest/kotlin")
    sourceSets.getByName("androidTest").kotlin.srcDir("src/sharedTest/kotlin")
}

dependencies {
    implementation(libs.bundles.inference)
    testImplementation(project(":golden"))
    testImplementation(libs.bundles.jvm)
    androidTestImplementation(project(":golden"))
}
