package org.goldmask.interpreter

import android.graphics.Bitmap
import java.io.IOException
import java.io.RandomAccessFile
import java.nio.channels.FileChannel
import org.goldmask.segmenter.Delegate
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.Resize
import org.goldmask.segmenter.RuntimeInfo
import org.goldmask.segmenter.Scaling
import org.goldmask.segmenter.Segmentation
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.SegmenterOptions
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.TensorFlowLite

/**
 * [Segmenter] on the Interpreter Java API: with our pre- and post-processing, bit for bit as in docs/images.md.
 *
 * @throws SegmenterException of stage `init` for a model that does not load or a missing delegate
 */
open class InterpreterSegmenter(private val model: Model, private val options: SegmenterOptions) : Segmenter {
    private val delegate = InterpreterDelegate.open(options.delegate)
    private val interpreter = openInterpreter()
    private val graph: ModelGraph
    private val rgb = ByteArray(CHANNELS * model.input.width * model.input.height)
    private var pixels = IntArray(0)
    private var fixed: FixedResize? = null

    init {
        try {
            graph = ModelGraph(interpreter, model)
        } catch (error: SegmenterException) {
            close()
            throw error
        } catch (error: RuntimeException) { // sizes that the graph cannot have
            close()
            fail("the interpreter refuses ${model.file.name}: ${error.message?.trim()}", error)
        }
    }

    override val runtime = RuntimeInfo(
        name = "Interpreter Java API",
        version = TensorFlowLite.runtimeVersion(),
        delegate = options.delegate.word,
        // The Java API passes setNumThreads only to the CPU kernels; XNNPACK gets its own default, one thread.
        threads = if (options.delegate == Delegate.CPU) options.threads else 1,
        cpuThreads = options.threads
    )

    override fun segment(image: Bitmap): Segmentation {
        val began = System.nanoTime()
        resize(image, rgb)
        fill(graph.image, rgb)
        val prepared = System.nanoTime()
        try {
            graph.run()
        } catch (error: RuntimeException) {
            throw SegmenterException("inference", error.message ?: "the interpreter failed", error)
        }
        val inferred = System.nanoTime()
        val soft = if (model.output.isSoft) graph.mask.soft() else null
        val mask = soft?.mask() ?: read(graph.mask)
        val done = System.nanoTime()
        return Segmentation(
            mask,
            preprocessMs = (prepared - began) / NS_PER_MS,
            inferenceMs = (inferred - prepared) / NS_PER_MS,
            postprocessMs = (done - inferred) / NS_PER_MS,
            resized = rgb,
            tensor = graph.image.bytes,
            scaling = if (options.resize == Resize.PLATFORM) Scaling.PLATFORM_BILINEAR else Scaling.FIXED,
            soft = soft
        )
    }

    override fun close() {
        interpreter.close()
        delegate?.close()
    }

    /** Stage `resized`: [image] as RGB bytes of the model's size. */
    protected open fun resize(image: Bitmap, rgb: ByteArray) {
        if (options.resize == Resize.PLATFORM) {
            val scaled = Bitmap.createScaledBitmap(image, model.input.width, model.input.height, true)
            resizer(scaled).resize(pixels, rgb)
            if (scaled !== image) scaled.recycle()
        } else {
            resizer(image).resize(pixels, rgb)
        }
    }

    /** Stage `tensor`: RGB bytes of the model's size into its input tensor. */
    protected open fun fill(tensor: InputTensor, rgb: ByteArray) = tensor.fill(rgb)

    /** The mask of the output tensor. */
    protected open fun read(output: OutputMask): Mask = output.read()

    /** Reads the pixels of [image], and returns what resizes them. */
    private fun resizer(image: Bitmap): FixedResize {
        val (width, height) = image.width to image.height
        if (pixels.size != width * height) pixels = IntArray(width * height)
        image.getPixels(pixels, 0, width, 0, 0, width, height)
        return fixed?.takeIf { it.fits(width, height) }
            ?: FixedResize(width, height, model.input.width, model.input.height).also { fixed = it }
    }

    private fun openInterpreter(): Interpreter = try {
        val bytes = RandomAccessFile(model.file, "r").use {
            it.channel.map(FileChannel.MapMode.READ_ONLY, 0, it.length())
        }
        Interpreter(
            bytes,
            Interpreter.Options().apply {
                setNumThreads(options.threads)
                setUseXNNPACK(options.delegate == Delegate.XNNPACK)
                delegate?.let { addDelegate(it.delegate) }
            }
        )
    } catch (error: IOException) {
        delegate?.close()
        fail("${model.file} cannot be read: ${error.message}", error)
    } catch (error: RuntimeException) {
        delegate?.close()
        fail("the interpreter refuses ${model.file.name}: ${error.message?.trim()}", error)
    } catch (error: UnsatisfiedLinkError) {
        delegate?.close()
        fail("TensorFlow Lite's native library does not load: ${error.message}", error)
    }

    private fun fail(message: String, cause: Throwable? = null): Nothing =
        throw SegmenterException("init", message, cause)

    private companion object {
        const val CHANNELS = 3
        const val NS_PER_MS = 1e6
    }
}
