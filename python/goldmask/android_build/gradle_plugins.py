"""Plugins of Gradle modules: those that goldmask's builder knows, and those that are beyond its reach, by name."""

PLAIN = frozenset(
    (
        "com.android.application",
        "com.android.library",
        "java",
        "java-library",
        "org.jetbrains.kotlin.android",
        "org.jetbrains.kotlin.jvm",
    )
)
APPLICATION = "com.android.application"
SERIALIZATION = "org.jetbrains.kotlin.plugin.serialization"
COMPOSE = "org.jetbrains.kotlin.plugin.compose"
SHORT = {
    "android": "com.android.application",
    "android-library": "com.android.library",
    "kotlin": "org.jetbrains.kotlin.jvm",
    "kotlin-android": "org.jetbrains.kotlin.android",
    "kotlin-kapt": "org.jetbrains.kotlin.kapt",
    "kotlin-multiplatform": "org.jetbrains.kotlin.multiplatform",
    "kotlin-parcelize": "org.jetbrains.kotlin.plugin.parcelize",
    "kotlinx-serialization": SERIALIZATION,
}
# They check, publish or measure, and give no source set a class.
BESIDE = frozenset(
    (
        "androidx.baselineprofile",
        "base",
        "binary-compatibility-validator",
        "com.autonomousapps.dependency-analysis",
        "com.diffplug.spotless",
        "com.dropbox.dependency-guard",
        "com.github.ben-manes.versions",
        "com.google.firebase.appdistribution",
        "com.google.firebase.crashlytics",
        "com.google.firebase.firebase-perf",
        "com.google.gms.google-services",
        "com.google.android.gms.oss-licenses-plugin",
        "com.osacky.doctor",
        "com.vanniktech.maven.publish",
        "de.undercouch.download",
        "idea",
        "io.gitlab.arturbosch.detekt",
        "jacoco",
        "maven-publish",
        "org.gradle.android.cache-fix",
        "org.jetbrains.dokka",
        "org.jetbrains.kotlinx.binary-compatibility-validator",
        "org.jetbrains.kotlinx.kover",
        "org.jlleitschuh.gradle.ktlint",
        "org.sonarqube",
        "project-report",
        "signing",
    )
)
GENERATES = {
    "androidx.navigation.safeargs": "generates code (Safe Args)",
    "androidx.navigation.safeargs.kotlin": "generates code (Safe Args)",
    "androidx.room": "generates code (Room)",
    "app.cash.sqldelight": "generates code (SQLDelight)",
    "com.apollographql.apollo": "generates code (Apollo)",
    "com.apollographql.apollo3": "generates code (Apollo)",
    "com.chaquo.python": "builds Python into the app",
    "com.google.dagger.hilt.android": "generates code (Hilt)",
    "dagger.hilt.android.plugin": "generates code (Hilt)",
    "com.google.devtools.ksp": "generates code (KSP)",
    "com.google.protobuf": "generates code (protobuf)",
    "com.squareup.wire": "generates code (Wire)",
    "com.squareup.sqldelight": "generates code (SQLDelight)",
    "org.jetbrains.kotlin.kapt": "generates code (kapt)",
    "org.jetbrains.kotlin.android.extensions": "generates code (Kotlin's Android extensions)",
    "org.jetbrains.kotlin.plugin.parcelize": "generates code (Parcelize)",
    "org.mozilla.rust-android-gradle.rust-android": "compiles native code",
}
MULTIPLATFORM = frozenset(("org.jetbrains.kotlin.multiplatform", "com.android.kotlin.multiplatform.library"))
COMPOSE_MULTIPLATFORM = "org.jetbrains.compose"


def full_id(plugin: str) -> str:
    """The whole id of a plugin that has a short one."""
    return SHORT.get(plugin, plugin)


def why_not(plugin: str, builds: tuple[str, ...], has_build_src: bool) -> str:
    """Why a module with this plugin cannot be compiled here; empty for one that can.

    `builds` are the included builds of the project, from which the plugin may come; so may it from buildSrc.
    """
    if plugin in PLAIN or plugin in BESIDE or plugin in (SERIALIZATION, COMPOSE):
        return ""
    if plugin in MULTIPLATFORM:
        return f"plugin {plugin!r} makes it a Kotlin Multiplatform module, and goldmask compiles Android and JVM ones"
    if plugin in GENERATES:
        return f"plugin {plugin!r} {GENERATES[plugin]}, and goldmask runs no generators"
    if plugin == COMPOSE_MULTIPLATFORM:
        return f"plugin {plugin!r} is Compose Multiplatform's, which goldmask does not compile"
    origins = [*(f'includeBuild("{name}")' for name in builds), *(["buildSrc"] if has_build_src else [])]
    origin = f" (of {' or '.join(origins)}?)" if origins else ""
    return f"plugin {plugin!r} is a convention plugin or one that goldmask does not know{origin}"
