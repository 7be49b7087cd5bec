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
 * The golden test of an app: runs what goldmask asks for in a request.json, and writes a bundle.
 *
 * An app inherits it and says in [open] how its segmenter is made; docs/adopt-android.md shows the whole of it. The
 * same class runs on a JVM, by Robolectric, and on a device, by instrumentation. It judges nothing: a model that
 * does not load and an image that does not decode are errors in the bundle, and goldmask compares the masks. The test
 * itself fails only where no bundle can be written.
 */
@RunWith(AndroidJUnit4::class)
abstract class GoldenTest {
    /** The app's segmenter for [model]. What it throws becomes an error of stage `init` in the bundle. */
    protected abstract fun open(model: Model, options: SegmenterOptions): Segmenter

    /** The upright bitmap of an image file; for apps that decode in another way than [ImageFile]. */
    protected open fun decode(name: String, data: ByteArray, orientation: Int?): Bitmap =
        ImageFile.decode(name, data, orientation)

    @Test
    fun golden() {
        val file = File(argument("goldmask.request", "request.json"))
        if (!ON_JVM) tell("goldmask.pid" to Process.myPid().toString())
        val out = bundleFolder(argument("goldmask.out", "the bundle's folder"))
        check(out.isDirectory || out.mkdirs()) { "goldmask.out: the folder $out cannot be made" }
        val request = Request.read(file)
        val folder = file.absoluteFile.parentFile ?: File("/")
        GoldenRun(request, folder, out, ::decode, ::open, ::tell).run()
    }

    /** On a device only the app's own files can be written; a path is then relative to these. */
    private fun bundleFolder(path: String): File = if (ON_JVM) {
        File(path)
    } else {
        InstrumentationRegistry.getInstrumentation().targetContext.filesDir.resolve(path)
    }

    private fun argument(key: String, what: String): String =
        InstrumentationRegistry.getArguments().getString(key) ?: System.getProperty(key)
            ?: error("the path of $what is missing: give it as instrumentation argument or system property $key")

    /** A line for goldmask's progress bar: on stdout of a JVM, as instrumentation status on a device. */
    private fun tell(result: Result) {
        if (ON_JVM) {
            println("""{"case": "${result.case}", "status": "${result.status}"}""")
            return
        }
        tell("goldmask.case" to result.case, "goldmask.status" to result.status)
    }

    private fun tell(vararg values: Pair<String, String>) {
        val status = android.os.Bundle()
        for ((key, value) in values) status.putString(key, value)
        InstrumentationRegistry.getInstrumentation().sendStatus(IN_PROGRESS, status)
    }

    private companion object {
        // AndroidJUnitRunner ends a test with 0 and below; this says that it goes on.
        private const val IN_PROGRESS = 2
    }
}
