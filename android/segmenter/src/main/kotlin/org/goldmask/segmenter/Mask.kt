package org.goldmask.segmenter

import java.nio.ByteBuffer
import java.nio.FloatBuffer

/** Class indices row by row: bytes of [depth] 8, or of depth 16 two bytes each, the higher one first. */
class Mask @JvmOverloads constructor(val width: Int, val height: Int, val classes: ByteArray, val depth: Int = DEPTH) {
    init {
        require((depth == DEPTH || depth == 2 * DEPTH) && classes.size * Byte.SIZE_BITS == width * height * depth) {
            "${classes.size} classes are not a mask of $width×$height"
        }
    }

    companion object {
        /** Of a mask whose classes are 0 to 255. */
        const val DEPTH = 8
        private const val MAX_CLASSES = 256

        /** The mask of an app that has the class of each pixel as `rows[y][x]`. */
        @JvmStatic
        fun of(rows: Array<IntArray>): Mask {
            val width = rows.firstOrNull()?.size ?: 0
            require(width > 0 && rows.all { it.size == width }) { "the rows of a mask have one length, above 0" }
            return Mask(width, rows.size, ByteArray(width * rows.size) { classOf(rows[it / width][it % width]) })
        }

        /** The mask of an app that has a byte for each pixel, row by row; [classes] is read from its beginning. */
        @JvmStatic
        fun of(width: Int, height: Int, classes: ByteBuffer): Mask {
            val bytes = classes.duplicate().apply { rewind() }
            return Mask(width, height, ByteArray(bytes.remaining()).also(bytes::get))
        }

        /** The mask of an app that has `scores[y][x][class]`; of equal scores the lowest class wins. */
        @JvmStatic
        fun ofScores(scores: Array<Array<FloatArray>>): Mask =
            of(Array(scores.size) { y -> IntArray(scores[y].size) { x -> winner(scores[y][x]) } })

        /** The mask of an app that has the scores `[height, width, classes]` in one buffer, from its beginning. */
        @JvmStatic
        fun ofScores(width: Int, height: Int, scores: FloatBuffer): Mask {
            val values = scores.duplicate().apply { rewind() }
            val pixels = width * height
            require(pixels > 0 && values.remaining() > 0 && values.remaining() % pixels == 0) {
                "${values.remaining()} scores are not those of $width×$height pixels"
            }
            val pixel = FloatArray(values.remaining() / pixels)
            return Mask(width, height, ByteArray(pixels) { classOf(winner(pixel.also(values::get))) })
        }

        private fun winner(scores: FloatArray): Int {
            require(scores.isNotEmpty() && scores.none(Float::isNaN)) { "the output has no scores, or NaN among them" }
            var best = 0
            for (index in 1 until scores.size) if (scores[index] > scores[best]) best = index
            return best
        }

        private fun classOf(value: Int): Byte {
            require(value in 0 until MAX_CLASSES) { "a mask has classes 0 to ${MAX_CLASSES - 1}, not $value" }
            return value.toByte()
        }
    }
}
