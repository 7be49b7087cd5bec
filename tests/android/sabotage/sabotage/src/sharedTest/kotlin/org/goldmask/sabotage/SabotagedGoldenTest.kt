package org.goldmask.sabotage

import android.graphics.Bitmap
import android.graphics.Matrix
import org.goldmask.golden.GoldenTest
import org.goldmask.interpreter.FixedResize
import org.goldmask.interpreter.InputTensor
import org.goldmask.interpreter.InterpreterSegmenter
import org.goldmask.interpreter.OutputMask
import org.goldmask.segmenter.ImageInput
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.SegmenterOptions
import org.goldmask.segmenter.TensorType

/** The real segmenter with the bug that the system property goldmask.sabotage names. */
class SabotagedGoldenTest : GoldenTest() {
    private val bug = checkNotNull(System.getProperty("goldmask.sabotage")) { "set goldmask.sabotage" }

    init {
        require(bug in BUGS) { "goldmask.sabotage: $bug is none of $BUGS" }
    }

    override fun open(model: Model, options: SegmenterOptions) = Sabotaged(model, options, bug)

    override fun decode(name: String, data: ByteArray, orientation: Int?): Bitmap = when (bug) {
        "exif-ignored" -> super.decode(name, data, 1)
        "rotated" -> super.decode(name, data, orientation).turned()
        else -> super.decode(name, data, orientation)
    }

    private fun Bitmap.turned(): Bitmap {
        val quarter = Matrix().apply { postRotate(QUARTER) }
        return Bitmap.createBitmap(this, 0, 0, width, height, quarter, false)
    }

    private companion object {
        const val QUARTER = 90f
        val BUGS =
            setOf(
                "none",
                "bgr",
                "rotated",
                "exif-ignored",
                "zero-to-one",
                "nearest",
                "transposed",
                "shifted-labels",
                "crash",
                "hang"
            )
    }
}

class Sabotaged(private val model: Model, options: SegmenterOptions, private val bug: String) :
    InterpreterSegmenter(model, options) {
    private var images = 0

    override fun resize(image: Bitmap, rgb: ByteArray) {
        images++
        if (bug == "nearest") return nearest(image, rgb)
        super.resize(image, rgb)
    }

    override fun fill(tensor: InputTensor, rgb: ByteArray) {
        when (bug) {
            "bgr" -> super.fill(
                tensor,
                ByteArray(rgb.size) {
                    rgb[it - it % CHANNELS + (CHANNELS - 1 - it % CHANNELS)]
                }
            )
            "zero-to-one" -> {
                val input = model.input
                val wrong =
                    ImageInput(input.height, input.width, TensorType.FLOAT32, floatArrayOf(0f), floatArrayOf(255f))
                val other = InputTensor(wrong).apply { fill(rgb) }
                tensor.bytes.rewind()
                tensor.bytes.put(other.bytes)
                tensor.bytes.rewind()
            }
            else -> super.fill(tensor, rgb)
        }
        if (images == 2 && bug == "crash") crash()
        if (images == 2 && bug == "hang") Thread.sleep(Long.MAX_VALUE)
    }

    override fun read(output: OutputMask): Mask {
        val mask = super.read(output)
        val classes = mask.classes
        return when (bug) {
            "transposed" ->
                Mask(
                    mask.height,
                    mask.width,
                    ByteArray(classes.size) { classes[it % mask.height * mask.width + it / mask.height] }
                )
            "shifted-labels" ->
                Mask(
                    mask.width,
                    mask.height,
                    ByteArray(classes.size) { ((classes[it] + 1) % model.labels.size).toByte() }
                )
            else -> mask
        }
    }

    private fun nearest(image: Bitmap, rgb: ByteArray) {
        val (width, height) = model.input.width to model.input.height
        val scaled = Bitmap.createScaledBitmap(image, width, height, false)
        val pixels = IntArray(width * height)
        scaled.getPixels(pixels, 0, width, 0, 0, width, height)
        FixedResize(width, height, width, height).resize(pixels, rgb)
    }

    /** A write to address 0, as a bug in native code would do. */
    private fun crash() {
        val field = Class.forName("sun.misc.Unsafe").getDeclaredField("theUnsafe").apply { isAccessible = true }
        val unsafe = field.get(null)
        unsafe.javaClass.getMethod("putLong", Long::class.java, Long::class.java).invoke(unsafe, 0L, 0L)
    }

    private companion object {
        const val CHANNELS = 3
    }
}
