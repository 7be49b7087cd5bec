plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}
android {
    namespace = "com.example.segmentation"
    flavorDimensions += listOf("price", "where")
    productFlavors {
        register("paid") {
            dimension = "price"
            isDefault = true
        }
        register("free") { dimension = "price" }
        create("cloud") { dimension = "where" }
        create("atHome") { dimension = "where" }
    }
}
val paidImplementation by configurations
dependencies {
    implementation(libs.tensorflow.lite)
    paidImplementation(libs.kotlinx.coroutines.core)
    "freeImplementation"("com.example:only-free:1")
    "atHomeDebugImplementation"(project(":extra"))
    debugImplementation(libs.androidx.core.ktx)
    releaseImplementation("com.example:only-release:1")
    "cloudReleaseImplementation"(project(":nowhere"))
}
