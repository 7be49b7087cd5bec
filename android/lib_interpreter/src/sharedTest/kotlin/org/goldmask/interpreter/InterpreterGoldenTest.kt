package org.goldmask.interpreter

import org.goldmask.golden.GoldenTest
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.SegmenterOptions

class InterpreterGoldenTest : GoldenTest() {
    override fun open(model: Model, options: SegmenterOptions) = InterpreterSegmenter(model, options)
}
