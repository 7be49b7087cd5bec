package org.goldmask.app

import java.io.File
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.TensorType
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class ModelFileTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val models = File(System.getProperty("goldmask.tests")!!, "../models/shapes")

    @Test
    fun `size, type, normalisation and labels come from the file`() {
        val model = ModelFile.read(models.resolve("shapes.tflite"))
        assertEquals(listOf("background", "circle", "square", "triangle", "star", "cross"), model.labels)
        assertEquals(Triple(129, 129, TensorType.FLOAT32), model.input.run { Triple(height, width, type) })
        assertEquals(listOf(127.5f) to listOf(127.5f), model.input.run { mean.toList() to std.toList() })
        assertEquals(0 to OutputKind.LOGITS, model.output.run { index to kind })
        assertEquals(TensorType.UINT8, ModelFile.read(models.resolve("shapes_int8.tflite")).input.type)
    }

    @Test
    fun `a file that is not a model is an error that names it`() {
        val whole = models.resolve("shapes.tflite").readBytes()
        val broken = mapOf(
            "empty.tflite" to ByteArray(0),
            "page.tflite" to "<!doctype html><title>404</title>".toByteArray(),
            "zeros.tflite" to ByteArray(4096),
            "cut.tflite" to whole.copyOf(200)
        )
        for ((name, data) in broken) {
            val file = folder.newFile(name).apply { writeBytes(data) }
            val error = assertThrows(name, SegmenterException::class.java) { ModelFile.read(file) }
            assertEquals("init", error.stage)
            assertTrue(error.message, name in error.message!!)
        }
    }
}
