package org.goldmask.interpreter

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.floor
import kotlin.math.withSign
import org.goldmask.segmenter.ImageInput
import org.goldmask.segmenter.TensorType

/**
 * RGB bytes as the input tensor of a model; [scale] and [zeroPoint] are its quantisation, used only for int8.
 *
 * float32 is (pixel - mean) / std in float32; uint8 is the pixel; int8 is the float32 value / scale, rounded half away
 * from zero, plus the zero point, clamped. There are only 256 pixel values, so a table has all results.
 */
class InputTensor(private val input: ImageInput, scale: Float = 0f, zeroPoint: Int = 0) {
    private val values = CHANNELS * input.width * input.height

    /** The tensor's bytes in native order, which is little-endian on all Android devices. */
    val bytes: ByteBuffer = ByteBuffer
        .allocateDirect(if (input.type == TensorType.FLOAT32) values * Float.SIZE_BYTES else values)
        .order(ByteOrder.nativeOrder())

    private val normalised = Array(CHANNELS) { channel ->
        val mean = input.mean[if (input.mean.size == 1) 0 else channel]
        val std = input.std[if (input.std.size == 1) 0 else channel]
        FloatArray(LEVELS) { (it - mean) / std }
    }
    private val quantised = Array(CHANNELS) { channel ->
        ByteArray(LEVELS) { quantise(normalised[channel][it] / scale, zeroPoint) }
    }
    private val floats = if (input.type == TensorType.FLOAT32) FloatArray(values) else FloatArray(0)
    private val steps = if (input.type == TensorType.INT8) ByteArray(values) else ByteArray(0)

    /** Fills the tensor from [rgb] and rewinds it. */
    fun fill(rgb: ByteArray) {
        bytes.rewind()
        when (input.type) {
            TensorType.UINT8 -> bytes.put(rgb)
            TensorType.FLOAT32 -> {
                for (index in 0 until values) floats[index] = normalised[index % CHANNELS][rgb[index].toInt() and BYTE]
                bytes.asFloatBuffer().put(floats)
            }
            TensorType.INT8 -> {
                for (index in 0 until values) steps[index] = quantised[index % CHANNELS][rgb[index].toInt() and BYTE]
                bytes.put(steps)
            }
            else -> error("${input.type} is not filled yet")
        }
        bytes.rewind()
    }

    private fun quantise(level: Float, zeroPoint: Int): Byte {
        val rounded = floor(abs(level) + HALF).withSign(level)
        return (rounded + zeroPoint).coerceIn(Byte.MIN_VALUE.toFloat(), Byte.MAX_VALUE.toFloat()).toInt().toByte()
    }

    private companion object {
        const val CHANNELS = 3
        const val LEVELS = 256
        const val BYTE = 0xff
        const val HALF = 0.5f
    }
}
