plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}
dependencies {
    implementation("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.8.1")
    implementation(Deps.TFLITE)
}
