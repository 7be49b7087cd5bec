package org.goldmask.segmenter

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Input tensors as [Segmentation] hands them on, for apps whose runtime takes arrays and no ByteBuffer. */
object TensorBytes {
    /** The bytes of float32 [values] in the order of the tensor. */
    @JvmStatic
    fun of(values: FloatArray): ByteBuffer = ByteBuffer.allocateDirect(values.size * Float.SIZE_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .apply { asFloatBuffer().put(values) }

    /** The bytes of a float32 tensor `[1, height, width, 3]` in nested arrays. */
    @JvmStatic
    fun of(values: Array<Array<Array<FloatArray>>>): ByteBuffer =
        of(values.flatMap { image -> image.flatMap { row -> row.flatMap(FloatArray::asList) } }.toFloatArray())
}
