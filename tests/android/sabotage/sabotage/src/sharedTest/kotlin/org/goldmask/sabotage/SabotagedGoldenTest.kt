package org.goldmask.sabotage

import android.graphics.Bitmap
import android.graphics.Matrix
import java.io.File
import org.goldmask.golden.GoldenTest
import org.goldmask.interpreter.InputTensor
import org.goldmask.interpreter.InterpreterSegmenter
import org.goldmask.interpreter.OutputMask
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.SegmenterOptions

/**
 * The real segmenter with the bug that the system property goldmask.sabotage names.
 *
 * `by-file` is the bug that an image's name begins with: one session runs `bgr--square.png` and `nearest--wide.jpg`.
 */
class SabotagedGoldenTest : GoldenTest() {
    private val named = checkNotNull(System.getProperty("goldmask.sabotage")) { "set goldmask.sabotage" }
    private var bug = named

    init {
        require(named == BY_FILE || named in BUGS) { "goldmask.sabotage: $named is none of $BUGS" }
    }

    override fun open(model: Model, options: SegmenterOptions) = Sabotaged(model, options) { bug }

    override fun decode(name: String, data: ByteArray, orientation: Int?): Bitmap {
        if (named == BY_FILE) bug = File(name).name.substringBefore("--")
        check(bug in BUGS) { "$name: $bug is none of $BUGS" }
        val upright = super.decode(name, data, orientation)
        val exif = orientation ?: ImageFile.orientation(data)
        return when (bug) {
            "exif-ignored" -> super.decode(name, data, 1)
            "exif-twice" -> if (exif == SIDEWAYS) upright.turned(QUARTER) else upright
            "rotated-90" -> upright.turned(QUARTER)
            "rotated-180" -> upright.turned(2 * QUARTER)
            "rotated-270" -> upright.turned(3 * QUARTER)
            "mirrored" -> upright.scaled(-1f, 1f)
            "upside-down" -> upright.scaled(1f, -1f)
            else -> upright
        }
    }

    private fun Bitmap.turned(degrees: Float) = changed(Matrix().apply { postRotate(degrees) })

    private fun Bitmap.scaled(x: Float, y: Float) = changed(Matrix().apply { postScale(x, y) })

    private fun Bitmap.changed(matrix: Matrix) = Bitmap.createBitmap(this, 0, 0, width, height, matrix, false)

    private companion object {
        const val BY_FILE = "by-file"
        const val QUARTER = 90f
        const val SIDEWAYS = 6
        val BUGS =
            setOf("none", "exif-ignored", "exif-twice", "rotated-90", "rotated-180", "rotated-270", "mirrored") +
                setOf("upside-down", "nearest", "platform", "crash", "hang") + Pixels.BUGS + Classes.BUGS
    }
}

class Sabotaged(private val model: Model, options: SegmenterOptions, private val bug: () -> String) :
    InterpreterSegmenter(model, options) {
    private var images = 0

    override fun resize(image: Bitmap, rgb: ByteArray) {
        images++
        when (bug()) {
            "nearest" -> Pixels.scaled(image, model.input, filter = false, rgb)
            "platform" -> Pixels.scaled(image, model.input, filter = true, rgb)
            "centre-crop" -> super.resize(Pixels.middle(image), rgb)
            else -> super.resize(image, rgb)
        }
    }

    override fun fill(tensor: InputTensor, rgb: ByteArray) {
        super.fill(tensor, rgb)
        Pixels.fill(bug(), tensor, rgb, model.input)
        if (images == 2 && bug() == "crash") crash()
        if (images == 2 && bug() == "hang") Thread.sleep(Long.MAX_VALUE)
    }

    override fun read(output: OutputMask): Mask = Classes.changed(bug(), super.read(output), model.labels.size)

    /** A write to address 0, as a bug in native code would do. */
    private fun crash() {
        val field = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe").apply { isAccessible = true }
        val unsafe = field.get(null)
        unsafe.javaClass.getMethod("putLong", Long::class.java, Long::class.java).invoke(unsafe, 0L, 0L)
    }
}
