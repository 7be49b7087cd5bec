package org.goldmask.task

import org.goldmask.golden.GoldenTest
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.SegmenterOptions

class TaskGoldenTest : GoldenTest() {
    override fun open(model: Model, options: SegmenterOptions) = TaskSegmenter(model, options)
}
