package org.goldmask.segmenter

import android.graphics.Bitmap
import java.io.File
import java.nio.ByteBuffer

/** A loaded segmentation model. Use it from one thread at a time. */
interface Segmenter : AutoCloseable {
    /** What runs the model, as far as the segmenter knows. */
    val runtime: RuntimeInfo

    /**
     * The category mask of an upright, opaque ARGB_8888 image of any size.
     *
     * @throws SegmenterException with the stage that failed
     */
    fun segment(image: Bitmap): Segmentation
}

/**
 * A runtime's [name] and [version], the [delegate] that runs the model (`cpu` for none) and its [threads]:
 * what really runs, which may differ from the request. [cpuThreads] run the nodes that the delegate leaves to the CPU.
 */
data class RuntimeInfo @JvmOverloads constructor(
    val name: String,
    val version: String,
    val delegate: String,
    val threads: Int,
    val cpuThreads: Int = threads
)

/** Class indices 0 to 255, row by row, as bytes. */
class Mask(val width: Int, val height: Int, val classes: ByteArray) {
    init {
        require(classes.size == width * height) { "${classes.size} classes are not a mask of $width×$height" }
    }
}

/**
 * The mask that a model predicts for one image, with the latency of each stage in milliseconds.
 *
 * [resized] are RGB bytes row by row, [tensor] is the input tensor, little-endian; null if the segmenter has no access
 * to them. Both are the segmenter's own buffers and keep their content until its next call.
 */
class Segmentation(
    val mask: Mask,
    val preprocessMs: Double,
    val inferenceMs: Double,
    val postprocessMs: Double,
    val resized: ByteArray? = null,
    val tensor: ByteBuffer? = null
)

/** The model in [file], with what a segmenter needs to fill its input and to read its output. */
class Model(val file: File, val labels: List<String>, val input: ImageInput, val output: MaskOutput)

/** The image tensor `[1, height, width, 3]` and its normalisation `(pixel - mean) / std`; one value or three each. */
class ImageInput(val height: Int, val width: Int, val type: TensorType, val mean: FloatArray, val std: FloatArray)

/** The output that is the mask. */
class MaskOutput(val index: Int, val kind: OutputKind)

/** The type of an input tensor's values. */
enum class TensorType { FLOAT32, UINT8, INT8 }

/** Scores `[1, height, width, classes]`, or class indices `[1, height, width]`. */
enum class OutputKind { LOGITS, CLASSES }

/** What runs the nodes: the runtime's own kernels (`CPU`), or a delegate. */
enum class Delegate {
    CPU,
    XNNPACK,
    GPU,
    NNAPI
    ;

    /** The spelling in requests and bundles. */
    val word: String get() = name.lowercase()
}

/** How to scale an image to the model's size: bit for bit the same everywhere, or with the platform's own method. */
enum class Resize { FIXED, PLATFORM }

/** How to run a model. */
class SegmenterOptions(
    val threads: Int = 2,
    val delegate: Delegate = Delegate.XNNPACK,
    val resize: Resize = Resize.FIXED
)

/** Why there is no mask: the [stage] (`init`, `decode`, `preprocess`, `inference`, `postprocess`) and a sentence. */
class SegmenterException(val stage: String, message: String, cause: Throwable? = null) : Exception(message, cause)
