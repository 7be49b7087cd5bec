package org.goldmask.sabotage

import android.graphics.Bitmap
import org.goldmask.golden.GoldenTest
import org.goldmask.interpreter.InterpreterSegmenter
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.Segmentation
import org.goldmask.segmenter.SegmenterOptions

/** The real segmenter, which takes a tenth more time for each image: `bench` must notice. */
class WastefulGoldenTest : GoldenTest() {
    override fun open(model: Model, options: SegmenterOptions) = Wasteful(model, options)
}

class Wasteful(model: Model, options: SegmenterOptions) : InterpreterSegmenter(model, options) {
    override fun segment(image: Bitmap): Segmentation {
        val found = super.segment(image)
        val wasteMs = WASTE * (found.preprocessMs + found.inferenceMs + found.postprocessMs)
        val end = System.nanoTime() + (wasteMs * NS_PER_MS).toLong()
        while (System.nanoTime() < end) Thread.onSpinWait()
        return Segmentation(
            found.mask,
            found.preprocessMs,
            found.inferenceMs,
            found.postprocessMs + wasteMs,
            found.resized,
            found.tensor
        )
    }

    private companion object {
        const val WASTE = 0.1
        const val NS_PER_MS = 1e6
    }
}
