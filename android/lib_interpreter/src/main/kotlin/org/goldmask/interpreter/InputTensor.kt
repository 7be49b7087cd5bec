package org.goldmask.interpreter

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.floor
import kotlin.math.withSign
import org.goldmask.segmenter.Colours
import org.goldmask.segmenter.Fourth
import org.goldmask.segmenter.ImageInput
import org.goldmask.segmenter.Layout
import org.goldmask.segmenter.Steps
import org.goldmask.segmenter.TensorType

/**
 * RGB bytes as the image tensor of a model; [scale] and [zeroPoint] are its quantisation, 0 for none.
 *
 * float32 is (pixel - mean) / std in float32, and float16 that value, rounded to even. Integers are the float32 value /
 * scale, rounded half away from zero, plus the zero point, clamped; but uint8 may be the pixels as they are. A fourth
 * channel holds 0, or what becomes of 255 for alpha, as images are opaque. There are only 256 pixel values, so a table
 * has all results.
 */
class InputTensor(private val input: ImageInput, private val scale: Float = 0f, private val zeroPoint: Int = 0) {
    private val pixels = input.width * input.height
    private val takesPixels = input.type == TensorType.UINT8 && input.steps == Steps.PIXELS
    private val size = when (input.type) {
        TensorType.FLOAT32, TensorType.INT32 -> Int.SIZE_BYTES
        TensorType.FLOAT16, TensorType.INT16 -> Short.SIZE_BYTES
        TensorType.UINT8, TensorType.INT8 -> 1
    }

    /** The tensor's bytes in native order, which is little-endian on all Android devices. */
    val bytes: ByteBuffer = ByteBuffer.allocateDirect(size * input.depth * pixels).order(ByteOrder.nativeOrder())

    private val tables = Array(input.colours.channels) { channel -> IntArray(LEVELS) { element(it, channel) } }
    private val elements = IntArray(input.depth * pixels)
    private val shorts = if (size == Short.SIZE_BYTES) ShortArray(elements.size) else ShortArray(0)
    private val single = if (size == 1) ByteArray(elements.size) else ByteArray(0)

    init {
        input.fourth?.let { fourth ->
            val channel = input.depth - 1
            val last = if (fourth == Fourth.ALPHA) element(LEVELS - 1, channel) else bits(0f)
            for (pixel in 0 until pixels) elements[start(channel) + pixel * step] = last
        }
    }

    private val step get() = if (input.layout == Layout.NHWC) input.depth else 1

    private fun start(channel: Int) = if (input.layout == Layout.NHWC) channel else channel * pixels

    /** Fills the tensor from [rgb] and rewinds it. */
    fun fill(rgb: ByteArray) {
        val gray = if (input.colours == Colours.GRAY) gray(rgb) else rgb
        val stride = if (input.colours == Colours.GRAY) 1 else RGB
        for (channel in tables.indices) {
            val table = tables[channel]
            var from = if (input.colours == Colours.BGR) RGB - 1 - channel else channel
            var to = start(channel)
            for (pixel in 0 until pixels) {
                elements[to] = table[gray[from].toInt() and BYTE]
                from += stride
                to += step
            }
        }
        bytes.rewind()
        when (size) {
            Int.SIZE_BYTES -> bytes.asIntBuffer().put(elements)
            Short.SIZE_BYTES -> {
                for (index in elements.indices) shorts[index] = elements[index].toShort()
                bytes.asShortBuffer().put(shorts)
            }
            else -> {
                for (index in elements.indices) single[index] = elements[index].toByte()
                bytes.put(single)
            }
        }
        bytes.rewind()
    }

    /** By ITU-R 601's weights in 65536ths. */
    private fun gray(rgb: ByteArray) = ByteArray(pixels) {
        val (red, green, blue) = List(RGB) { channel -> rgb[RGB * it + channel].toInt() and BYTE }
        (RED * red + GREEN * green + BLUE * blue + HALF_WEIGHT shr WEIGHT_BITS).toByte()
    }

    private fun element(pixel: Int, channel: Int): Int {
        if (takesPixels) return pixel
        val mean = input.mean[if (input.mean.size == 1) 0 else channel]
        val std = input.std[if (input.std.size == 1) 0 else channel]
        return bits((pixel - mean) / std)
    }

    /** What the tensor holds of a normalised value, as the low bits of an Int. */
    private fun bits(value: Float): Int = when (input.type) {
        TensorType.FLOAT32 -> value.toRawBits()
        TensorType.FLOAT16 -> HalfFloat.bits(value)
        TensorType.UINT8 -> quantise(value, 0f, 255f)
        TensorType.INT8 -> quantise(value, -128f, 127f)
        TensorType.INT16 -> quantise(value, -32768f, 32767f)
        TensorType.INT32 -> quantise(value, -2147483648f, INT32_MAX)
    }

    private fun quantise(value: Float, lowest: Float, highest: Float): Int {
        val level = if (scale == 0f) value else value / scale
        val rounded = floor(abs(level) + HALF).withSign(level)
        return (rounded + zeroPoint).coerceIn(lowest, highest).toInt()
    }

    private companion object {
        const val RGB = 3
        const val LEVELS = 256
        const val BYTE = 0xff
        const val HALF = 0.5f
        const val RED = 19595
        const val GREEN = 38470
        const val BLUE = 7471
        const val WEIGHT_BITS = 16
        const val HALF_WEIGHT = 1 shl 15

        /** The greatest float32 that is an Int. */
        const val INT32_MAX = 2147483520f
    }
}
