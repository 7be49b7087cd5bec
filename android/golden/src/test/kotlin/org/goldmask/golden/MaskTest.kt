package org.goldmask.golden

import java.nio.ByteBuffer
import java.nio.FloatBuffer
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.TensorBytes
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** Masks out of what apps have. */
class MaskTest {
    private fun assertMask(classes: List<Int>, mask: Mask) {
        assertEquals(3 to 2, mask.width to mask.height)
        assertEquals(classes, mask.classes.map { it.toInt() and 0xff })
    }

    private fun assertRefused(word: String, make: () -> Unit) {
        val refused = assertThrows(IllegalArgumentException::class.java, make)
        assertTrue(refused.message, word in refused.message!!)
    }

    @Test
    fun `rows of classes`() {
        assertMask(listOf(0, 1, 2, 3, 4, 255), Mask.of(arrayOf(intArrayOf(0, 1, 2), intArrayOf(3, 4, 255))))
        assertRefused("0 to 255, not 256") { Mask.of(arrayOf(intArrayOf(256))) }
        assertRefused("0 to 255, not -1") { Mask.of(arrayOf(intArrayOf(-1))) }
        assertRefused("one length") { Mask.of(arrayOf(intArrayOf(1, 2), intArrayOf(1))) }
        assertRefused("one length") { Mask.of(emptyArray<IntArray>()) }
    }

    @Test
    fun `a buffer of classes, read from its beginning`() {
        val buffer = ByteBuffer.wrap(byteArrayOf(0, 1, 2, 3, 4, -1)).apply { position(3) }
        assertMask(listOf(0, 1, 2, 3, 4, 255), Mask.of(3, 2, buffer))
        assertEquals(3, buffer.position())
        assertRefused("6 classes are not a mask of 2×2") { Mask.of(2, 2, buffer) }
    }

    @Test
    fun `scores, of which the lowest class wins a tie`() {
        val scores = floatArrayOf(1f, 0f, 0f, 1f, 1f, 1f, -2f, -1f, 0f, 0f, 5f, -5f)
        val buffer = FloatBuffer.wrap(scores).apply { position(5) }
        assertMask(listOf(0, 1, 0, 1, 0, 0), Mask.ofScores(3, 2, buffer))
        val nested = Array(2) { y -> Array(3) { x -> scores.copyOfRange(6 * y + 2 * x, 6 * y + 2 * x + 2) } }
        assertMask(listOf(0, 1, 0, 1, 0, 0), Mask.ofScores(nested))
        assertRefused("12 scores are not those of 5×1 pixels") { Mask.ofScores(5, 1, buffer) }
        assertRefused("NaN") { Mask.ofScores(1, 1, FloatBuffer.wrap(floatArrayOf(1f, Float.NaN))) }
    }

    @Test
    fun `nested arrays as the bytes of a tensor`() {
        val nested = arrayOf(arrayOf(arrayOf(floatArrayOf(1f, -1f, 0f))))
        val bytes = TensorBytes.of(nested)
        assertEquals(TensorBytes.of(floatArrayOf(1f, -1f, 0f)), bytes)
        assertEquals(listOf<Byte>(0, 0, -128, 63), List(4) { bytes.get(it) })
    }
}
