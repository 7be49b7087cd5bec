plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "com.example.segmentation"
    compileSdk = 34

    defaultConfig {
        minSdk = 26
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
        consumerProguardFiles("consumer-rules.pro")
    }

    buildTypes {
        release {
            isMinifyEnabled = false
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }
    kotlinOptions {
        jvmTarget = "17"
    }
}

dependencies {
    implementation(projects.core.imageData)
    implementation(libs.bundles.tensorflow)
    implementation(libs.bundles.nothing.yet)
    implementation("org.jetbrains.kotlinx:kotlinx-coroutines-android:${libs.versions.coroutines.get()}")
    listOf(libs.kotlinx.coroutines.core, libs.annotation).forEach { implementation(it) }
    add("implementation", "androidx.exifinterface:exifinterface:1.3.7")
    implementation(kotlin("reflect"))
    implementation("junit", "junit", "4.13.2")
    releaseImplementation(libs.not.there)
}
