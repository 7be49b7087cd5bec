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

/** A model file that can be chosen; [file] may copy it first, and is called away from the main thread. */
class ModelSource(val name: String, val file: () -> File) {
    override fun toString() = name
}

/** What masks are drawn with. */
data class Choice(val model: ModelSource, val threads: Int, val delegate: Delegate)

/** An image to draw the mask of; [read] decodes it, away from the main thread. */
class Picture(val name: String, val read: () -> Bitmap)

/** What became of a picture. */
sealed interface Outcome

/** A mask, with the milliseconds of what [Segmentation] does not time. */
class Drawn(
    val image: Bitmap,
    val segmentation: Segmentation,
    val labels: List<String>,
    val runtime: RuntimeInfo,
    val initMs: Double,
    val decodeMs: Double
) : Outcome

/** Why there is none: the stage, and a sentence. */
class Failed(val stage: String, val message: String) : Outcome

/**
 * Draws masks, one picture after the other, on a thread of its own: models open and run for longer than a screen may
 * stand still. [tell] hears what became of each, on that thread.
 */
class Artist(
    private val open: (Model, SegmenterOptions) -> Segmenter,
    private val executor: ExecutorService = Executors.newSingleThreadExecutor { Thread(it, "artist") },
    private val tell: (Outcome) -> Unit
) : AutoCloseable {
    private class Opened(val choice: Choice, val segmenter: Segmenter, val labels: List<String>, val initMs: Double)

    private val waiting = AtomicInteger()
    private var opened: Opened? = null

    /** Whether a frame that came now would have to wait. */
    val busy: Boolean get() = waiting.get() > 0

    fun draw(picture: Picture, choice: Choice) {
        waiting.incrementAndGet()
        executor.execute {
            val outcome = try {
                outcome(picture, choice)
            } finally {
                waiting.decrementAndGet()
            }
            tell(outcome)
        }
    }

    /** Ends after what was begun. */
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
            Drawn(image, segmentation, model.labels, model.segmenter.runtime, model.initMs, decodeMs)
        } catch (error: SegmenterException) {
            Failed(error.stage, error.message.orEmpty())
        } catch (error: Throwable) { // a native library that is missing and memory that is full are Errors
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
