plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}
android {
    namespace = "com.example.app"
    defaultConfig {
        applicationId = "com.example.app"
        minSdk = 26
        targetSdk = 34
        ndk { abiFilters += setOf("x86_64") }
    }
    flavorDimensions += "price"
    productFlavors {
        create("paid") {
            dimension = "price"
            applicationIdSuffix = ".paid"
        }
        create("free") { dimension = "price" }
    }
    buildTypes {
        getByName("debug") { applicationIdSuffix = ".debug" }
        release { isMinifyEnabled = true }
    }
}
dependencies {
    "paidImplementation"(project(":segmentation"))
}
