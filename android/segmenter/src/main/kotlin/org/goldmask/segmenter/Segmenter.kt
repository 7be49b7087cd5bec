package org.goldmask.segmenter

import android.graphics.Bitmap
import java.io.File
import java.nio.ByteBuffer

/** A loaded segmentation model. Use it from one thread at a time. */
interface Segmenter : AutoCloseable {
    /** What runs the model, as far as the segmenter can know. */
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
 * what really runs, which is not always what was asked for. [cpuThreads] have what the delegate leaves to the CPU.
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
        require(classes.size == width * height) { "${classes.size} classes are no mask of $width×$height" }
    }
}

/**
 * One image through a model.
 *
 * [resized] are RGB bytes row by row, [tensor] is the input tensor, little-endian; null where the segmenter does not
 * see them. Both are the segmenter's own buffers and keep their content until its next call.
 */
class Segmentation(
    val mask: Mask,
    val preprocessMs: Double,
    val inferenceMs: Double,
    val postprocessMs: Double,
    val resized: ByteArray? = null,
    val tensor: ByteBuffer? = null
)

/** The model in [file] and what has to be known of it to feed it and to read its output. */
class Model(val file: File, val labels: List<String>, val input: ImageInput, val output: MaskOutput)

/** The image tensor `[1, height, width, 3]` and its normalisation `(pixel - mean) / std`; one value or three each. */
class ImageInput(val height: Int, val width: Int, val type: TensorType, val mean: FloatArray, val std: FloatArray)

/** Which output makes the mask. */
class MaskOutput(val index: Int, val kind: OutputKind)

/** The type of an input tensor's values. */
enum class TensorType { FLOAT32, UINT8, INT8 }

/** Scores `[1, height, width, classes]`, or class indices `[1, height, width]`. */
enum class OutputKind { LOGITS, CLASSES }

/** What computes: the runtime's own kernels, or what they can be handed to. */
enum class Delegate {
    CPU,
    XNNPACK,
    GPU,
    NNAPI
    ;

    /** As requests and bundles spell it. */
    val word: String get() = name.lowercase()
}

/** How an image gets the model's size: bit for bit the same everywhere, or as the platform does it. */
enum class Resize { FIXED, PLATFORM }

/** How to run a model. */
class SegmenterOptions(
    val threads: Int = 2,
    val delegate: Delegate = Delegate.XNNPACK,
    val resize: Resize = Resize.FIXED
)

/** Why there is no mask: the [stage] (`init`, `decode`, `preprocess`, `inference`, `postprocess`) and a sentence. */
class SegmenterException(val stage: String, message: String, cause: Throwable? = null) : Exception(message, cause)
