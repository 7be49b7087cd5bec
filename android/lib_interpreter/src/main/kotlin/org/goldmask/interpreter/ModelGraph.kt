package org.goldmask.interpreter

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.goldmask.segmenter.Constant
import org.goldmask.segmenter.Layout
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.SegmenterException
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor

/**
 * The image, the constants and the mask of a model: those of the first subgraph by their indices, or those of a
 * signature by their names.
 *
 * @throws SegmenterException of stage `init` for a model that does not have them
 */
internal class ModelGraph(private val interpreter: Interpreter, private val model: Model) {
    /** The image tensor. */
    val image: InputTensor

    /** The output that is the mask. */
    val mask: OutputMask

    private val constants: Map<Constant, ByteBuffer>

    init {
        val input = input(model.input.index, model.input.name)
        val wanted = with(model.input) {
            if (layout == Layout.NHWC) intArrayOf(1, height, width, depth) else intArrayOf(1, depth, height, width)
        }
        if (input.dataType().name != model.input.type.name) refuse(input, wanted)
        if (!input.shape().contentEquals(wanted)) {
            val open = input.shapeSignature()
            val fits = open.size == wanted.size && open.indices.all { open[it] in setOf(ANY, wanted[it]) }
            if (!fits || model.signature != null) refuse(input, wanted)
            interpreter.resizeInput(model.input.index, wanted)
            interpreter.allocateTensors()
        }
        val quantisation = input.quantizationParams()
        image = InputTensor(model.input, quantisation.scale, quantisation.zeroPoint)
        constants = model.constants.associateWith { buffer(it) }
        val output = tensor("output", model.output.index, model.output.name) {
            val (index, name) = model.output.index to model.output.name
            val signature = model.signature
            if (signature != null) {
                interpreter.getOutputTensorFromSignature(name, signature)
            } else {
                interpreter.getOutputTensor(index)
            }
        }
        mask = OutputMask(model.output, output.shape(), output.dataType(), output.numBytes())
    }

    /** Runs the graph on what [image] holds; [mask] can be read afterwards. */
    fun run() {
        constants.values.forEach { it.rewind() }
        mask.bytes.rewind()
        val signature = model.signature
        if (signature != null) {
            val inputs = constants.mapKeys { it.key.name } + (model.input.name!! to image.bytes)
            interpreter.runSignature(inputs, mapOf(model.output.name!! to mask.bytes), signature)
            return
        }
        val inputs = arrayOfNulls<Any>(interpreter.inputTensorCount)
        constants.forEach { (constant, values) -> inputs[constant.index] = values }
        inputs[model.input.index] = image.bytes
        interpreter.runForMultipleInputsOutputs(inputs, mapOf<Int, Any>(model.output.index to mask.bytes))
    }

    private fun input(index: Int, name: String?): Tensor = tensor("input", index, name) {
        val signature = model.signature
        if (signature != null) {
            interpreter.getInputTensorFromSignature(name, signature)
        } else {
            interpreter.getInputTensor(index)
        }
    }

    /** A tensor; the API has no types for half floats and others, and says so only as it is asked for one. */
    private fun tensor(what: String, index: Int, name: String?, find: () -> Tensor): Tensor = try {
        find()
    } catch (error: IllegalArgumentException) {
        val which = name ?: "$what $index"
        fail("the Interpreter Java API cannot have $which of this model: ${error.message?.trim()}", error)
    }

    private fun buffer(constant: Constant): ByteBuffer {
        val tensor = input(constant.index, constant.name)
        val count = tensor.numElements()
        val values = constant.values
        if (values.size != 1 && values.size != count) {
            fail("the input ${constant.name} has $count values, and ${values.size} are declared")
        }
        val bytes = ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder())
        for (index in 0 until count) {
            val value = values[if (values.size == 1) 0 else index]
            when (tensor.dataType()) {
                DataType.FLOAT32 -> bytes.putFloat(value.toFloat())
                DataType.INT32 -> bytes.putInt(value.toInt())
                DataType.INT64 -> bytes.putLong(value.toLong())
                DataType.INT16 -> bytes.putShort(value.toInt().toShort())
                DataType.UINT8, DataType.INT8 -> bytes.put(value.toInt().toByte())
                DataType.BOOL -> bytes.put(if (value != 0.0) 1.toByte() else 0.toByte())
                else -> fail("the input ${constant.name} is of ${tensor.dataType()}, which no constant is")
            }
        }
        return bytes
    }

    private fun refuse(input: Tensor, wanted: IntArray): Nothing =
        fail("the input is ${input.dataType()} ${input.shape().toList()}, not ${model.input.type} ${wanted.toList()}")

    private fun fail(message: String, cause: Throwable? = null): Nothing =
        throw SegmenterException("init", message, cause)

    private companion object {
        const val ANY = -1
    }
}
