package org.goldmask.golden

import android.graphics.Bitmap
import androidx.test.ext.junit.runners.AndroidJUnit4
import java.io.File
import java.security.MessageDigest
import kotlinx.serialization.encodeToString
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.RuntimeInfo
import org.goldmask.segmenter.Scaling
import org.goldmask.segmenter.Segmentation
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.SegmenterOptions
import org.goldmask.segmenter.TensorBytes
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith

/** The golden test's run on segmenters that fail in every way. */
@RunWith(AndroidJUnit4::class)
class GoldenRunTest {
    @get:Rule
    val folder = TemporaryFolder()

    /** Predicts class 1 everywhere; calls [fails] before each image. */
    private class Fake(private val fails: (Int) -> Throwable? = { null }) : Segmenter {
        var images = 0
        var closed = false
        override val runtime = RuntimeInfo("fake", "1", "cpu", 1)

        override fun segment(image: Bitmap): Segmentation {
            fails(images++)?.let { throw it }
            return Segmentation(Mask(2, 1, byteArrayOf(1, 1)), 1.0, 2.0, 3.0)
        }

        override fun close() {
            closed = true
        }
    }

    private fun sha256(data: ByteArray) =
        MessageDigest.getInstance("SHA-256").digest(data).joinToString("") { "%02x".format(it) }

    private fun request(edit: (Request) -> Request = { it }): Request {
        val image = sample("samples/masks/flag.png").readBytes()
        val model = "model".toByteArray()
        File(folder.root, "model.tflite").writeBytes(model)
        File(folder.root, "image.png").writeBytes(image)
        val sample = Request.read(sample("samples/request.json"))
        return edit(
            sample.copy(
                model = sample.model.copy(file = "model.tflite", sha256 = sha256(model)),
                options = sample.options.copy(taps = emptyList(), warmup = 1, runs = 2),
                cases = listOf("one", "two", "three").map { RequestCase(it, "image.png", sha256(image)) }
            )
        )
    }

    private fun run(request: Request, open: (Model, SegmenterOptions) -> Segmenter): Bundle {
        val out = folder.newFolder()
        GoldenRun(request, folder.root, out, ImageFile::decode, open) { }.run()
        return Bundle.read(out).also { bundle ->
            bundle.results.mapNotNull { it.mask }.forEach { assertTrue(File(out, it).isFile) }
        }
    }

    @Test
    fun `every case has a mask, its times and its hashes`() {
        val fake = Fake()
        val bundle = run(request()) { _, _ -> fake }
        assertEquals(listOf("ok", "ok", "ok"), bundle.results.map { it.status })
        val latency = bundle.results[0].latency!!
        assertEquals(listOf(2.0, 2.0), latency.inferenceMs)
        assertEquals(listOf(2.0), latency.warmupMs)
        assertEquals(2, latency.totalMs!!.size)
        assertEquals(9, fake.images) // one warm-up and two runs of three cases
        assertTrue(fake.closed)
        assertEquals("android-jvm" to "jvm", bundle.target.name to bundle.target.kind)
        assertTrue(bundle.results[0].stages.decoded != null && bundle.results[0].stages.tensor == null)
        val (init, steady, peak) = bundle.results[0].run { Triple(memoryInitMb!!, memorySteadyMb!!, memoryPeakMb!!) }
        assertTrue("$init $steady $peak", init in 1.0..peak && steady in 1.0..peak)
    }

    @Test
    fun `an app that cannot open the model reports that for every case`() {
        for ((error, message) in listOf(
            SegmenterException("init", "no such\n  delegate") to "no such delegate",
            UnsatisfiedLinkError("libx.so") to "UnsatisfiedLinkError: libx.so",
            IllegalStateException() to "IllegalStateException"
        )) {
            val bundle = run(request()) { _, _ -> throw error }
            assertEquals(List(3) { Failure("init", message) }, bundle.results.map { it.error })
        }
    }

    @Test
    fun `an image that fails leaves the others alone`() {
        val fails = { image: Int -> if (image == 3) SegmenterException("inference", "bad luck") else null }
        val bundle = run(request()) { _, _ -> Fake(fails) }
        assertEquals(listOf("ok", "error", "ok"), bundle.results.map { it.status })
        assertEquals(Failure("inference", "bad luck"), bundle.results[1].error)
    }

    @Test
    fun `files other than the requested ones are refused`() {
        val model = run(request { it.copy(model = it.model.copy(sha256 = "0".repeat(64))) }) { _, _ -> Fake() }
        assertEquals("init", model.results[0].error!!.stage)
        val gone = run(request { it.copy(model = it.model.copy(file = "gone.tflite")) }) { _, _ -> Fake() }
        assertTrue("does not exist" in gone.results[0].error!!.message)
        val image = run(
            request {
                it.copy(cases = listOf(it.cases[0].copy(sha256 = "0".repeat(64)), it.cases[1].copy(file = "x")))
            }
        ) { _, _ -> Fake() }
        assertEquals(listOf("decode", "decode"), image.results.map { it.error!!.stage })
        assertTrue("sha256 differs" in image.results[0].error!!.message)
    }

    /** Hands on one pixel, its tensor, and the name of its kernel. */
    private class HandingOn : Segmenter {
        override val runtime = RuntimeInfo("fake", "1", "cpu", 1)

        override fun segment(image: Bitmap) = Segmentation(
            Mask(2, 1, byteArrayOf(1, 1)),
            1.0,
            2.0,
            3.0,
            resized = byteArrayOf(1, 2, 3),
            tensor = TensorBytes.of(floatArrayOf(1f, -1f)).apply { position(4) },
            scaling = Scaling.OPENCV_AREA
        )

        override fun close() = Unit
    }

    @Test
    fun `what is asked for and handed on is in the bundle`() {
        val out = folder.newFolder()
        val taps = request { it.copy(options = it.options.copy(taps = listOf("resized", "tensor"))) }
        GoldenRun(taps, folder.root, out, ImageFile::decode, { _, _ -> HandingOn() }) { }.run()
        val result = Bundle.read(out).results[0]
        assertEquals("opencv area", result.scaling)
        assertEquals(setOf("resized", "tensor"), result.taps.keys)
        val (pixels, tensor) = listOf("resized", "tensor").map { File(out, result.taps.getValue(it).file).readBytes() }
        assertEquals(listOf<Byte>(1, 2, 3), pixels.toList())
        assertEquals(listOf<Byte>(0, 0, -128, 63, 0, 0, -128, -65), tensor.toList())
        assertEquals(result.stages.tensor, sha256(tensor))
        assertEquals(result.stages.tensor, result.taps.getValue("tensor").sha256)
    }

    @Test
    fun `nothing is written that was not asked for or that an app does not have`() {
        assertEquals(emptyMap<String, Tap>(), run(request()) { _, _ -> HandingOn() }.results[0].taps)
        val asked = request { it.copy(options = it.options.copy(taps = listOf("resized"))) }
        assertEquals(setOf("resized"), run(asked) { _, _ -> HandingOn() }.results[0].taps.keys)
        val bare = run(asked) { _, _ -> Fake() }.results[0]
        assertEquals(emptyMap<String, Tap>() to null, bare.taps to bare.scaling)
    }

    @Test
    fun `a request for other intermediate outputs is refused in the bundle`() {
        val bundle = run(request { it.copy(options = it.options.copy(taps = listOf("margin"))) }) { _, _ -> Fake() }
        assertTrue(bundle.results[0].error!!.message, "margin" in bundle.results[0].error!!.message)
    }

    @Test
    fun `cases finished before a crash are already in the bundle`() {
        val out = folder.newFolder()
        val seen = mutableListOf<Int>()
        GoldenRun(request(), folder.root, out, ImageFile::decode, { _, _ -> Fake() }) {
            seen += Bundle.read(out).results.size
        }.run()
        assertEquals(listOf(1, 2, 3), seen)
    }

    @Test
    fun `a case that is repeated reports its runs`() {
        val seen = mutableListOf<Int>()
        val one = request { it.copy(cases = it.cases.take(1)) }
        GoldenRun(one, folder.root, folder.newFolder(), ImageFile::decode, { _, _ -> Fake() }, seen::add, 0.0) { }.run()
        assertEquals(listOf(1, 2, 3), seen)
        run(one) { _, _ -> Fake() }
        assertEquals(3, seen.size)
    }

    @Test
    fun `a test without a request says what to give`() {
        val test = object : GoldenTest() {
            override fun open(model: Model, options: SegmenterOptions) = Fake()
        }
        val error = assertThrows(IllegalStateException::class.java) { test.golden() }
        assertTrue(error.message, "goldmask.request" in error.message!!)
    }

    @Test
    fun `a request is read from the file that is named`() {
        val out = folder.newFolder()
        val file = File(folder.root, "request.json").apply { writeText(contract.encodeToString(request())) }
        val test = object : GoldenTest() {
            override fun open(model: Model, options: SegmenterOptions) = Fake()
        }
        try {
            System.setProperty("goldmask.request", file.path)
            System.setProperty("goldmask.out", out.path)
            test.golden()
        } finally {
            System.clearProperty("goldmask.request")
            System.clearProperty("goldmask.out")
        }
        assertEquals(3, Bundle.read(out).results.size)
    }
}
