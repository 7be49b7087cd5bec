package org.goldmask.golden

import android.os.Build
import java.io.File

/** Whether this is Robolectric's Android on a JVM. */
internal val ON_JVM: Boolean = Build.FINGERPRINT == "robolectric"

/** Where this process runs, for the bundle. */
internal fun target(): Target = if (ON_JVM) {
    Target(
        name = "android-jvm",
        kind = "jvm",
        platform = "android",
        abi = System.getProperty("goldmask.abi") ?: System.getProperty("os.arch").orEmpty(),
        os = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT}) by Robolectric on " +
            "${System.getProperty("os.name")} ${System.getProperty("os.version")}",
    )
} else {
    Target(
        name = "android-device",
        kind = if (isEmulator()) "emulator" else "device",
        platform = "android",
        abi = Build.SUPPORTED_ABIS.first(),
        os = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})",
        device = "${Build.MANUFACTURER} ${Build.MODEL}",
    )
}

private fun isEmulator() = Build.HARDWARE in setOf("goldfish", "ranchu") || Build.PRODUCT.startsWith("sdk_")

/** What else may explain a difference or a time. */
internal fun environment(): Map<String, String> = buildMap {
    put("kotlin", KotlinVersion.CURRENT.toString())
    if (ON_JVM) {
        put("java", "${System.getProperty("java.vm.name")} ${System.getProperty("java.version")}")
        put("graphics", System.getProperty("robolectric.graphicsMode") ?: "default")
        System.getProperty("goldmask.emulated")?.let { put("emulated", it) }
    } else {
        put("fingerprint", Build.FINGERPRINT)
    }
}

/** The largest memory this process had so far, in MB; null where the kernel does not tell. */
internal fun memoryPeakMb(): Double? = runCatching {
    File("/proc/self/status").readLines().first { it.startsWith("VmHWM:") }
        .filter(Char::isDigit).toDouble() / KIB_PER_MB
}.getOrNull()

private const val KIB_PER_MB = 1024
