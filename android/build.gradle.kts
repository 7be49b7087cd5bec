import com.android.build.api.dsl.CommonExtension
import org.jetbrains.kotlin.gradle.dsl.JvmTarget
import org.jetbrains.kotlin.gradle.dsl.KotlinAndroidProjectExtension

plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.android.library) apply false
    alias(libs.plugins.kotlin.android) apply false
    alias(libs.plugins.kotlin.serialization) apply false
}

// What all modules share. goldmask's own builder reads allWarningsAsErrors here too.
subprojects {
    plugins.withId("org.jetbrains.kotlin.android") {
        extensions.configure<KotlinAndroidProjectExtension> {
            compilerOptions {
                jvmTarget = JvmTarget.JVM_17
                allWarningsAsErrors = true
            }
        }
        extensions.configure<CommonExtension<*, *, *, *, *, *>>("android") {
            compileSdk = 34
            defaultConfig {
                minSdk = 26
                testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
            }
            compileOptions {
                sourceCompatibility = JavaVersion.VERSION_17
                targetCompatibility = JavaVersion.VERSION_17
            }
            // The golden test of a module is the same on a JVM and on a device.
            sourceSets.getByName("test").kotlin.srcDir("src/sharedTest/kotlin")
            sourceSets.getByName("androidTest").kotlin.srcDir("src/sharedTest/kotlin")
            testOptions.unitTests {
                isIncludeAndroidResources = true
                all {
                    it.systemProperty("goldmask.tests", rootDir.resolve("../tests").path)
                    it.systemProperty("robolectric.enabledSdks", "34")
                    it.systemProperty("robolectric.graphicsMode", "NATIVE")
                }
            }
        }
    }
}
