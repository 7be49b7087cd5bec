package org.goldmask.golden

import android.os.Process
import java.io.File
import java.util.concurrent.TimeUnit

/**
 * What TensorFlow Lite's native code logged since this was made: it says there, and only there, how many of a graph's
 * nodes a delegate really took.
 */
internal class DelegateLog {
    // On a JVM goldmask names a file to which the native libraries' log goes; on a device there is logcat.
    private val file = System.getenv("GOLDMASK_NATIVE_LOG")?.let(::File)
    private val seen = text().length

    /** `xnnpack`, `gpu`, `nnapi` or `cpu`; null where there is no log to ask. */
    fun delegate(): String? {
        val said = text().takeIf { it.length >= seen }?.substring(seen) ?: return null
        val taken = REPLACING.findAll(said).lastOrNull { it.groupValues[1] != "0" }
        return when {
            taken != null -> NAMES.entries.firstOrNull { it.key in taken.groupValues[2] }?.value ?: taken.groupValues[2]
            // Older runtimes tell only that there is a delegate.
            CREATED in said -> "xnnpack"
            file != null || STARTED in said -> "cpu"
            else -> null
        }
    }

    private fun text(): String = when {
        file != null -> if (file.isFile) file.readText() else ""
        ON_JVM -> ""
        else -> logcat()
    }

    private fun logcat(): String {
        val process = ProcessBuilder("logcat", "-d", "-v", "raw", "--pid=${Process.myPid()}").start()
        val text = process.inputStream.bufferedReader().readText()
        process.waitFor(DEADLINE_S, TimeUnit.SECONDS)
        process.destroy()
        return text
    }

    private companion object {
        val REPLACING = Regex("""Replacing (\d+) out of \d+ node\(s\) with delegate \((\w+)\)""")
        val NAMES =
            mapOf("Xnn" to "xnnpack", "XNN" to "xnnpack", "Gpu" to "gpu", "Nnapi" to "nnapi", "NNAPI" to "nnapi")
        const val CREATED = "Created TensorFlow Lite XNNPACK delegate"
        const val STARTED = "Initialized TensorFlow Lite runtime"
        const val DEADLINE_S = 10L
    }
}
