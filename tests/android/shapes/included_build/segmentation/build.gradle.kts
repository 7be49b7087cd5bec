plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}
dependencies {
    implementation("com.example:tensors:1.0")
}
