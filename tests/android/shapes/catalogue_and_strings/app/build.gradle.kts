plugins {
    id("com.android.application")
    kotlin("android")
}
dependencies {
    implementation(projects.feature.segmentation)
}
