package org.goldmask.golden

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

/** What TensorFlow Lite logs about its delegates on Android, as 2.9, 2.14, 2.16 and LiteRT 2.3 write it. */
class DelegateLogTest {
    private val started = "I/tflite: Initialized TensorFlow Lite runtime.\n"
    private val created = "I/tflite: Created TensorFlow Lite XNNPACK delegate for CPU.\n"

    private fun replacing(nodes: String, delegate: String = "TfLiteXNNPackDelegate", end: String = "the whole graph.") =
        "I/tflite: Replacing $nodes node(s) with delegate ($delegate) node, yielding 3 partitions for $end\n"

    private fun read(text: String) = DelegateLog.read(text, isWhole = false)

    @Test
    fun `all of a graph and some of it`() {
        for ((taken, all) in listOf(70 to 70, 57 to 59)) {
            val expected = Delegation("xnnpack", DelegatedNodes(taken, all))
            assertEquals(expected, read(started + created + replacing("$taken out of $all")))
        }
    }

    @Test
    fun `a delegate that is created but takes nothing does not count`() {
        assertEquals(Delegation("cpu"), read(started + created))
        assertEquals(Delegation("cpu"), read(created + replacing("0 out of 3")))
        assertEquals(Delegation("cpu"), read("Created TensorFlow Lite delegate for GPU."))
    }

    @Test
    fun `without a delegate`() {
        assertEquals(Delegation("cpu"), read(started))
        assertEquals(Delegation("cpu"), DelegateLog.read("", isWhole = true))
        assertNull(read("I/app: nothing of interest"))
    }

    @Test
    fun `a runtime that does not log the total`() {
        val text = created + "Replacing 70 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 partitions.\n"
        assertEquals(Delegation("xnnpack"), read(text))
    }

    @Test
    fun `other delegates by their names`() {
        for ((name, word) in listOf(
            "TfLiteGpuDelegateV2" to "gpu",
            "TfLiteNnapiDelegate" to "nnapi",
            "SomeVendor" to "SomeVendor"
        )) {
            assertEquals(Delegation(word, DelegatedNodes(3, 4)), read(replacing("3 out of 4", name)))
        }
    }

    @Test
    fun `the remaining nodes may go to another delegate`() {
        val both = replacing("60 out of 70", "TfLiteGpuDelegateV2") + replacing("5 out of 11")
        assertEquals(Delegation("gpu", DelegatedNodes(60, 70)), read(both))
    }

    @Test
    fun `subgraphs of loops and branches are not the model's own`() {
        val graph = replacing("3 out of 9", end = "subgraph 0 (main).")
        val loop = replacing("8 out of 8", end = "subgraph 1 (while_body).")
        assertEquals(Delegation("xnnpack", DelegatedNodes(3, 9)), read(graph + loop))
        assertEquals(Delegation("cpu"), read(started + loop))
    }
}
