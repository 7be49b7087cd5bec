plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.goldmask.app"
    defaultConfig {
        applicationId = "org.goldmask.app"
        targetSdk = 34
        versionCode = 1
        versionName = "0.1"
        ndk {
            abiFilters += listOf("arm64-v8a", "x86_64")
        }
    }
    flavorDimensions += "pipeline"
    productFlavors {
        // Separate apps: a device can have both, and installing one does not replace the other.
        create("libInterpreter") {
            dimension = "pipeline"
            applicationIdSuffix = ".interpreter"
        }
        create("libTaskApi") {
            dimension = "pipeline"
            applicationIdSuffix = ".task"
        }
    }
    sourceSets {
        // The test APK of a flavour has the golden test of its pipeline.
        getByName("androidTestLibInterpreter").kotlin.srcDir("../lib_interpreter/src/sharedTest/kotlin")
        getByName("androidTestLibTaskApi").kotlin.srcDir("../lib_task_api/src/sharedTest/kotlin")
    }
    androidResources {
        noCompress += "tflite" // models are mapped into memory straight from the APK
    }
}

dependencies {
    implementation(project(":segmenter"))
    implementation(libs.bundles.app)
    "libInterpreterImplementation"(project(":lib_interpreter"))
    "libTaskApiImplementation"(project(":lib_task_api"))
    testImplementation(libs.bundles.golden)
    testImplementation(libs.bundles.jvm)
    androidTestImplementation(project(":golden"))
}
