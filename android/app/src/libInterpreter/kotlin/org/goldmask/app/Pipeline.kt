package org.goldmask.app

import org.goldmask.interpreter.InterpreterSegmenter
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterOptions

/** What this flavour of the app draws masks with. */
object Pipeline {
    fun open(model: Model, options: SegmenterOptions): Segmenter = InterpreterSegmenter(model, options)
}
