package org.goldmask.interpreter

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.floor
import org.goldmask.segmenter.Layout
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.MaskOutput
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.SoftMask
import org.tensorflow.lite.DataType

/**
 * The category mask of an output tensor of [shape]: the class with the highest score (of equal scores the lowest index,
 * as in TFLite's ARG_MAX), or the numbers of a class map themselves.
 *
 * The values lie row by row, whatever the tensor's rank: the scores of a pixel side by side (NHWC), or those of a class
 * (NCHW). A mask of more than 256 classes has 16 bits.
 *
 * @throws SegmenterException of stage `init` for any other tensor
 */
class OutputMask(
    private val output: MaskOutput,
    private val shape: IntArray,
    private val type: DataType,
    byteSize: Int
) {
    /** The tensor's bytes, for the interpreter to fill. */
    val bytes: ByteBuffer = ByteBuffer.allocateDirect(byteSize).order(ByteOrder.nativeOrder())

    private val isMap = output.kind == OutputKind.CLASSES
    private val height: Int
    private val width: Int
    private val classes: Int
    private val wide: Boolean
    private val row: FloatArray

    init {
        if (type !in TYPES) refuse("is of $type, which is no mask")
        if (shape.any { it < 1 }) refuse("has no size")
        val values = shape.fold(1L) { product, side -> product * side }
        val (rows, columns, scores) = if (output.height != null && output.width != null) {
            val pixels = output.height!!.toLong() * output.width!!
            Triple(output.height!!, output.width!!, output.classes ?: (values / pixels).toInt())
        } else {
            sides()
        }
        height = rows
        width = columns
        classes = if (isMap) 1 else scores
        val asked = if (isMap) 1 else output.classes ?: classes
        if (values != height.toLong() * width * classes || asked != classes) {
            refuse("is not ${if (isMap) "$height×$width class numbers" else "$height×$width×$asked scores"}")
        }
        val numbers = if (isMap) output.classes ?: 1 else classes
        wide = maxOf(numbers - 1, output.ignore ?: 0) >= BYTE_CLASSES
        row = FloatArray(if (output.layout == Layout.NHWC) width * classes else width)
    }

    /** Height, width and classes of a tensor whose own shape has them. */
    private fun sides(): Triple<Int, Int, Int> = when {
        shape.size == 4 && shape[0] == 1 && !isMap && output.layout == Layout.NHWC ->
            Triple(shape[1], shape[2], shape[3])
        shape.size == 4 && shape[0] == 1 && !isMap -> Triple(shape[2], shape[3], shape[1])
        shape.size == 2 && isMap -> Triple(shape[0], shape[1], 1)
        shape.size == 3 && shape[0] == 1 && isMap -> Triple(shape[1], shape[2], 1)
        shape.size == 4 && shape[0] == 1 && isMap && shape[3] == 1 -> Triple(shape[1], shape[2], 1)
        shape.size == 4 && shape[0] == 1 && isMap && shape[1] == 1 -> Triple(shape[2], shape[3], 1)
        else -> refuse("has no rows and columns of kind ${output.kind.name.lowercase()} that it names")
    }

    /**
     * The mask of [bytes].
     *
     * @throws SegmenterException of stage `postprocess` for scores that are NaN, and for numbers that are no classes
     */
    fun read(): Mask {
        bytes.rewind()
        val winners = IntArray(width * height)
        val best = FloatArray(if (isMap || output.layout == Layout.NHWC) 0 else width)
        for (y in 0 until height) {
            when {
                isMap -> classesOfRow(winners, y)
                output.layout == Layout.NHWC -> bestOfRow(winners, y)
                else -> bestOfPlanes(winners, best, y)
            }
        }
        return Mask(width, height, packed(winners), if (wide) WIDE_DEPTH else Mask.DEPTH)
    }

    /**
     * The soft mask of [bytes], of an output that makes one.
     *
     * @throws SegmenterException of stage `postprocess` for scores that are NaN, and for what is no probability
     */
    fun soft(): SoftMask {
        bytes.rewind()
        val scores = FloatArray(width * height * classes)
        val rows = if (output.layout == Layout.NHWC) height else height * classes
        for (start in 0 until rows) {
            readRow(start * row.size)
            if (output.layout == Layout.NHWC) {
                row.copyInto(scores, start * row.size)
            } else {
                for (x in 0 until width) scores[(start % height * width + x) * classes + start / height] = row[x]
            }
        }
        if (type != DataType.FLOAT32) {
            if (output.scale == 0f) fail("the output is of $type without a scale, and no step of it is worth anything")
            val zero = output.zeroPoint.toFloat()
            for (index in scores.indices) scores[index] = (scores[index] - zero) * output.scale
        }
        return SoftOutput.read(output, width, height, classes, scores)
    }

    private fun packed(classes: IntArray): ByteArray {
        if (!wide) return ByteArray(classes.size) { classes[it].toByte() }
        return ByteArray(2 * classes.size) { (classes[it / 2] shr if (it % 2 == 0) Byte.SIZE_BITS else 0).toByte() }
    }

    private fun bestOfRow(mask: IntArray, y: Int) {
        readRow(y * row.size)
        var offset = 0
        for (x in 0 until width) {
            var best = row[offset]
            var winner = 0
            if (best.isNaN()) notANumber()
            for (index in 1 until classes) {
                val score = row[offset + index]
                if (score > best) {
                    best = score
                    winner = index
                } else if (score.isNaN()) {
                    notANumber()
                }
            }
            mask[y * width + x] = winner
            offset += classes
        }
    }

    private fun bestOfPlanes(mask: IntArray, best: FloatArray, y: Int) {
        for (index in 0 until classes) {
            readRow((index * height + y) * width)
            for (x in 0 until width) {
                val score = row[x]
                if (score.isNaN()) notANumber()
                if (index == 0 || score > best[x]) {
                    best[x] = score
                    mask[y * width + x] = index
                }
            }
        }
    }

    private fun classesOfRow(mask: IntArray, y: Int) {
        readRow(y * width)
        val most = if (wide) WIDE_CLASSES else BYTE_CLASSES
        for (x in 0 until width) {
            val value = row[x]
            if (!(value >= 0 && value < most)) {
                fail("the class map has a value $value; masks hold 0 to ${most - 1}")
            }
            if (value != floor(value)) fail("the class map has a value $value; class numbers are whole")
            mask[y * width + x] = value.toInt()
        }
    }

    /** Values as floats: exact for every step of 16 bits, and for every class that a mask can hold. */
    private fun readRow(start: Int) {
        when (type) {
            DataType.FLOAT32 -> bytes.asFloatBuffer().apply { position(start) }.get(row)
            DataType.INT8 -> for (index in row.indices) row[index] = bytes.get(start + index).toFloat()
            DataType.UINT8 -> for (index in row.indices) {
                row[index] = (bytes.get(start + index).toInt() and BYTE).toFloat()
            }
            DataType.INT16 -> for (index in row.indices) {
                row[index] = bytes.getShort(Short.SIZE_BYTES * (start + index)).toFloat()
            }
            DataType.INT32 -> for (index in row.indices) {
                row[index] = bytes.getInt(Int.SIZE_BYTES * (start + index)).toFloat()
            }
            DataType.INT64 -> for (index in row.indices) {
                row[index] = bytes.getLong(Long.SIZE_BYTES * (start + index)).toFloat()
            }
            else -> fail("an output of type $type is not a mask")
        }
    }

    private fun notANumber(): Nothing = fail("the output has NaN scores")

    private fun fail(message: String): Nothing = throw SegmenterException("postprocess", message)

    private fun refuse(what: String): Nothing =
        throw SegmenterException("init", "the output is $type ${shape.toList()}, and $what")

    private companion object {
        const val WIDE_DEPTH = 16
        const val BYTE_CLASSES = 256
        const val WIDE_CLASSES = 65536
        const val BYTE = 0xff
        val TYPES = setOf(
            DataType.FLOAT32,
            DataType.INT8,
            DataType.UINT8,
            DataType.INT16,
            DataType.INT32,
            DataType.INT64
        )
    }
}
