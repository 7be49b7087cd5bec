package org.goldmask.app

import java.nio.ByteBuffer
import org.goldmask.segmenter.ImageFile
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class FrameTest {
    @Test
    fun `a phone's back camera lies on its side, and is upright where the phone is turned to the left`() {
        assertEquals(listOf(6, 1, 8, 3), listOf(0, 90, 180, 270).map { frameOrientation(90, it, front = false) })
    }

    @Test
    fun `a front camera sees the display turn the other way`() {
        assertEquals(listOf(8, 1, 6, 3), listOf(0, 90, 180, 270).map { frameOrientation(270, it, front = true) })
        assertEquals(listOf(8, 3, 6, 1), listOf(0, 90, 180, 270).map { frameOrientation(270, it, front = false) })
    }

    @Test
    fun `a sensor at another angle than a quarter turn is refused`() {
        assertThrows(IllegalArgumentException::class.java) { frameOrientation(45, 0, front = false) }
    }

    @Test
    fun `a frame of a portrait phone comes upright`() {
        // The sensor's rows: the top of the scene is at its left.
        val turned = ImageFile.orient(intArrayOf(1, 2, 3, 4, 5, 6), 3, 2, frameOrientation(90, 0, front = false))
        assertArrayEquals(intArrayOf(4, 1, 5, 2, 6, 3), turned)
    }

    @Test
    fun `strides are skipped and colours are those of JFIF`() {
        // 2×2 pixels, rows of 3 bytes; U and V alternate in one buffer, as on most devices.
        val luma = Plane(ByteBuffer.wrap(byteArrayOf(76, 150.toByte(), 0, 29, 255.toByte(), 0)), 3, 1)
        val gray = Plane(ByteBuffer.wrap(byteArrayOf(128.toByte())), 1, 1)
        assertArrayEquals(
            intArrayOf(0xff4c4c4c.toInt(), 0xff969696.toInt(), 0xff1d1d1d.toInt(), 0xffffffff.toInt()),
            argbOf(2, 2, luma, gray to gray)
        )
        val both = byteArrayOf(85, 255.toByte())
        val (blue, red) = Plane(ByteBuffer.wrap(both), 2, 2) to Plane(ByteBuffer.wrap(both, 1, 1).slice(), 2, 2)
        assertEquals(0xfffe0000.toInt(), argbOf(1, 1, luma, blue to red)[0])
    }
}
