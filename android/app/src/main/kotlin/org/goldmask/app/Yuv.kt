package org.goldmask.app

import java.nio.ByteBuffer

/** One plane of a YUV_420_888 image: a row begins every [rowStride] bytes, a value every [pixelStride]. */
class Plane(private val bytes: ByteBuffer, private val rowStride: Int, private val pixelStride: Int) {
    /** The value at ([x], [y]), 0 to 255. */
    fun at(x: Int, y: Int): Int = bytes.get(y * rowStride + x * pixelStride).toInt() and BYTE

    private companion object {
        const val BYTE = 0xff
    }
}

/**
 * A camera's YUV_420_888 frame as opaque ARGB pixels, row by row, by full-range BT.601 (JFIF 1.02), which Android's
 * cameras deliver. [chroma] has U and V, both of half the size.
 */
fun argbOf(width: Int, height: Int, luma: Plane, chroma: Pair<Plane, Plane>): IntArray {
    val pixels = IntArray(width * height)
    var index = 0
    for (y in 0 until height) {
        for (x in 0 until width) {
            val light = luma.at(x, y) shl BITS
            val blueness = chroma.first.at(x / 2, y / 2) - MIDDLE
            val redness = chroma.second.at(x / 2, y / 2) - MIDDLE
            val red = level(light + RED_V * redness)
            val green = level(light - GREEN_U * blueness - GREEN_V * redness)
            val blue = level(light + BLUE_U * blueness)
            pixels[index++] = OPAQUE or (red shl 16) or (green shl 8) or blue
        }
    }
    return pixels
}

private fun level(scaled: Int): Int = (scaled + HALF shr BITS).coerceIn(0, BYTE)

private const val BITS = 16
private const val HALF = 1 shl (BITS - 1)
private const val MIDDLE = 128
private const val BYTE = 0xff
private const val OPAQUE = BYTE shl 24

// 1.402, 0.344136, 0.714136 and 1.772 in 1/65536.
private const val RED_V = 91_881
private const val GREEN_U = 22_553
private const val GREEN_V = 46_802
private const val BLUE_U = 116_130
