package org.goldmask.golden

import java.io.File
import java.io.IOException
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNamingStrategy
import org.goldmask.segmenter.Colours
import org.goldmask.segmenter.Constant
import org.goldmask.segmenter.Delegate
import org.goldmask.segmenter.Fourth
import org.goldmask.segmenter.ImageInput
import org.goldmask.segmenter.Layout
import org.goldmask.segmenter.MaskOutput
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.Resize
import org.goldmask.segmenter.SegmenterOptions
import org.goldmask.segmenter.Steps
import org.goldmask.segmenter.TensorType

/** A request or a bundle breaks the contract of docs/bundle.md; the message is one sentence. */
internal class ContractException(message: String, cause: Throwable? = null) : Exception(message, cause)

/** request.json: what an app should run. */
@Serializable
internal data class Request(
    val schema: Int,
    val model: RequestModel,
    val options: RequestOptions,
    val cases: List<RequestCase>
) {
    init {
        require(schema == SCHEMA) { "schema: $schema is not $SCHEMA" }
        require(cases.isNotEmpty()) { "cases: the list is empty" }
        val ids = cases.map { it.id }
        require(ids.toSet().size == ids.size) { "cases: an id is used twice" }
    }

    companion object {
        /** Reads a request.json. Throws [ContractException]. */
        fun read(file: File): Request = readContract(file)
    }
}

/** The model to run; [file] is absolute or relative to request.json. */
@Serializable
internal data class RequestModel(
    val name: String,
    val file: String,
    val sha256: String,
    val labels: List<String>,
    val input: RequestInput,
    val output: RequestOutput,
    val constants: List<RequestConstant> = emptyList(),
    val signature: String? = null
) {
    init {
        requireName("model.name", name)
        requireSha256("model.sha256", sha256)
        require(labels.size in 1..MAX_LABELS) { "model.labels: there are ${labels.size} of them" }
    }

    /** The model for a segmenter; a relative file is in [folder]. */
    fun model(folder: File) = Model(
        folder.resolve(file),
        labels,
        input.image(),
        output.mask(),
        constants.map { Constant(it.index, it.name, it.values.toDoubleArray()) },
        signature
    )
}

/** The image tensor and its normalisation; [mean] and [std] have one value, or one for each channel. */
@Serializable
internal data class RequestInput(
    val height: Int,
    val width: Int,
    val dtype: String,
    val mean: List<Float>,
    val std: List<Float>,
    val index: Int = 0,
    val layout: String = "nhwc",
    val channels: String = "rgb",
    val fourth: String? = null,
    val steps: String = "pixels",
    val name: String? = null
) {
    private val depth get() = Colours.valueOf(channels.uppercase()).channels + (if (fourth == null) 0 else 1)

    init {
        require(height >= 1 && width >= 1) { "model.input: $width×$height is not a size" }
        require(index >= 0) { "model.input.index: $index is negative" }
        requireOneOf("model.input.dtype", dtype, TensorType.entries)
        requireOneOf("model.input.layout", layout, Layout.entries)
        requireOneOf("model.input.channels", channels, Colours.entries)
        require(fourth == null || Fourth.entries.any { it.word == fourth }) {
            "model.input.fourth: $fourth is not one of ${Fourth.entries.map { it.word }}"
        }
        requireOneOf("model.input.steps", steps, Steps.entries)
        require(mean.size in setOf(1, depth) && std.size in setOf(1, depth)) {
            "model.input: mean and std have one value or $depth"
        }
        require(0f !in std) { "model.input.std: 0 divides by zero" }
    }

    fun image() = ImageInput(
        height,
        width,
        TensorType.valueOf(dtype.uppercase()),
        mean.toFloatArray(),
        std.toFloatArray(),
        index,
        Layout.valueOf(layout.uppercase()),
        Colours.valueOf(channels.uppercase()),
        Fourth.entries.firstOrNull { it.word == fourth },
        Steps.valueOf(steps.uppercase()),
        name
    )
}

/**
 * The output that is the mask. [scale] is one quantisation step of its scores, 0 for floats, and [zeroPoint] the step
 * of a score of 0.
 */
@Serializable
internal data class RequestOutput(
    val index: Int,
    val kind: String,
    val layout: String = "nhwc",
    val height: Int? = null,
    val width: Int? = null,
    val classes: Int? = null,
    val scale: Double = 0.0,
    val zeroPoint: Long = 0,
    val threshold: Double? = null,
    val foreground: Int? = null,
    val ignore: Int? = null,
    val name: String? = null
) {
    init {
        require(index >= 0) { "model.output.index: $index is negative" }
        requireOneOf("model.output.kind", kind, OutputKind.entries)
        requireOneOf("model.output.layout", layout, Layout.entries)
        require(listOfNotNull(height, width, classes).all { it >= 1 }) {
            "model.output: $width×$height pixels of $classes classes are not a mask"
        }
        require(threshold == null || threshold > 0 && threshold < 1) {
            "model.output.threshold: $threshold is not between 0 and 1"
        }
    }

    fun mask() = MaskOutput(
        index,
        OutputKind.valueOf(kind.uppercase()),
        Layout.valueOf(layout.uppercase()),
        height,
        width,
        classes,
        ignore,
        name,
        foreground,
        (threshold ?: HALF).toFloat(),
        scale.toFloat(),
        zeroPoint
    )
}

/** An input beside the image, which always holds the same [values]; one value stands for all. */
@Serializable
internal data class RequestConstant(val index: Int, val name: String, val values: List<Double>) {
    init {
        require(index >= 0 && values.isNotEmpty()) { "model.constants: $name has no values" }
    }
}

/**
 * How to run it: each image [warmup] + [runs] times, and longer until [minDurationS] seconds have passed. [taps] are
 * the intermediate outputs to keep.
 */
@Serializable
internal data class RequestOptions(
    val pipeline: String,
    val threads: Int = 2,
    val delegate: String = "xnnpack",
    val resize: String = "fixed",
    val warmup: Int = 0,
    val runs: Int = 1,
    val minDurationS: Double = 0.0,
    val taps: List<String> = emptyList()
) {
    init {
        require(pipeline in PIPELINES) { "options.pipeline: $pipeline is not one of $PIPELINES" }
        require(threads in 1..MAX_THREADS) { "options.threads: $threads is not 1 to $MAX_THREADS" }
        require(delegate in DELEGATES) { "options.delegate: $delegate is not one of $DELEGATES" }
        requireOneOf("options.resize", resize, Resize.entries)
        require(warmup >= 0 && runs >= 1 && minDurationS >= 0) { "options: a number of runs is negative" }
    }

    /** The options for a segmenter. Throws [ContractException] for what Android apps do not support. */
    fun segmenterOptions(): SegmenterOptions {
        (taps - HANDED_ON).firstOrNull()?.let {
            throw ContractException("options.taps: an Android app hands on $HANDED_ON, and no $it")
        }
        val known = Delegate.entries.firstOrNull { it.word == delegate }
            ?: throw ContractException("Android has no delegate $delegate")
        return SegmenterOptions(threads, known, Resize.valueOf(resize.uppercase()))
    }
}

/** One image; [orientation] (EXIF, 1 to 8) replaces the file's own. */
@Serializable
internal data class RequestCase(val id: String, val file: String, val sha256: String, val orientation: Int? = null) {
    init {
        requireName("cases.id", id)
        requireSha256("cases.$id.sha256", sha256)
        require(orientation == null || orientation in ORIENTATIONS) {
            "cases.$id.orientation: $orientation is not 1 to 8"
        }
    }
}

internal const val SCHEMA = 1
internal const val MAX_LABELS = 1 shl 16
internal const val CHANNELS = 3
private const val HALF = 0.5
internal val ORIENTATIONS = 1..8
internal const val RESIZED = "resized"
internal const val TENSOR = "tensor"

/** The intermediate outputs that an app can hand on. */
private val HANDED_ON = setOf(RESIZED, TENSOR)
private const val MAX_THREADS = 64
private val PIPELINES = listOf("lib_interpreter", "lib_task_api")
private val DELEGATES = listOf("cpu", "xnnpack", "gpu", "nnapi", "coreml", "metal")
private val NAME = Regex("[a-z0-9][a-z0-9._-]{0,63}")
private val SHA256 = Regex("[0-9a-f]{64}")

internal fun requireName(key: String, value: String) =
    require(NAME.matches(value)) { "$key: '$value' is not a name (a-z, 0-9, '.', '_', '-')" }

internal fun requireSha256(key: String, value: String) =
    require(SHA256.matches(value)) { "$key: '$value' is not a sha256" }

private fun requireOneOf(key: String, value: String, entries: List<Enum<*>>) {
    val allowed = entries.map { it.name.lowercase() }
    require(value in allowed) { "$key: $value is not one of $allowed" }
}

@OptIn(ExperimentalSerializationApi::class)
internal val contract = Json {
    namingStrategy = JsonNamingStrategy.SnakeCase
    prettyPrint = true
    prettyPrintIndent = "  "
    explicitNulls = false
    encodeDefaults = true
}

/** Reads a file of the contract; refuses unknown keys, missing keys and bad values. */
internal inline fun <reified T> readContract(file: File): T = try {
    contract.decodeFromString<T>(file.readText())
} catch (error: IOException) {
    throw ContractException("$file cannot be read: ${error.message}", error)
} catch (error: SerializationException) {
    throw ContractException("$file breaks the bundle contract: ${error.message?.lines()?.first()}", error)
} catch (error: IllegalArgumentException) {
    throw ContractException("$file breaks the bundle contract: ${error.message}", error)
}
