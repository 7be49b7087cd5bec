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

/**
 * The mask that a model predicts for one image, with the latency of each stage in milliseconds.
 *
 * [resized] are RGB bytes row by row, [tensor] is the input tensor, little-endian; null if the segmenter has no access
 * to them. Both are the segmenter's own buffers and keep their content until its next call. [scaling] names the kernel
 * that made [resized]; goldmask can judge the rest alone if it knows that kernel (docs/scaling.md). [soft] is the soft
 * mask that [mask] is made of, if the model says how sure it is.
 */
class Segmentation @JvmOverloads constructor(
    val mask: Mask,
    val preprocessMs: Double,
    val inferenceMs: Double,
    val postprocessMs: Double,
    val resized: ByteArray? = null,
    val tensor: ByteBuffer? = null,
    val scaling: Scaling? = null,
    val soft: SoftMask? = null
)

/**
 * The model in [file], with what a segmenter needs to fill its inputs and to read its output. [constants] are inputs
 * beside the image; [signature] is the one to run if it is not that of the first subgraph.
 */
class Model @JvmOverloads constructor(
    val file: File,
    val labels: List<String>,
    val input: ImageInput,
    val output: MaskOutput,
    val constants: List<Constant> = emptyList(),
    val signature: String? = null
)

/**
 * The image tensor `[1, height, width, channels]`, or `[1, channels, height, width]`, and its normalisation
 * `(pixel - mean) / std`: one value, or one for each channel in the tensor's order. [fourth] follows the colours.
 */
class ImageInput @JvmOverloads constructor(
    val height: Int,
    val width: Int,
    val type: TensorType,
    val mean: FloatArray,
    val std: FloatArray,
    val index: Int = 0,
    val layout: Layout = Layout.NHWC,
    val colours: Colours = Colours.RGB,
    val fourth: Fourth? = null,
    val steps: Steps = Steps.PIXELS,
    val name: String? = null
) {
    /** The number of channels. */
    val depth: Int get() = colours.channels + (if (fourth == null) 0 else 1)
}

/**
 * The output that is the mask. Its values lie row by row, whatever the tensor's rank: those of a pixel side by side, or
 * those of a class. [height] and [width] are null for a tensor whose own shape has them. [classes] is how many scores a
 * pixel has, or how many numbers a class map may hold; [ignore] is the value of pixels of which it says nothing.
 *
 * Of a soft mask, [foreground] is which of several scores it is made of, and class 1 begins at [threshold]. [scale] is
 * one quantisation step of its scores, 0 for floats, and [zeroPoint] the step of a score of 0.
 */
class MaskOutput @JvmOverloads constructor(
    val index: Int,
    val kind: OutputKind,
    val layout: Layout = Layout.NHWC,
    val height: Int? = null,
    val width: Int? = null,
    val classes: Int? = null,
    val ignore: Int? = null,
    val name: String? = null,
    val foreground: Int? = null,
    val threshold: Float = 0.5f,
    val scale: Float = 0f,
    val zeroPoint: Long = 0
) {
    /** Whether it is a soft mask. */
    val isSoft: Boolean get() = kind == OutputKind.PROBABILITY || kind == OutputKind.LOGIT
}

/** An input that always holds the same [values], row by row; one value stands for all. */
class Constant(val index: Int, val name: String, val values: DoubleArray)

/** The type of an image tensor's values. */
enum class TensorType { FLOAT32, UINT8, INT8, FLOAT16, INT16, INT32 }

/** Channels, or classes, last or first. */
enum class Layout { NHWC, NCHW }

/** The colours of an image tensor in its order; gray is one channel, by the weights of ITU-R 601. */
enum class Colours(val channels: Int) { RGB(3), BGR(3), GRAY(1) }

/** What the channel behind the colours holds. */
enum class Fourth {
    ZERO,
    ALPHA,
    PREVIOUS_MASK
    ;

    /** The spelling in requests. */
    val word: String get() = name.lowercase().replace('_', ' ')
}

/** What a uint8 image tensor holds: the pixels as they are, or the steps of what mean and std make of them. */
enum class Steps { PIXELS, NORMALISED }

/** Scores of classes, class indices, or the probability of one class, as such or as a logit. */
enum class OutputKind { LOGITS, CLASSES, PROBABILITY, LOGIT }

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

/** The kernel that scaled an image to the model's size; [word] is its name in bundles. docs/scaling.md defines each. */
enum class Scaling(val word: String) {
    FIXED("fixed"),
    PLATFORM_BILINEAR("platform bilinear"),
    OPENCV_LINEAR("opencv linear"),
    OPENCV_AREA("opencv area"),
    OPENCV_CUBIC("opencv cubic"),
    PILLOW_BOX("pillow box"),
    PILLOW_BILINEAR("pillow bilinear"),
    PILLOW_BICUBIC("pillow bicubic"),
    PILLOW_LANCZOS("pillow lanczos")
}

/** How to run a model. */
class SegmenterOptions(
    val threads: Int = 2,
    val delegate: Delegate = Delegate.XNNPACK,
    val resize: Resize = Resize.FIXED
)

/** Why there is no mask: the [stage] (`init`, `decode`, `preprocess`, `inference`, `postprocess`) and a sentence. */
class SegmenterException(val stage: String, message: String, cause: Throwable? = null) : Exception(message, cause)
