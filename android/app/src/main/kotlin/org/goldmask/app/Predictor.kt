package org.goldmask.app

import android.graphics.Bitmap
import java.io.File
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger
import org.goldmask.segmenter.Delegate
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.RuntimeInfo
import org.goldmask.segmenter.Segmentation
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.SegmenterOptions

/** A model file that the user can choose; [file] may copy it first, so call it off the main thread. */
class ModelSource(val name: String, val file: () -> File) {
    override fun toString() = name
}

/** The model and the options that predict masks. */
data class Choice(val model: ModelSource, val threads: Int, val delegate: Delegate)

/** An image to predict the mask of; [read] decodes it, so call it off the main thread. */
class Picture(val name: String, val read: () -> Bitmap)

/** The result for a picture. */
sealed interface Outcome

/** A mask, with the milliseconds of the stages that [Segmentation] does not time. */
class Predicted(
    val image: Bitmap,
    val segmentation: Segmentation,
    val labels: List<String>,
    val runtime: RuntimeInfo,
    val initMs: Double,
    val decodeMs: Double
) : Outcome

/** Why there is no mask: the stage, and a sentence. */
class Failed(val stage: String, val message: String) : Outcome

/**
 * Predicts masks, one picture after the other, on its own thread, because opening and running a model takes longer than
 * a screen may freeze. Calls [onOutcome] for each picture, on that thread.
 */
class Predictor(
    private val open: (Model, SegmenterOptions) -> Segmenter,
    private val executor: ExecutorService = Executors.newSingleThreadExecutor { Thread(it, "predictor") },
    private val onOutcome: (Outcome) -> Unit
) : AutoCloseable {
    private class Opened(val choice: Choice, val segmenter: Segmenter, val labels: List<String>, val initMs: Double)

    private val waiting = AtomicInteger()
    private var opened: Opened? = null

    /** Whether a new frame would have to wait. */
    val busy: Boolean get() = waiting.get() > 0

    /** Queues [picture]. */
    fun predict(picture: Picture, choice: Choice) {
        waiting.incrementAndGet()
        executor.execute {
            val outcome = try {
                outcome(picture, choice)
            } finally {
                waiting.decrementAndGet()
            }
            onOutcome(outcome)
        }
    }

    /** Ends after the pictures that are queued. */
    override fun close() {
        executor.execute { forget() }
        executor.shutdown()
    }

    private fun outcome(picture: Picture, choice: Choice): Outcome {
        var stage = "init"
        return try {
            val model = opened?.takeIf { it.choice == choice } ?: open(choice)
            stage = "decode"
            val began = System.nanoTime()
            val image = picture.read()
            val decodeMs = msSince(began)
            stage = "inference"
            val segmentation = model.segmenter.segment(image)
            Predicted(image, segmentation, model.labels, model.segmenter.runtime, model.initMs, decodeMs)
        } catch (error: SegmenterException) {
            Failed(error.stage, error.message.orEmpty())
        } catch (error: Throwable) { // a missing native library and full memory are Errors
            Failed(stage, listOfNotNull(error.javaClass.simpleName, error.message).joinToString(": "))
        }
    }

    private fun open(choice: Choice): Opened {
        forget()
        val began = System.nanoTime()
        val model = ModelFile.read(choice.model.file())
        val segmenter = open(model, SegmenterOptions(choice.threads, choice.delegate))
        return Opened(choice, segmenter, model.labels, msSince(began)).also { opened = it }
    }

    private fun forget() {
        opened?.segmenter?.close()
        opened = null
    }

    private fun msSince(began: Long) = (System.nanoTime() - began) / NS_PER_MS

    private companion object {
        const val NS_PER_MS = 1e6
    }
}
