package org.goldmask.golden

import android.os.Process
import java.io.File
import java.util.concurrent.TimeUnit

/** The delegate that runs a graph, `cpu` for none; [nodes] is null if the log does not name them. */
internal data class Delegation(val delegate: String, val nodes: DelegatedNodes? = null)

/**
 * What TensorFlow Lite's native code has logged since this object was created. Only the log says how many of a graph's
 * nodes a delegate really took.
 */
internal class DelegateLog {
    // On a JVM goldmask names a file for the native libraries' log; a device has logcat.
    private val file = System.getenv("GOLDMASK_NATIVE_LOG")?.let(::File)
    private val seen = text().length

    /** What runs the graph; null if there is no log. */
    fun delegation(): Delegation? {
        val logged = text().takeIf { it.length >= seen }?.substring(seen) ?: return null
        return read(logged, isWhole = file != null)
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

    companion object {
        // Loops and branches are separate subgraphs, which runtimes after 2.16 name; the model's own is the first.
        private val REPLACING =
            Regex("""Replacing (\d+)(?: out of (\d+))? node\(s\) with delegate \((\w+)\)(?!.* for subgraph [1-9])""")
        private val NAMES =
            mapOf("Xnn" to "xnnpack", "XNN" to "xnnpack", "Gpu" to "gpu", "Nnapi" to "nnapi", "NNAPI" to "nnapi")
        private const val CREATED = "Created TensorFlow Lite"
        private const val STARTED = "Initialized TensorFlow Lite runtime"
        private const val DEADLINE_S = 10L

        /**
         * What [text] says about the last graph; null if it says nothing and is not the whole log.
         *
         * TensorFlow Lite creates a delegate that takes no node like any other, but then logs nothing more about it: on
         * Android every version logs what a delegate replaces, in production builds too.
         */
        fun read(text: String, isWhole: Boolean): Delegation? {
            // The remaining nodes may go to another delegate, with a separate line.
            val most = REPLACING.findAll(text).maxByOrNull { it.groupValues[1].toInt() }
            if (most == null || most.groupValues[1].toInt() == 0) {
                return Delegation("cpu").takeIf { isWhole || STARTED in text || CREATED in text }
            }
            val (taken, all, name) = most.destructured
            return Delegation(
                NAMES.entries.firstOrNull { it.key in name }?.value ?: name,
                all.toIntOrNull()?.let { DelegatedNodes(taken.toInt(), it) } // 2.9 does not log the total
            )
        }
    }
}
