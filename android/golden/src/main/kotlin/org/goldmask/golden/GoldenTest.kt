package org.goldmask.golden

import android.graphics.Bitmap
import android.os.Process
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import java.io.File
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterOptions
import org.junit.Test
import org.junit.runner.RunWith

/**
 * The golden test of an app: runs a request.json of goldmask and writes a bundle.
 *
 * An app inherits it and creates its segmenter in [open]; docs/adopt-android.md shows a complete example. The same
 * class runs on a JVM with Robolectric, and on a device with instrumentation. It judges nothing: a model that does not
 * load and an image that does not decode are errors in the bundle, and goldmask compares the masks. The test itself
 * fails only if it cannot write a bundle.
 */
@RunWith(AndroidJUnit4::class)
abstract class GoldenTest {
    /** Creates the app's segmenter for [model]. An exception becomes an error of stage `init` in the bundle. */
    protected abstract fun open(model: Model, options: SegmenterOptions): Segmenter

    /** Decodes an image file to an upright bitmap; override it if the app does not decode with [ImageFile]. */
    protected open fun decode(name: String, data: ByteArray, orientation: Int?): Bitmap =
        ImageFile.decode(name, data, orientation)

    @Test
    fun golden() {
        val file = File(argument("goldmask.request", "request.json"))
        if (!ON_JVM) report("goldmask.pid" to Process.myPid().toString())
        val out = bundleFolder(argument("goldmask.out", "the bundle's folder"))
        if (!ON_JVM) out.deleteRecursively() // what an earlier run left must not pass for this one's
        check(out.isDirectory || out.mkdirs()) { "goldmask.out: the folder $out cannot be created" }
        if (!ON_JVM) report("goldmask.out" to out.path)
        val request = Request.read(file)
        val folder = file.absoluteFile.parentFile ?: File("/")
        GoldenRun(request, folder, out, ::decode, ::open, ::reportRuns, onResult = ::report).run()
    }

    /**
     * On a device a path is relative to the app's folder for shared media, which adb's shell can read whether the app
     * is debuggable or not. Where there is no shared storage, it is relative to the app's own files.
     */
    private fun bundleFolder(path: String): File {
        if (ON_JVM) return File(path)
        val app = InstrumentationRegistry.getInstrumentation().targetContext

        @Suppress("DEPRECATION") // in favour of MediaStore, which has no place for a bundle.json
        val shared: File? = app.externalMediaDirs.firstOrNull()
        return (shared ?: app.filesDir).resolve(path)
    }

    private fun argument(key: String, what: String): String =
        InstrumentationRegistry.getArguments().getString(key) ?: System.getProperty(key)
            ?: error("the path of $what is missing: give it as instrumentation argument or system property $key")

    /**
     * Reports a case to goldmask's progress bar: as a line on a JVM's stdout, as instrumentation status on a device.
     */
    private fun report(result: Result) {
        if (ON_JVM) {
            println("""{"case": "${result.case}", "status": "${result.status}"}""")
            return
        }
        report("goldmask.case" to result.case, "goldmask.status" to result.status)
    }

    private fun reportRuns(runs: Int) =
        if (ON_JVM) println("""{"runs": $runs}""") else report("goldmask.runs" to runs.toString())

    private fun report(vararg values: Pair<String, String>) {
        val status = android.os.Bundle()
        for ((key, value) in values) status.putString(key, value)
        InstrumentationRegistry.getInstrumentation().sendStatus(IN_PROGRESS, status)
    }

    private companion object {
        // AndroidJUnitRunner ends a test with 0 and below; this value means that it continues.
        private const val IN_PROGRESS = 2
    }
}
