package org.goldmask.interpreter

import kotlin.math.exp
import org.goldmask.segmenter.MaskOutput
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.SoftMask

/**
 * Scores as a soft mask, as in Python's contract/soft_output.py: a probability as it is, the sigmoid of a logit, or the
 * softmax of several at the foreground's class, in doubles and rounded once.
 */
internal object SoftOutput {
    /** Rounding of a runtime's own sigmoid or softmax; what is farther outside of 0 to 1 is no probability. */
    private const val SLACK = 1e-3f

    /**
     * The soft mask of [width] × [height] pixels with [classes] of the [scores] each, side by side.
     *
     * @throws SegmenterException of stage `postprocess` for NaN, and for what is no probability
     */
    fun read(output: MaskOutput, width: Int, height: Int, classes: Int, scores: FloatArray): SoftMask {
        val foreground = output.foreground ?: 0
        if (foreground >= classes || (output.foreground == null && classes != 1)) {
            fail("the output has $classes values for each pixel, and ${output.foreground ?: "one"} is asked for")
        }
        if (scores.any { it.isNaN() }) fail("the output has NaN scores")
        val values = FloatArray(width * height) { pixel ->
            val value = scores[pixel * classes + foreground]
            when {
                output.kind == OutputKind.PROBABILITY -> probability(value)
                classes == 1 -> (1 / (1 + exp(-value.toDouble()))).toFloat()
                else -> softmax(scores, pixel * classes, classes, foreground)
            }
        }
        return SoftMask(width, height, values, output.threshold)
    }

    private fun probability(value: Float): Float {
        if (value < -SLACK || value > 1 + SLACK) fail("the output has a value $value, which is no probability")
        return value.coerceIn(0f, 1f)
    }

    private fun softmax(scores: FloatArray, start: Int, classes: Int, index: Int): Float {
        var most = scores[start].toDouble()
        for (at in start until start + classes) most = maxOf(most, scores[at].toDouble())
        var sum = 0.0
        for (at in start until start + classes) sum += exp(scores[at] - most)
        return (exp(scores[start + index] - most) / sum).toFloat()
    }

    private fun fail(message: String): Nothing = throw SegmenterException("postprocess", message)
}
