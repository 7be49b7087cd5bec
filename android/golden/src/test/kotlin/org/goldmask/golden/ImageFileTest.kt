package org.goldmask.golden

import androidx.test.ext.junit.runners.AndroidJUnit4
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.decodeFromJsonElement
import kotlinx.serialization.json.jsonObject
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.SegmenterException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith

@RunWith(AndroidJUnit4::class)
class ImageFileTest {
    @Serializable
    private data class Turns(val width: Int, val height: Int, val source: List<Int>, val cases: List<Turn>)

    @Serializable
    private data class Turn(val orientation: Int, val upright: List<Int>)

    private fun List<Int>.pixels() = chunked(CHANNELS).map { (r, g, b) -> r shl 16 or (g shl 8) or b }.toIntArray()

    @Test
    fun `orientations are those of the vectors`() {
        val vectors = Json.parseToJsonElement(sample("vectors/preprocess.json").readText()).jsonObject
        val turns = Json.decodeFromJsonElement<Turns>(vectors.getValue("orient"))
        assertEquals((1..8).toList(), turns.cases.map { it.orientation })
        for (turn in turns.cases) {
            val turned = ImageFile.orient(turns.source.pixels(), turns.width, turns.height, turn.orientation)
            assertArrayEquals("orientation ${turn.orientation}", turn.upright.pixels(), turned)
        }
    }

    @Test
    fun `a mask of the sample bundle has its classes as pixels and the palette's colours`() {
        val expected = ImageFile.decode("flag.png", sample("samples/masks/flag.png").readBytes())
        val written = MaskPng.encode(Mask(4, 2, byteArrayOf(0, 0, 0, 0, 1, 1, 2, 2)))
        val ours = ImageFile.decode("ours.png", written)
        assertEquals(expected.width to expected.height, ours.width to ours.height)
        assertArrayEquals(ImageFile.rgb(expected), ImageFile.rgb(ours))
        val other = ImageFile.decode("other.png", MaskPng.encode(Mask(4, 2, byteArrayOf(0, 0, 0, 0, 1, 1, 2, 3))))
        assertFalse(ImageFile.rgb(expected).contentEquals(ImageFile.rgb(other)))
    }

    @Test
    fun `what is no image says so`() {
        val whole = sample("samples/masks/flag.png").readBytes()
        for ((data, word) in listOf(
            ByteArray(0) to "empty",
            "hello".toByteArray() to "is not a JPEG",
            "GIF89a".toByteArray() + ByteArray(64) to "is not a JPEG",
            whole.copyOf(whole.size - 14) to "truncated"
        )) {
            val error = assertThrows(SegmenterException::class.java) { ImageFile.decode("x", data) }
            assertEquals("decode", error.stage)
            assertTrue("$word: ${error.message}", word in error.message!!)
        }
    }
}
