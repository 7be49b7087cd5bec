package org.goldmask.golden

import androidx.test.ext.junit.runners.AndroidJUnit4
import java.util.Base64
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.decodeFromJsonElement
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.SegmenterException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith

@RunWith(AndroidJUnit4::class)
class ImageFileTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Serializable
    private data class Turns(val width: Int, val height: Int, val source: List<Int>, val cases: List<Turn>)

    @Serializable
    private data class Turn(val orientation: Int, val upright: List<Int>)

    private fun List<Int>.pixels() = chunked(CHANNELS).map { (r, g, b) -> r shl 16 or (g shl 8) or b }.toIntArray()

    @Test
    fun `orientations equal the vectors`() {
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
    fun `the app turns the host's pixels upright`() {
        val folder = folder.newFolder()
        folder.resolve("one.ppm").writeBytes("P6 2 1 255 abcdef".toByteArray())
        val vectors = Json.parseToJsonElement(sample("vectors/images.json").readText()).jsonObject
        val files = vectors.getValue("files").jsonArray.map { it.jsonObject }
        val turned = files.first { it.getValue("name").jsonPrimitive.content == "webp-prefixed" } // orientation 8
        val data = Base64.getDecoder().decode(turned.getValue("file").jsonPrimitive.content)
        fun pixels(case: RequestCase) = String(ImageFile.rgb(hostPixels(case, data, folder)!!))
        val case = RequestCase("one", "one.webp", "0".repeat(64))
        assertEquals("defabc", pixels(case))
        assertEquals("abcdef", pixels(case.copy(orientation = 1)))
        assertThrows(SegmenterException::class.java) { pixels(case.copy(id = "two")) }
        assertNull(hostPixels(case, data, null))
        assertNull(hostPixels(case, "BM".toByteArray(), folder))
    }

    @Test
    fun `a file that is not an image is an error`() {
        val whole = sample("samples/masks/flag.png").readBytes()
        for ((data, word) in listOf(
            ByteArray(0) to "empty",
            "hello".toByteArray() to "is not a JPEG",
            "GIF89a".toByteArray() + ByteArray(64) to "is not a JPEG",
            whole.copyOf(whole.size - 14) to "is damaged: it ends within a chunk"
        )) {
            val error = assertThrows(SegmenterException::class.java) { ImageFile.decode("x", data) }
            assertEquals("decode", error.stage)
            assertTrue("$word: ${error.message}", word in error.message!!)
        }
    }
}
