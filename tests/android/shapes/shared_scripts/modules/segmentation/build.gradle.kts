apply(from = "../../dependencies.gradle")

dependencies {
    val annotations = "androidx.annotation:annotation:1.7.0"
    "implementation"(annotations)
    "api"("org.jetbrains.kotlinx:kotlinx-coroutines-android:${rootProject.extra["coroutinesVersion"]}")
}
