package org.goldmask.sabotage

import android.graphics.Bitmap
import org.goldmask.interpreter.FixedResize
import org.goldmask.interpreter.InputTensor
import org.goldmask.segmenter.ImageInput

/** Bugs on the way from a bitmap to a float32 tensor. */
internal object Pixels {
    private const val CHANNELS = 3
    private const val BYTE = 0xff
    private val RANGES = mapOf(
        "zero-to-one" to (floatArrayOf(0f) to floatArrayOf(255f)),
        "raw" to (floatArrayOf(0f) to floatArrayOf(1f)),
        "by-256" to (floatArrayOf(0f) to floatArrayOf(256f)),
        "minus-128" to (floatArrayOf(128f) to floatArrayOf(128f)),
        "minus-half-to-half" to (floatArrayOf(127.5f) to floatArrayOf(255f)),
        "imagenet" to (floatArrayOf(0.485f, 0.456f, 0.406f) to floatArrayOf(0.229f, 0.224f, 0.225f))
    )
    private val ORDERS = mapOf(
        "bgr" to intArrayOf(2, 1, 0),
        "grb" to intArrayOf(1, 0, 2),
        "rbg" to intArrayOf(0, 2, 1)
    )
    val BUGS = RANGES.keys + ORDERS.keys + setOf("nchw", "signed-bytes", "centre-crop", "other-rounding")

    fun fill(bug: String, tensor: InputTensor, rgb: ByteArray, input: ImageInput) {
        RANGES[bug]?.let { (mean, std) ->
            if (bug == "imagenet") {
                write(tensor, rgb) { value, channel -> (value / 255f - mean[channel]) / std[channel] }
            } else {
                write(tensor, rgb) { value, _ -> (value - mean[0]) / std[0] }
            }
        }
        ORDERS[bug]?.let { order ->
            tensor.fill(ByteArray(rgb.size) { rgb[it - it % CHANNELS + order[it % CHANNELS]] })
        }
        when (bug) {
            "nchw" -> {
                val pixels = rgb.size / CHANNELS
                tensor.fill(ByteArray(rgb.size) { rgb[it % pixels * CHANNELS + it / pixels] })
            }
            "signed-bytes" -> write(tensor, rgb) { value, channel ->
                val (mean, std) = input.mean.of(channel) to input.std.of(channel)
                ((if (value > Byte.MAX_VALUE) value - (BYTE + 1) else value) - mean) / std
            }
            "other-rounding" -> write(tensor, rgb) { value, channel ->
                value / input.std.of(channel) - input.mean.of(channel) / input.std.of(channel)
            }
        }
    }

    private fun FloatArray.of(channel: Int) = this[if (size == 1) 0 else channel]

    private fun write(tensor: InputTensor, rgb: ByteArray, value: (Float, Int) -> Float) {
        val floats = FloatArray(rgb.size) { value((rgb[it].toInt() and BYTE).toFloat(), it % CHANNELS) }
        tensor.bytes.rewind()
        tensor.bytes.asFloatBuffer().put(floats)
        tensor.bytes.rewind()
    }

    /** [image] as Android scales it. */
    fun scaled(image: Bitmap, input: ImageInput, filter: Boolean, rgb: ByteArray) {
        val (width, height) = input.width to input.height
        val scaled = Bitmap.createScaledBitmap(image, width, height, filter)
        val pixels = IntArray(width * height)
        scaled.getPixels(pixels, 0, width, 0, 0, width, height)
        FixedResize(width, height, width, height).resize(pixels, rgb)
    }

    /** The largest square in the middle. */
    fun middle(image: Bitmap): Bitmap {
        val side = minOf(image.width, image.height)
        return Bitmap.createBitmap(image, (image.width - side) / 2, (image.height - side) / 2, side, side)
    }
}
