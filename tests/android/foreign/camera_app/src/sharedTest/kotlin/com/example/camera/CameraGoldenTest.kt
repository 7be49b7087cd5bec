package com.example.camera

import android.graphics.Bitmap
import org.goldmask.golden.GoldenTest
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.RuntimeInfo
import org.goldmask.segmenter.Scaling
import org.goldmask.segmenter.Segmentation
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterOptions
import org.goldmask.segmenter.TensorBytes

open class CameraGoldenTest : GoldenTest() {
    protected open fun finder(model: Model, threads: Int) = PersonFinder(model.file, threads)

    override fun open(model: Model, options: SegmenterOptions) = object : Segmenter {
        private val finder = finder(model, options.threads)

        override val runtime = RuntimeInfo("camera app", "1.0", "xnnpack", options.threads)

        override fun segment(image: Bitmap): Segmentation {
            val started = System.nanoTime()
            val rows = finder.find(image)
            return Segmentation(
                Mask.of(rows),
                preprocessMs = 0.0,
                inferenceMs = (System.nanoTime() - started) / 1e6,
                postprocessMs = 0.0,
                resized = ImageFile.rgb(finder.small),
                tensor = TensorBytes.of(finder.input),
                scaling = Scaling.PLATFORM_BILINEAR
            )
        }

        override fun close() = finder.close()
    }
}
