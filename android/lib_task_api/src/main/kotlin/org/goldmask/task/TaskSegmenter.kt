package org.goldmask.task

import android.graphics.Bitmap
import org.goldmask.segmenter.Delegate
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.Resize
import org.goldmask.segmenter.RuntimeInfo
import org.goldmask.segmenter.Segmentation
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.SegmenterOptions
import org.goldmask.segmenter.TensorType
import org.tensorflow.lite.support.image.TensorImage
import org.tensorflow.lite.task.core.BaseOptions
import org.tensorflow.lite.task.vision.segmenter.ImageSegmenter
import org.tensorflow.lite.task.vision.segmenter.OutputType

/**
 * [Segmenter] on the Task Library's ImageSegmenter, which itself resizes, normalises and takes the argmax, by the
 * model's metadata.
 *
 * @throws SegmenterException of stage `init` for a model that does not load or an option that the library lacks
 */
class TaskSegmenter(model: Model, options: SegmenterOptions) : Segmenter {
    private val segmenter: ImageSegmenter = open(model, options)

    override val runtime = RuntimeInfo("Task Library", VERSION, options.delegate.word, options.threads)

    override fun segment(image: Bitmap): Segmentation {
        val began = System.nanoTime()
        val tensor = TensorImage.fromBitmap(image)
        val prepared = System.nanoTime()
        val found = try {
            segmenter.segment(tensor)
        } catch (error: RuntimeException) {
            throw SegmenterException("inference", error.message ?: "the Task Library failed", error)
        }
        val inferred = System.nanoTime()
        val category = found.firstOrNull()?.masks?.firstOrNull()
            ?: throw SegmenterException("postprocess", "the Task Library returned no category mask")
        val classes = ByteArray(category.width * category.height)
        category.buffer.apply { rewind() }.get(classes)
        val mask = Mask(category.width, category.height, classes)
        val done = System.nanoTime()
        return Segmentation(
            mask,
            preprocessMs = (prepared - began) / NS_PER_MS,
            inferenceMs = (inferred - prepared) / NS_PER_MS,
            postprocessMs = (done - inferred) / NS_PER_MS
        )
    }

    override fun close() = segmenter.close()

    private companion object {
        /** The library's version, which it does not expose. */
        const val VERSION = "0.4.4"
        const val NS_PER_MS = 1e6

        fun open(model: Model, options: SegmenterOptions): ImageSegmenter {
            if (model.input.type == TensorType.INT8) fail("the Task Library takes float32 and uint8 images, not int8")
            if (options.resize != Resize.FIXED) {
                fail("the Task Library resizes by itself; there is no other resize to choose")
            }
            val base = BaseOptions.builder().setNumThreads(options.threads)
            when (options.delegate) {
                Delegate.XNNPACK -> Unit
                Delegate.CPU -> fail("the Task Library chooses XNNPACK by itself, and has no switch to leave it out")
                Delegate.GPU -> base.useGpu()
                Delegate.NNAPI -> base.useNnapi()
            }
            return try {
                ImageSegmenter.createFromFileAndOptions(
                    model.file,
                    ImageSegmenter.ImageSegmenterOptions.builder()
                        .setBaseOptions(base.build())
                        .setOutputType(OutputType.CATEGORY_MASK)
                        .build()
                )
            } catch (error: RuntimeException) {
                fail("the Task Library refuses ${model.file.name}: ${error.message?.trim()}", error)
            } catch (error: UnsatisfiedLinkError) {
                fail("the Task Library's native library does not load: ${error.message}", error)
            }
        }

        fun fail(message: String, cause: Throwable? = null): Nothing = throw SegmenterException("init", message, cause)
    }
}
