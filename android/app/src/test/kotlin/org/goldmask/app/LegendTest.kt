package org.goldmask.app

import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Palette
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class LegendTest {
    private val mask = Mask(4, 2, byteArrayOf(0, 0, 0, 0, 0, 2, 2, 200.toByte()))

    @Test
    fun `the classes that are there, the largest first`() {
        assertEquals(
            listOf(
                LegendEntry(0, "background", 0.625),
                LegendEntry(2, "dog", 0.25),
                LegendEntry(200, "class_200", 0.125)
            ),
            legendOf(mask, listOf("background", "cat", "dog"))
        )
    }

    @Test
    fun `a background is clear, and class 0 of a model without one is not`() {
        val (red, gray) = Palette.argb(2) to Palette.argb(200)
        assertArrayEquals(
            intArrayOf(0, 0, 0, 0, 0, red, red, gray),
            overlayOf(mask, listOf("background", "cat", "dog"))
        )
        assertEquals(0xff000000.toInt(), overlayOf(mask, listOf("cat"))[0])
        assertTrue(hasBackground(listOf("Background")))
        assertFalse(hasBackground(emptyList()))
    }

    @Test
    fun `colours are those of PASCAL VOC`() {
        assertEquals(
            listOf(0xff000000, 0xff800000, 0xff008000, 0xff808000).map {
                it.toInt()
            },
            (0..3).map(Palette::argb)
        )
    }
}
