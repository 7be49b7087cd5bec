package org.goldmask.interpreter

import java.io.File
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.goldmask.segmenter.Colours
import org.goldmask.segmenter.Fourth
import org.goldmask.segmenter.ImageInput
import org.goldmask.segmenter.Layout
import org.goldmask.segmenter.MaskOutput
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.Steps
import org.goldmask.segmenter.TensorType
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.tensorflow.lite.DataType

/** Every kind of image tensor and of output, byte for byte as Python fills and reads it. */
class TensorVectorsTest {
    private val vectors = Json.parseToJsonElement(
        File(System.getProperty("goldmask.tests")!!, "vectors/tensors.json").readText()
    ).jsonObject

    private fun JsonObject.text(key: String) = this[key]?.jsonPrimitive?.content

    private fun JsonObject.int(key: String) = this[key]?.jsonPrimitive?.int

    private fun JsonObject.ints(key: String) = getValue(key).jsonArray.map { it.jsonPrimitive.int }

    private fun JsonObject.floats(key: String) =
        getValue(key).jsonArray.map { it.jsonPrimitive.content.toFloat() }.toFloatArray()

    private fun JsonObject.layout() = Layout.valueOf((text("layout") ?: "nhwc").uppercase())

    private fun rows(key: String) =
        vectors.getValue(key).jsonArray.map { it.jsonObject }.also { assertTrue(it.isNotEmpty()) }

    @Test
    fun `images`() {
        val (height, width) = vectors.int("height")!! to vectors.int("width")!!
        val pixels = vectors.ints("pixels").map(Int::toByte).toByteArray()
        for (row in rows("inputs")) {
            val input = ImageInput(
                height,
                width,
                TensorType.valueOf(row.text("dtype")!!.uppercase()),
                row.floats("mean"),
                row.floats("std"),
                layout = row.layout(),
                colours = Colours.valueOf((row.text("channels") ?: "rgb").uppercase()),
                fourth = Fourth.entries.firstOrNull { it.word == row.text("fourth") },
                steps = Steps.valueOf((row.text("steps") ?: "pixels").uppercase())
            )
            val scale = Float.fromBits(row.getValue("scale_bits").jsonPrimitive.long.toInt())
            val tensor = InputTensor(input, scale, row.int("zero_point")!!)
            repeat(2) { tensor.fill(pixels) }
            val bytes = ByteArray(tensor.bytes.remaining()).also(tensor.bytes::get)
            assertEquals("$row", row.text("bytes"), bytes.joinToString("") { "%02x".format(it) })
        }
    }

    @Test
    fun `masks`() {
        for (row in rows("outputs")) {
            val bytes = row.text("bytes")!!.chunked(2) { it.toString().toInt(16).toByte() }.toByteArray()
            val type = DataType.entries.firstOrNull { it.name == row.text("dtype")!!.uppercase() }
            if (type == null) {
                assertEquals("float16", row.text("dtype")) // the API has no such tensors
                continue
            }
            val output = MaskOutput(
                0,
                OutputKind.valueOf(row.text("kind")!!.uppercase()),
                row.layout(),
                row.int("height"),
                row.int("width"),
                row.int("classes"),
                row.int("ignore")
            )
            val read = {
                val mask = OutputMask(output, row.ints("shape").toIntArray(), type, bytes.size)
                mask.bytes.put(bytes)
                mask.read()
            }
            if ("error" in row) {
                val error = assertThrows("$row", SegmenterException::class.java) { read() }
                assertTrue("$error is not $row", row.text("error")!! in error.message!!)
                continue
            }
            val mask = read()
            assertEquals(row.ints("size") + row.int("depth"), listOf(mask.width, mask.height, mask.depth))
            val wanted = row.ints("mask").flatMap {
                if (mask.depth == 8) listOf(it.toByte()) else listOf((it shr 8).toByte(), it.toByte())
            }
            assertEquals("$row", wanted, mask.classes.toList())
        }
    }
}
