package org.goldmask.golden

import android.graphics.Bitmap
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.security.MessageDigest
import java.time.Instant
import java.time.temporal.ChronoUnit
import org.goldmask.segmenter.Delegate
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.Model
import org.goldmask.segmenter.RuntimeInfo
import org.goldmask.segmenter.Segmentation
import org.goldmask.segmenter.Segmenter
import org.goldmask.segmenter.SegmenterException
import org.goldmask.segmenter.SegmenterOptions
import org.goldmask.segmenter.SoftMask

/**
 * Runs a request in an app: writes the mask and the result of every case into the bundle in [out].
 *
 * Rewrites bundle.json after every case, so that a process that dies leaves its finished cases. While it repeats a
 * case, it reports the number of runs every ten seconds, so that nobody takes it for hanging.
 */
internal class GoldenRun(
    private val request: Request,
    private val folder: File,
    private val out: File,
    private val decode: (name: String, data: ByteArray, orientation: Int?) -> Bitmap,
    private val open: (Model, SegmenterOptions) -> Segmenter,
    private val onRuns: (Int) -> Unit = {},
    private val reportEveryMs: Double = REPORT_EVERY_MS,
    private val onResult: (Result) -> Unit
) {
    private val startedAt = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()
    private val results = mutableListOf<Result>()
    private var runtime = Runtime("none", "none", "none", request.options.threads)

    fun run() {
        write()
        val log = DelegateLog()
        val started = System.nanoTime()
        val segmenter = try {
            openModel()
        } catch (error: Throwable) { // a missing native library is an Error, and belongs into the bundle too
            val failure = failure("init", error)
            request.cases.forEach { finish(failed(it, failure)) }
            return
        }
        val loaded = Loaded(msSince(started), memoryMb())
        segmenter.use {
            for (case in request.cases) {
                val result = try {
                    predict(segmenter, case, loaded)
                } catch (error: Throwable) {
                    failed(case, failure("inference", error))
                }
                runtime = whatRan(segmenter.runtime, log.delegation())
                finish(result)
            }
        }
    }

    /** A delegate takes a graph at its first use; from then on, the log knows more than the app. */
    private fun whatRan(app: RuntimeInfo, logged: Delegation?): Runtime {
        val delegate = logged?.delegate ?: app.delegate
        val threads = if (delegate == Delegate.CPU.word) app.cpuThreads else app.threads
        return Runtime(app.name, app.version, delegate, threads, logged?.nodes)
    }

    private fun openModel(): Segmenter {
        val model = request.model.model(folder)
        val options = request.options.segmenterOptions()
        if (!model.file.isFile) {
            throw SegmenterException("init", "${request.model.file} does not exist")
        }
        if (sha256(model.file.readBytes()) != request.model.sha256) {
            throw SegmenterException(
                "init",
                "${request.model.file} is not the model that was asked for (sha256 differs)"
            )
        }
        return open(model, options)
    }

    private fun predict(segmenter: Segmenter, case: RequestCase, loaded: Loaded): Result {
        val file = folder.resolve(case.file)
        val data = try {
            file.readBytes()
        } catch (error: IOException) {
            throw SegmenterException("decode", "${case.file} cannot be read: ${error.message}", error)
        }
        if (sha256(data) != case.sha256) {
            throw SegmenterException("decode", "${file.name} is not the image that was asked for (sha256 differs)")
        }
        val handed = hostPixels(case, data)
        val image = try {
            handed ?: decode(case.file, data, case.orientation)
        } catch (error: RuntimeException) {
            throw SegmenterException("decode", "${file.name} cannot be decoded: ${error.message}", error)
        }
        val options = request.options
        val times = mutableListOf<Segmentation>()
        val totals = mutableListOf<Double>()
        val started = System.nanoTime()
        var reported = started
        lateinit var last: Segmentation
        while (times.size < options.warmup + options.runs || msSince(started) < options.minDurationS * MS_PER_S) {
            val began = System.nanoTime()
            last = segmenter.segment(image)
            totals += msSince(began)
            times += last.timesOnly()
            if (msSince(reported) >= reportEveryMs) {
                onRuns(times.size)
                reported = System.nanoTime()
            }
        }
        val steadyMb = memoryMb()
        val (warmup, measured) = times.map { it.inferenceMs }.let { it.take(options.warmup) to it.drop(options.warmup) }
        val mask = "masks/${case.id}.png"
        val png = MaskPng.encode(last.mask)
        put(mask, png)
        return Result(
            case = case.id,
            imageSha256 = case.sha256,
            status = Result.OK,
            mask = mask,
            maskSha256 = sha256(png),
            maskSize = listOf(last.mask.width, last.mask.height),
            soft = last.soft?.let { written("soft/${case.id}.png", it) },
            decodedBy = handed?.let { Result.HOST },
            scaling = last.scaling?.word,
            stages = Stages(sha256(ImageFile.rgb(image)), last.resized?.let(::sha256), last.tensor?.let(::sha256)),
            latency = Latency(
                loaded.initMs,
                times.first().inferenceMs,
                warmup,
                times.drop(options.warmup).map { it.preprocessMs },
                measured,
                times.drop(options.warmup).map { it.postprocessMs },
                totals.drop(options.warmup)
            ),
            memoryInitMb = loaded.memoryMb,
            memoryPeakMb = memoryPeakMb(),
            memorySteadyMb = steadyMb,
            taps = taps(case, last)
        )
    }

    /** Writes those intermediate outputs that the request asks for and the segmenter hands on. */
    private fun taps(case: RequestCase, last: Segmentation): Map<String, Tap> {
        val handedOn = mapOf(RESIZED to last.resized?.let(ByteBuffer::wrap), TENSOR to last.tensor)
        return request.options.taps.mapNotNull { name -> handedOn[name]?.let { name to it } }.toMap()
            .mapValues { (name, data) ->
                val bytes = (data.duplicate().rewind() as ByteBuffer).let { ByteArray(it.remaining()).also(it::get) }
                val file = "taps/${case.id}.$name.bin"
                out.resolve(file).apply { parentFile?.mkdirs() }.writeBytes(bytes)
                Tap(file, sha256(bytes))
            }
    }

    private fun written(file: String, soft: SoftMask): SoftFile {
        val png = MaskPng.encode(soft.steps())
        put(file, png)
        // The shortest decimal number that is this float, which is what the request has.
        return SoftFile(file, sha256(png), SoftMask.SCALE, soft.threshold.toString().toDouble())
    }

    private fun put(file: String, data: ByteArray) = out.resolve(file).apply { parentFile?.mkdirs() }.writeBytes(data)

    private fun finish(result: Result) {
        results += result
        write()
        onResult(result)
    }

    private fun write() {
        Bundle(
            target = target(),
            pipeline = request.options.pipeline,
            runtime = runtime,
            model = BundleModel(request.model.name, request.model.sha256),
            startedAt = startedAt,
            environment = environment(),
            results = results.toList()
        ).write(out)
    }

    private fun failed(case: RequestCase, failure: Failure) =
        Result(case = case.id, imageSha256 = case.sha256, status = Result.ERROR, error = failure)

    private fun failure(stage: String, error: Throwable): Failure {
        val where = (error as? SegmenterException)?.stage ?: stage
        val what = error.message?.takeIf { it.isNotBlank() }
        val sentence = if (error is SegmenterException || error is ContractException) what else null
        return Failure(
            where,
            (sentence ?: listOfNotNull(error.javaClass.simpleName, what).joinToString(": ")).oneLine()
        )
    }

    private fun String.oneLine() = split(Regex("\\s+")).joinToString(" ").trim()

    /** How long loading the model took, and the memory of the process then. */
    private class Loaded(val initMs: Double, val memoryMb: Double?)

    /** Drops the mask: a thousand runs should not keep a thousand masks. */
    private fun Segmentation.timesOnly() = Segmentation(NO_MASK, preprocessMs, inferenceMs, postprocessMs)

    private companion object {
        const val MS_PER_S = 1e3
        const val REPORT_EVERY_MS = 1e4
        const val NS_PER_MS = 1e6
        val NO_MASK = org.goldmask.segmenter.Mask(0, 0, ByteArray(0))

        fun msSince(started: Long) = (System.nanoTime() - started) / NS_PER_MS

        fun sha256(data: ByteArray) = sha256(ByteBuffer.wrap(data))

        fun sha256(data: ByteBuffer): String {
            val digest = MessageDigest.getInstance("SHA-256")
            digest.update(data.duplicate().rewind() as ByteBuffer)
            return digest.digest().joinToString("") { "%02x".format(it) }
        }
    }
}
