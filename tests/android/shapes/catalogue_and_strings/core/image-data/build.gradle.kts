plugins {
    `java-library`
    alias(libs.plugins.kotlin.jvm)
}
dependencies {
    api(libs.annotation)
}
