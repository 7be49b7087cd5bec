package org.goldmask.interpreter

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.SegmenterException
import org.tensorflow.lite.DataType

/**
 * The category mask of an output tensor: the class with the highest score of `[1, height, width, classes]` (of equal
 * scores the lowest index, as in TFLite's ARG_MAX), or the classes of `[1, height, width]` themselves.
 *
 * @throws SegmenterException of stage `init` for any other tensor
 */
class OutputMask(private val kind: OutputKind, shape: IntArray, private val type: DataType, byteSize: Int) {
    /** The tensor's bytes, for the interpreter to fill. */
    val bytes: ByteBuffer = ByteBuffer.allocateDirect(byteSize).order(ByteOrder.nativeOrder())

    private val height: Int
    private val width: Int
    private val classes: Int
    private val row: FloatArray

    init {
        val dimensions = if (kind == OutputKind.LOGITS) SCORES_RANK else SCORES_RANK - 1
        // A class map may keep a last axis of one.
        val fits =
            shape.size == dimensions || kind == OutputKind.CLASSES && shape.size == SCORES_RANK && shape.last() == 1
        if (!fits || shape[0] != 1 || shape.any { it < 1 }) {
            throw SegmenterException("init", "output ${shape.toList()} is not a mask of kind ${kind.name.lowercase()}")
        }
        height = shape[1]
        width = shape[2]
        classes = if (kind == OutputKind.LOGITS) shape[SCORES_RANK - 1] else 1
        row = FloatArray(width * classes)
    }

    /**
     * The mask of [bytes].
     *
     * @throws SegmenterException of stage `postprocess` for scores that are NaN and classes beyond 255
     */
    fun read(): Mask {
        bytes.rewind()
        val mask = ByteArray(width * height)
        for (y in 0 until height) {
            readRow(y)
            if (kind == OutputKind.LOGITS) bestOfRow(mask, y * width) else classesOfRow(mask, y * width)
        }
        return Mask(width, height, mask)
    }

    private fun bestOfRow(mask: ByteArray, start: Int) {
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
            mask[start + x] = winner.toByte()
            offset += classes
        }
    }

    private fun classesOfRow(mask: ByteArray, start: Int) {
        for (x in 0 until width) {
            val value = row[x]
            if (!(value >= 0 && value < MAX_CLASSES)) {
                throw SegmenterException("postprocess", "the class map has a value $value; masks hold 0 to 255")
            }
            mask[start + x] = value.toInt().toByte()
        }
    }

    /** Scores as floats: exact for every 8-bit step, and for every class index that a mask can hold. */
    private fun readRow(y: Int) {
        val start = y * row.size
        when (type) {
            DataType.FLOAT32 -> bytes.asFloatBuffer().apply { position(start) }.get(row)
            DataType.INT8 -> for (index in row.indices) row[index] = bytes.get(start + index).toFloat()
            DataType.UINT8 -> for (index in row.indices) {
                row[index] =
                    (bytes.get(start + index).toInt() and BYTE).toFloat()
            }
            DataType.INT32 -> for (index in row.indices) {
                row[index] =
                    bytes.getInt(Int.SIZE_BYTES * (start + index)).toFloat()
            }
            DataType.INT64 -> for (index in row.indices) {
                row[index] =
                    bytes.getLong(Long.SIZE_BYTES * (start + index)).toFloat()
            }
            else -> throw SegmenterException("postprocess", "an output of type $type is not a mask")
        }
    }

    private fun notANumber(): Nothing = throw SegmenterException("postprocess", "the output has NaN scores")

    private companion object {
        const val SCORES_RANK = 4
        const val MAX_CLASSES = 256
        const val BYTE = 0xff
    }
}
