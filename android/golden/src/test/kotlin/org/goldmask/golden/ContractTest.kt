package org.goldmask.golden

import java.io.File
import kotlinx.serialization.encodeToString
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import org.goldmask.segmenter.Delegate
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.TensorType
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** On the same sample files as Python's tests. */
class ContractTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Test
    fun `the sample request is read`() {
        val request = Request.read(sample("samples/request.json"))
        assertEquals(listOf("flag", "broken"), request.cases.map { it.id })
        assertEquals(6, request.cases[1].orientation)
        val model = request.model.model(File("/models"))
        assertEquals(File("/models/tiny.tflite"), model.file)
        assertEquals(TensorType.FLOAT32, model.input.type)
        assertEquals(OutputKind.LOGITS, model.output.kind)
        val options = request.options.copy(taps = emptyList()).segmenterOptions()
        assertEquals(Delegate.XNNPACK to 2, options.delegate to options.threads)
    }

    @Test
    fun `intermediate outputs and delegates that Android does not have are refused`() {
        val options = Request.read(sample("samples/request.json")).options
        val taps = assertThrows(ContractException::class.java) { options.segmenterOptions() }
        assertTrue(taps.message, "margin" in taps.message!!)
        val delegate = assertThrows(ContractException::class.java) {
            options.copy(taps = emptyList(), delegate = "metal").segmenterOptions()
        }
        assertTrue(delegate.message, "metal" in delegate.message!!)
    }

    @Test
    fun `the sample bundle survives reading and writing`() {
        val bundle = Bundle.read(sample("samples/bundle.json").parentFile!!)
        bundle.write(folder.root)
        assertEquals(bundle, Bundle.read(folder.root))
        val (ours, theirs) = listOf(folder.root, sample("samples/bundle.json").parentFile!!)
            .map { Json.parseToJsonElement(File(it, Bundle.FILE_NAME).readText()) }
        assertEquals(theirs, ours)
        assertEquals(listOf(Bundle.FILE_NAME), folder.root.list()!!.toList())
    }

    @Test
    fun `a runtime without nodes is written without their key`() {
        val bundle = Bundle.read(sample("samples/bundle.json").parentFile!!)
        assertEquals(DelegatedNodes(69, 70), bundle.runtime.nodes)
        bundle.copy(runtime = bundle.runtime.copy(nodes = null)).write(folder.root)
        assertTrue("nodes" !in File(folder.root, Bundle.FILE_NAME).readText())
        assertEquals(null, Bundle.read(folder.root).runtime.nodes)
    }

    @Test
    fun `a file that breaks the contract is refused with the key`() {
        for ((old, new, word) in listOf(
            Triple("\"schema\": 1", "\"schema\": 2", "schema"),
            Triple("\"threads\": 2", "\"threads\": 0", "threads"),
            Triple("\"threads\": 2", "\"thread\": 2", "thread"),
            Triple("\"orientation\": 6", "\"orientation\": 9", "orientation"),
            Triple("\"id\": \"broken\"", "\"id\": \"flag\"", "twice"),
            Triple("\"id\": \"broken\"", "\"id\": \"../flag\"", "name"),
            Triple("\"dtype\": \"float32\"", "\"dtype\": \"float64\"", "dtype"),
            Triple("\"kind\": \"logits\"", "\"kind\": \"boxes\"", "kind"),
            Triple("\"sha256\": \"9372", "\"sha256\": \"x372", "sha256"),
            Triple("127.5\n      ],\n      \"std\": [\n        127.5", "127.5\n ],\n \"std\": [\n 0", "std")
        )) {
            val error = assertThrows(ContractException::class.java) { Request.read(edited("request.json", old, new)) }
            assertTrue("$new: ${error.message}", word in error.message!!)
        }
        for ((old, new, word) in listOf(
            Triple("\"status\": \"ok\"", "\"status\": \"fine\"", "status"),
            Triple("\"mask\": \"masks/flag.png\",", "", "mask"),
            Triple("\"status\": \"ok\"", """"status": "ok", "error": {"stage": "a", "message": "b"}""", "exclude"),
            Triple("\"status\": \"error\"", """"status": "error", "mask": "masks/broken.png"""", "exclude"),
            Triple("\"case\": \"broken\"", "\"case\": \"flag\"", "two"),
            Triple("\"delegated\": 69", "\"delegated\": 71", "71 of 70"),
            Triple("\"delegated\": 69", "\"delegated\": 0", "nodes"),
            Triple("\"delegate\": \"xnnpack\"", "\"delegate\": \"cpu\"", "nodes")
        )) {
            val error = assertThrows(ContractException::class.java) {
                Bundle.read(edited("bundle.json", old, new).parentFile!!)
            }
            assertTrue("$new: ${error.message}", word in error.message!!)
        }
    }

    @Test
    fun `no file and no JSON`() {
        assertThrows(ContractException::class.java) { Request.read(File(folder.root, "none.json")) }
        assertThrows(ContractException::class.java) { Request.read(folder.newFile().apply { writeText("{") }) }
    }

    @Test
    fun `a result without a mask is written without the mask's keys`() {
        val failed = Result(case = "a", imageSha256 = "0".repeat(64), status = "error", error = Failure("init", "no"))
        val json: JsonElement = Json.parseToJsonElement(contract.encodeToString(failed))
        assertTrue(json.toString(), "mask" !in json.toString())
    }

    private fun edited(name: String, old: String, new: String): File {
        val text = sample("samples/$name").readText()
        check(old in text) { "$name has no $old" }
        return File(folder.root, name).apply { writeText(text.replaceFirst(old, new)) }
    }
}
