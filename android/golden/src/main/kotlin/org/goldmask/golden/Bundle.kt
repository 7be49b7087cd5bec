package org.goldmask.golden

import java.io.File
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import kotlinx.serialization.Serializable
import kotlinx.serialization.encodeToString

/** bundle.json: what an app reports about a run. docs/bundle.md explains every key. */
@Serializable
internal data class Bundle(
    val schema: Int = SCHEMA,
    val target: Target,
    val pipeline: String,
    val runtime: Runtime,
    val model: BundleModel,
    val startedAt: String,
    val environment: Map<String, String> = emptyMap(),
    val results: List<Result>
) {
    init {
        require(schema == SCHEMA) { "schema: $schema is not $SCHEMA" }
        val cases = results.map { it.case }
        require(cases.toSet().size == cases.size) { "results: a case has two" }
    }

    /** Writes a temporary file in [folder] and renames it to bundle.json: a reader sees the old file or the new one. */
    fun write(folder: File) {
        val beside = File(folder, ".bundle.json")
        beside.writeText(contract.encodeToString(this) + "\n")
        Files.move(beside.toPath(), File(folder, FILE_NAME).toPath(), StandardCopyOption.REPLACE_EXISTING)
    }

    companion object {
        const val FILE_NAME = "bundle.json"

        /** Reads [folder]'s bundle.json. Throws [ContractException]. */
        fun read(folder: File): Bundle = readContract(File(folder, FILE_NAME))
    }
}

/** Where it ran; [kind] is `jvm`, `emulator` or `device`. */
@Serializable
internal data class Target(
    val name: String,
    val kind: String,
    val platform: String,
    val abi: String,
    val os: String,
    val device: String = ""
)

/** What really ran; [nodes] is null if the runtime does not say. */
@Serializable
internal data class Runtime(
    val name: String,
    val version: String,
    val delegate: String,
    val threads: Int,
    val nodes: DelegatedNodes? = null
) {
    init {
        require(nodes == null || (delegate == "cpu") == (nodes.delegated == 0)) {
            "runtime.nodes: $delegate cannot have ${nodes?.delegated}"
        }
    }
}

/** How many nodes of the model's graph the delegate took, and how many the graph has. */
@Serializable
internal data class DelegatedNodes(val delegated: Int, val of: Int) {
    init {
        require(of >= 1 && delegated in 0..of) { "runtime.nodes: $delegated of $of cannot be" }
    }
}

/** The model that ran, by its bytes. */
@Serializable
internal data class BundleModel(val name: String, val sha256: String)

/** Why a case has no mask. */
@Serializable
internal data class Failure(val stage: String, val message: String)

/** sha256 of each stage's result; null if the segmenter has no access to it. */
@Serializable
internal data class Stages(val decoded: String? = null, val resized: String? = null, val tensor: String? = null)

/**
 * Milliseconds; the lists have an entry for each run after the warm-up, [warmupMs] the inferences before, and [firstMs]
 * is the first of all. [totalMs] are the runs as a whole.
 */
@Serializable
internal data class Latency(
    val initMs: Double,
    val firstMs: Double,
    val warmupMs: List<Double>? = null,
    val preprocessMs: List<Double>,
    val inferenceMs: List<Double>,
    val postprocessMs: List<Double>,
    val totalMs: List<Double>? = null
)

/** An intermediate output; [unit] is that of a margin map, which no Android app writes. */
@Serializable
internal data class Tap(val file: String, val sha256: String, val unit: String? = null)

/** A soft mask: [scale] is what one step of its samples is worth, [threshold] is where class 1 of the mask begins. */
@Serializable
internal data class SoftFile(val file: String, val sha256: String, val scale: Double, val threshold: Double) {
    init {
        require(scale > 0 && scale <= 1) { "soft.scale: $scale is not above 0 and at most 1" }
        require(threshold > 0 && threshold < 1) { "soft.threshold: $threshold is not between 0 and 1" }
    }
}

/**
 * One case: a mask, or the reason why there is none. [decodedBy] is `host` if the image came as pixels, [scaling] the
 * kernel that the app says it scales with.
 */
@Serializable
internal data class Result(
    val case: String,
    val imageSha256: String,
    val status: String,
    val error: Failure? = null,
    val mask: String? = null,
    val maskSha256: String? = null,
    val maskSize: List<Int>? = null,
    val soft: SoftFile? = null,
    val decodedBy: String? = null,
    val scaling: String? = null,
    val stages: Stages = Stages(),
    val latency: Latency? = null,
    val memoryInitMb: Double? = null,
    val memoryPeakMb: Double? = null,
    val memorySteadyMb: Double? = null,
    val taps: Map<String, Tap> = emptyMap()
) {
    init {
        requireName("results.case", case)
        requireSha256("results.$case.image_sha256", imageSha256)
        require(status in setOf(OK, ERROR)) { "results.$case.status: $status is neither $OK nor $ERROR" }
        require(status != OK || (mask != null && maskSha256 != null && maskSize?.size == 2)) {
            "results.$case: status ok needs mask, mask_sha256 and mask_size"
        }
        require(status != OK || error == null) { "results.$case: status ok and an error exclude each other" }
        require(decodedBy in setOf(null, HOST)) { "results.$case.decoded_by: $decodedBy is not $HOST" }
        require(status != ERROR || error != null) { "results.$case: status error needs error" }
        require(status != ERROR || (listOf(mask, maskSha256, maskSize, soft).all { it == null } && taps.isEmpty())) {
            "results.$case: status error and a mask exclude each other"
        }
    }

    companion object {
        const val OK = "ok"
        const val ERROR = "error"
        const val HOST = "host"
    }
}
