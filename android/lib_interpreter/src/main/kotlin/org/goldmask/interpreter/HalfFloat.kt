package org.goldmask.interpreter

/** IEEE 754 half floats, which neither Kotlin nor the Interpreter Java API has. */
internal object HalfFloat {
    private const val SIGN = 0x8000
    private const val INFINITY = 0x7c00
    private const val QUIET = 0x200

    /** The least float32 that rounds to infinity, and 2^-14, the least that is a normal half float. */
    private const val TOO_LARGE = 65520f
    private const val LEAST_NORMAL = 6.1035156e-5f

    /** 2^-24, the least half float. */
    private const val LEAST = 5.9604645e-8f
    private const val MANTISSA_BITS = 13
    private const val REBIAS = 112 shl 10

    /** The bits of the half float next to [value]; of two as near, the even one. */
    fun bits(value: Float): Int {
        val all = value.toRawBits()
        val sign = all ushr 16 and SIGN
        val size = Math.abs(value)
        return sign or when {
            value.isNaN() -> INFINITY or QUIET
            size >= TOO_LARGE -> INFINITY
            // Division by a power of two is exact, and rint rounds to even.
            size < LEAST_NORMAL -> Math.rint((size / LEAST).toDouble()).toInt()
            else -> {
                val magnitude = all and Int.MAX_VALUE
                val odd = magnitude ushr MANTISSA_BITS and 1
                (magnitude + (1 shl MANTISSA_BITS - 1) - 1 + odd ushr MANTISSA_BITS) - REBIAS
            }
        }
    }
}
