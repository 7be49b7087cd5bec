package org.goldmask.segmenter

/**
 * How probable the foreground is of each pixel, 0 to 1, row by row. Its category mask is 1 where that is [threshold] or
 * more.
 */
class SoftMask(val width: Int, val height: Int, val values: FloatArray, val threshold: Float) {
    init {
        require(values.size == width * height) { "${values.size} values are not a mask of $width×$height" }
    }

    /** The category mask that the threshold makes of it. */
    fun mask(): Mask = Mask(width, height, ByteArray(values.size) { if (values[it] >= threshold) 1 else 0 })

    /** Its values in steps of [SCALE], half up, as a mask of 16 bits. */
    fun steps(): Mask {
        val bytes = ByteArray(2 * values.size)
        for (index in values.indices) {
            val step = (values[index].toDouble().coerceIn(0.0, 1.0) * MAX_STEP + HALF).toInt()
            bytes[2 * index] = (step shr Mask.DEPTH).toByte()
            bytes[2 * index + 1] = step.toByte()
        }
        return Mask(width, height, bytes, 2 * Mask.DEPTH)
    }

    companion object {
        private const val MAX_STEP = 0xffff
        private const val HALF = 0.5

        /** What one of the [steps] is worth. */
        const val SCALE = 1.0 / MAX_STEP
    }
}
