package org.goldmask.app

import java.io.File
import java.io.IOException
import java.io.RandomAccessFile
import java.nio.channels.FileChannel
import org.goldmask.segmenter.ImageInput
import org.goldmask.segmenter.MaskOutput
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.OutputKind
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.TensorType
import org.tensorflow.lite.schema.TensorType as TfliteType
import org.tensorflow.lite.support.metadata.MetadataExtractor
import org.tensorflow.lite.support.metadata.schema.AssociatedFileType
import org.tensorflow.lite.support.metadata.schema.NormalizationOptions
import org.tensorflow.lite.support.metadata.schema.ProcessUnitOptions

/** Reads what a .tflite file says about itself, by the rules of docs/models.md. */
object ModelFile {
    private const val MAX_BYTES = 1L shl 29
    private const val MAX_CLASSES = 256
    private const val CHANNELS = 3
    private const val IMAGE_RANK = 4
    private const val ASSUMED = 127.5f

    /**
     * The segmentation model in [file]: size and type of its image, normalisation, labels, and which output is the
     * mask.
     *
     * @throws SegmenterException of stage `init` with what is wrong
     */
    fun read(file: File): Model {
        if (file.length() !in 1..MAX_BYTES) fail("${file.name} has ${file.length()} bytes and is not a model")
        try {
            val bytes = RandomAccessFile(file, "r").use {
                it.channel.map(FileChannel.MapMode.READ_ONLY, 0, it.length())
            }
            val found = MetadataExtractor(bytes)
            val output = output(file, found)
            return Model(file, labels(found, output), input(file, found), output)
        } catch (error: IOException) {
            fail("${file.name} cannot be read: ${error.message}", error)
        } catch (error: SegmenterException) {
            throw error
        } catch (error: RuntimeException) { // the exceptions for a damaged FlatBuffer have no common class
            fail("${file.name} is not a .tflite model, or is damaged", error)
        }
    }

    private fun input(file: File, found: MetadataExtractor): ImageInput {
        if (found.inputTensorCount != 1) fail("${file.name} has ${found.inputTensorCount} inputs, not one image")
        val shape = found.getInputTensorShape(0)
        if (shape.size != IMAGE_RANK || shape[0] != 1 || shape.last() != CHANNELS || shape.any { it < 1 }) {
            fail("${file.name} has an input ${shape.toList()}, not [1, height, width, 3]")
        }
        val type = when (found.getInputTensorType(0)) {
            TfliteType.FLOAT32 -> TensorType.FLOAT32
            TfliteType.UINT8 -> TensorType.UINT8
            TfliteType.INT8 -> TensorType.INT8
            else -> fail("${file.name} has an input whose type is not an image")
        }
        val (mean, std) = normalisation(found)
        return ImageInput(shape[1], shape[2], type, mean, std)
    }

    private fun normalisation(found: MetadataExtractor): Pair<FloatArray, FloatArray> {
        val metadata = if (found.hasMetadata()) found.getInputTensorMetadata(0) else null
        for (index in 0 until (metadata?.processUnitsLength() ?: 0)) {
            val unit = metadata!!.processUnits(index)
            if (unit.optionsType() != ProcessUnitOptions.NormalizationOptions) continue
            val options = unit.options(NormalizationOptions()) as NormalizationOptions
            val mean = FloatArray(options.meanLength(), options::mean)
            val std = FloatArray(options.stdLength(), options::std)
            if (mean.size in setOf(1, CHANNELS) && std.size in setOf(1, CHANNELS) && 0f !in std.toList()) {
                return mean to std
            }
        }
        return floatArrayOf(ASSUMED) to floatArrayOf(ASSUMED)
    }

    private fun output(file: File, found: MetadataExtractor): MaskOutput {
        val masks = (0 until found.outputTensorCount).mapNotNull { index ->
            kind(found.getOutputTensorShape(index), found.getOutputTensorType(index))?.let { MaskOutput(index, it) }
        }
        return masks.singleOrNull() ?: fail("${file.name} has ${masks.size} outputs that are masks, not one")
    }

    private fun kind(shape: IntArray, type: Byte): OutputKind? = when {
        shape.firstOrNull() != 1 || shape.any { it < 1 } -> null
        shape.size == IMAGE_RANK && shape.last() in 2..MAX_CLASSES && type in SCORES -> OutputKind.LOGITS
        shape.size == IMAGE_RANK - 1 && type in CLASSES -> OutputKind.CLASSES
        else -> null
    }

    private val SCORES = setOf(TfliteType.FLOAT32, TfliteType.UINT8, TfliteType.INT8)
    private val CLASSES = SCORES + setOf(TfliteType.INT32, TfliteType.INT64)

    private fun labels(found: MetadataExtractor, output: MaskOutput): List<String> {
        val metadata = (if (found.hasMetadata()) found.getOutputTensorMetadata(output.index) else null)
            ?: return emptyList()
        val file = (0 until metadata.associatedFilesLength()).map(metadata::associatedFiles).firstOrNull {
            it.type() == AssociatedFileType.TENSOR_AXIS_LABELS || it.type() == AssociatedFileType.TENSOR_VALUE_LABELS
        } ?: return emptyList()
        return found.getAssociatedFile(file.name()).bufferedReader().useLines { lines ->
            lines.map(String::trim).filter(String::isNotEmpty).take(MAX_CLASSES).toList()
        }
    }

    private fun fail(message: String, cause: Throwable? = null): Nothing =
        throw SegmenterException("init", message, cause)
}
