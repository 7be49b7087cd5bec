package org.goldmask.interpreter

import java.io.File
import kotlin.math.abs
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.float
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import org.goldmask.segmenter.Layout
import org.goldmask.segmenter.MaskOutput
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.SoftMask
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.tensorflow.lite.DataType

/** Soft masks to a step of Python's, whose exp may round another last bit; their category masks exactly. */
class SoftVectorsTest {
    private val rows = Json.parseToJsonElement(
        File(System.getProperty("goldmask.tests")!!, "vectors/soft.json").readText()
    ).jsonObject.getValue("outputs").jsonArray.map { it.jsonObject }

    private fun JsonObject.text(key: String) = this[key]?.jsonPrimitive?.content

    private fun JsonObject.int(key: String) = this[key]?.jsonPrimitive?.int

    private fun JsonObject.ints(key: String) = getValue(key).jsonArray.map { it.jsonPrimitive.int }

    private fun read(row: JsonObject): SoftMask {
        val bytes = row.text("bytes")!!.chunked(2) { it.toString().toInt(16).toByte() }.toByteArray()
        val output = MaskOutput(
            0,
            OutputKind.valueOf(row.text("kind")!!.uppercase()),
            Layout.valueOf((row.text("layout") ?: "nhwc").uppercase()),
            row.int("height"),
            row.int("width"),
            row.int("classes"),
            foreground = row.int("foreground"),
            threshold = row["threshold"]?.jsonPrimitive?.float ?: HALF,
            scale = row["scale"]?.jsonPrimitive?.float ?: 0f,
            zeroPoint = row["zero_point"]?.jsonPrimitive?.long ?: 0
        )
        val type = DataType.valueOf(row.text("dtype")!!.uppercase())
        val mask = OutputMask(output, row.ints("shape").toIntArray(), type, bytes.size)
        mask.bytes.put(bytes)
        return mask.soft()
    }

    @Test
    fun `soft masks`() {
        assertTrue(rows.isNotEmpty())
        for (row in rows) {
            if ("error" in row) {
                val error = assertThrows("$row", SegmenterException::class.java) { read(row) }
                assertTrue("$error is not $row", row.text("error")!! in error.message!!)
                continue
            }
            val soft = read(row)
            val steps = soft.steps().classes.toList().chunked(2) { (high, low) ->
                (high.toInt() and BYTE shl 8) or (low.toInt() and BYTE)
            }
            val worst = steps.zip(row.ints("steps")) { ours, theirs -> abs(ours - theirs) }.max()
            assertTrue("$row: $steps", worst <= 1)
            assertEquals("$row", row.ints("mask"), soft.mask().classes.map { it.toInt() })
        }
    }

    private companion object {
        const val HALF = 0.5f
        const val BYTE = 0xff
    }
}
