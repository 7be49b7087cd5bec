package org.goldmask.interpreter

/**
 * The bilinear resize of docs/images.md from [sourceWidth]×[sourceHeight] ARGB pixels to RGB bytes, in integers only,
 * so that Python, Kotlin and Swift agree in every bit. Their tests read the same tests/vectors/preprocess.json.
 */
class FixedResize(
    private val sourceWidth: Int,
    private val sourceHeight: Int,
    private val width: Int,
    private val height: Int
) {
    private val same = sourceWidth == width && sourceHeight == height
    private val columns = Neighbours(sourceWidth, width)
    private val rows = Neighbours(sourceHeight, height)

    /** Whether this object resizes images of that size. */
    fun fits(imageWidth: Int, imageHeight: Int) = imageWidth == sourceWidth && imageHeight == sourceHeight

    /** Writes the resized [pixels], row by row, into [rgb] of 3 · width · height bytes. */
    fun resize(pixels: IntArray, rgb: ByteArray) {
        var next = 0
        if (same) {
            for (pixel in pixels) {
                rgb[next++] = (pixel shr RED).toByte()
                rgb[next++] = (pixel shr GREEN).toByte()
                rgb[next++] = pixel.toByte()
            }
            return
        }
        for (y in 0 until height) {
            val top = rows.first[y] * sourceWidth
            val bottom = rows.second[y] * sourceWidth
            val down = rows.weight[y]
            for (x in 0 until width) {
                val left = columns.first[x]
                val right = columns.second[x]
                val along = columns.weight[x]
                val topLeft = pixels[top + left]
                val topRight = pixels[top + right]
                val bottomLeft = pixels[bottom + left]
                val bottomRight = pixels[bottom + right]
                rgb[next++] = blend(topLeft, topRight, bottomLeft, bottomRight, RED, along, down)
                rgb[next++] = blend(topLeft, topRight, bottomLeft, bottomRight, GREEN, along, down)
                rgb[next++] = blend(topLeft, topRight, bottomLeft, bottomRight, BLUE, along, down)
            }
        }
    }

    @Suppress("LongParameterList")
    private fun blend(
        topLeft: Int,
        topRight: Int,
        bottomLeft: Int,
        bottomRight: Int,
        shift: Int,
        along: Int,
        down: Int
    ): Byte {
        val above = (topLeft shr shift and BYTE) * (ONE - along) + (topRight shr shift and BYTE) * along
        val below = (bottomLeft shr shift and BYTE) * (ONE - along) + (bottomRight shr shift and BYTE) * along
        return ((above * (ONE - down) + below * down + HALF) shr 2 * WEIGHT_BITS).toByte()
    }

    /** For each of `target` outputs the two source indices, and the second one's weight in 1/[ONE]. */
    private class Neighbours(source: Int, target: Int) {
        val first = IntArray(target)
        val second = IntArray(target)
        val weight = IntArray(target)

        init {
            for (index in 0 until target) {
                val centre = (2L * index + 1) * source * ONE / (2L * target) - ONE / 2
                val clamped = centre.coerceIn(0, (source - 1L) * ONE)
                first[index] = (clamped shr WEIGHT_BITS).toInt()
                second[index] = minOf(first[index] + 1, source - 1)
                weight[index] = (clamped and (ONE - 1L)).toInt()
            }
        }
    }

    private companion object {
        const val WEIGHT_BITS = 11
        const val ONE = 1 shl WEIGHT_BITS
        const val HALF = 1 shl (2 * WEIGHT_BITS - 1)
        const val RED = 16
        const val GREEN = 8
        const val BLUE = 0
        const val BYTE = 0xff
    }
}
