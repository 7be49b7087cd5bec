package com.example.camera

import android.graphics.Bitmap
import org.goldmask.golden.GoldenTest
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.RuntimeInfo
import org.goldmask.segmenter.Segmentation
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterOptions

class CameraGoldenTest : GoldenTest() {
    override fun open(model: Model, options: SegmenterOptions) = object : Segmenter {
        private val finder = PersonFinder(model.file, options.threads)

        override val runtime = RuntimeInfo("camera app", "1.0", "xnnpack", options.threads)

        override fun segment(image: Bitmap): Segmentation {
            val started = System.nanoTime()
            val rows = finder.find(image)
            val classes = rows.flatMap { row -> row.map(Int::toByte) }.toByteArray()
            val mask = Mask(rows[0].size, rows.size, classes)
            return Segmentation(
                mask,
                preprocessMs = 0.0,
                inferenceMs = (System.nanoTime() - started) / 1e6,
                postprocessMs = 0.0
            )
        }

        override fun close() = finder.close()
    }
}
