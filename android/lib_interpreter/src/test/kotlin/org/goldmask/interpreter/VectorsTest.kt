package org.goldmask.interpreter

import java.io.File
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.goldmask.segmenter.ImageInput
import org.goldmask.segmenter.MaskOutput
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.TensorType
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.tensorflow.lite.DataType

/** Bit for bit equal to Python: a third, slow implementation writes tests/vectors/preprocess.json. */
class VectorsTest {
    private val vectors = Json.parseToJsonElement(
        File(System.getProperty("goldmask.tests")!!, "vectors/preprocess.json").readText()
    ).jsonObject

    private fun JsonObject.ints(key: String) = getValue(key).jsonArray.map { it.jsonPrimitive.int }.toIntArray()

    private fun JsonObject.int(key: String) = getValue(key).jsonPrimitive.int

    private fun IntArray.bytes() = ByteArray(size) { this[it].toByte() }

    @Test
    fun `resize`() {
        val cases = vectors.getValue("resize").jsonArray.map { it.jsonObject }
        assertTrue(cases.isNotEmpty())
        for (case in cases) {
            val source = case.ints("source").toList().chunked(3).map { (r, g, b) -> r shl 16 or (g shl 8) or b }
            val (width, height) = case.int("width") to case.int("height")
            val (targetWidth, targetHeight) = case.int("target_width") to case.int("target_height")
            val rgb = ByteArray(3 * targetWidth * targetHeight)
            FixedResize(width, height, targetWidth, targetHeight).resize(source.toIntArray(), rgb)
            val expected = case.ints("resized").bytes()
            assertArrayEquals("$width×$height to $targetWidth×$targetHeight", expected, rgb)
        }
    }

    @Test
    fun `tensor`() {
        val cases = vectors.getValue("tensor").jsonObject.getValue("cases").jsonArray.map { it.jsonObject }
        val types = cases.map { it.getValue("dtype").jsonPrimitive.content }.toSet()
        assertEquals(setOf("float32", "uint8", "int8"), types)
        val pixels = ByteArray(3 * 256) { (it / 3).toByte() } // gray, 0 to 255
        for (case in cases) {
            val type = TensorType.valueOf(case.getValue("dtype").jsonPrimitive.content.uppercase())
            fun floats(key: String) =
                case.getValue(key).jsonArray.map { it.jsonPrimitive.content.toFloat() }.toFloatArray()
            val input = ImageInput(1, pixels.size / 3, type, floats("mean"), floats("std"))
            val scale = Float.fromBits(case.getValue("scale_bits").jsonPrimitive.long.toInt())
            val tensor = InputTensor(input, scale, case.int("zero_point"))
            tensor.fill(pixels)
            val expected = case.getValue("values").jsonArray.map { it.jsonPrimitive.long.toInt() }.toIntArray()
            val values = IntArray(pixels.size) {
                when (type) {
                    TensorType.FLOAT32 -> tensor.bytes.getInt(Int.SIZE_BYTES * it)
                    TensorType.UINT8 -> tensor.bytes.get(it).toInt() and 0xff
                    TensorType.INT8 -> tensor.bytes.get(it).toInt()
                    else -> error("$type")
                }
            }
            assertArrayEquals("$type", expected, values)
        }
    }

    private fun mask(scores: List<Float>, vararg shape: Int): List<Byte> {
        val output = OutputMask(
            MaskOutput(0, OutputKind.LOGITS),
            shape,
            DataType.FLOAT32,
            Float.SIZE_BYTES * scores.size
        )
        scores.forEach(output.bytes::putFloat)
        return output.read().classes.toList()
    }

    @Test
    fun `the lowest index of equal scores wins`() {
        assertEquals(listOf<Byte>(0, 2, 1), mask(listOf(1f, 1f, 1f, 0f, 0f, 1f, -2f, -1f, -1f), 1, 1, 3, 3))
    }

    @Test
    fun `no class wins if a score is NaN`() {
        for (index in 0 until 3) {
            val scores = MutableList(3) { 0f }.also { it[index] = Float.NaN }
            val error = assertThrows(SegmenterException::class.java) { mask(scores, 1, 1, 1, 3) }
            assertEquals("postprocess", error.stage)
        }
    }

    @Test
    fun `quantised scores compare as signed or unsigned`() {
        for ((type, winner) in listOf(DataType.INT8 to 1, DataType.UINT8 to 0)) {
            val output = OutputMask(MaskOutput(0, OutputKind.LOGITS), intArrayOf(1, 1, 1, 2), type, 2)
            output.bytes.put(byteArrayOf(-1, 1))
            assertEquals(winner, output.read().classes[0].toInt())
        }
    }

    @Test
    fun `class maps of every type, and classes that do not fit a mask`() {
        for ((type, bytes) in listOf(DataType.INT32 to 4, DataType.INT64 to 8, DataType.UINT8 to 1)) {
            val output = OutputMask(MaskOutput(0, OutputKind.CLASSES), intArrayOf(1, 1, 1), type, bytes)
            output.bytes.put(0, 200.toByte())
            assertEquals(200.toByte(), output.read().classes[0])
        }
        val output = OutputMask(MaskOutput(0, OutputKind.CLASSES), intArrayOf(1, 1, 1), DataType.INT32, 4)
        for (value in listOf(-1, 256)) {
            output.bytes.putInt(0, value)
            assertThrows(SegmenterException::class.java) { output.read() }
        }
    }

    @Test
    fun `an output that is not a mask is refused`() {
        for (shape in listOf(intArrayOf(1, 10), intArrayOf(2, 4, 4, 3), intArrayOf(1, 4, 4))) {
            val error = assertThrows(SegmenterException::class.java) {
                OutputMask(MaskOutput(0, OutputKind.LOGITS), shape, DataType.FLOAT32, 64)
            }
            assertEquals("init", error.stage)
        }
    }
}
