package org.goldmask.app

import org.goldmask.segmenter.Model
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterOptions
import org.goldmask.task.TaskSegmenter

/** The segmenter of this flavour of the app. */
object Pipeline {
    fun open(model: Model, options: SegmenterOptions): Segmenter = TaskSegmenter(model, options)
}
