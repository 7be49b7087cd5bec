package org.goldmask.golden

import android.graphics.Bitmap
import android.graphics.Color
import android.os.Build
import java.io.File
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.SegmenterException

/** Whether this is Robolectric's Android on a JVM. */
internal val ON_JVM: Boolean = Build.FINGERPRINT == "robolectric"

/** The target on which this process runs, for the bundle. */
internal fun target(): Target = if (ON_JVM) {
    Target(
        name = "android-jvm",
        kind = "jvm",
        platform = "android",
        abi = System.getProperty("goldmask.abi") ?: System.getProperty("os.arch").orEmpty(),
        os = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT}) by Robolectric on " +
            "${System.getProperty("os.name")} ${System.getProperty("os.version")}"
    )
} else {
    Target(
        name = "android-device",
        kind = if (isEmulator()) "emulator" else "device",
        platform = "android",
        abi = Build.SUPPORTED_ABIS.first(),
        os = "Android ${Build.VERSION.RELEASE} (API ${Build.VERSION.SDK_INT})",
        device = "${Build.MANUFACTURER} ${Build.MODEL}"
    )
}

private fun isEmulator() = Build.HARDWARE in setOf("goldfish", "ranchu") || Build.PRODUCT.startsWith("sdk_")

/** Other facts that may explain a difference or a latency. */
internal fun environment(): Map<String, String> = buildMap {
    put("kotlin", KotlinVersion.CURRENT.toString())
    if (ON_JVM) {
        put("java", "${System.getProperty("java.vm.name")} ${System.getProperty("java.version")}")
        System.getProperty("goldmask.emulated")?.let { put("emulated", it) }
    } else {
        put("fingerprint", Build.FINGERPRINT)
    }
}

/**
 * The pixels of a case that the host has decoded to a binary PPM (P6) named after it. This function turns them upright,
 * by the orientation in the image file [image]. Null if this process decodes by itself, as it does every BMP. Robolectric
 * has Skia only for x86_64; its replacement elsewhere is not a decoder that is worth testing.
 */
internal fun hostPixels(case: RequestCase, image: ByteArray, folder: File? = hostPixelsFolder): Bitmap? {
    if (folder == null || image.take(BMP.size) == BMP) return null
    val file = folder.resolve("${case.id}.ppm")
    if (!file.isFile) throw SegmenterException("decode", "the host could not decode it")
    val data = file.readBytes()
    val header = PPM.find(String(data, 0, minOf(data.size, PPM_HEADER_BYTES), Charsets.ISO_8859_1))
        ?: throw SegmenterException("decode", "${file.name} is not a PPM file")
    val (width, height) = header.groupValues.drop(1).map(String::toInt)
    val start = header.range.last + 1
    val pixels = IntArray(width * height) {
        val offset = start + CHANNELS * it
        Color.rgb(data[offset].toInt() and BYTE, data[offset + 1].toInt() and BYTE, data[offset + 2].toInt() and BYTE)
    }
    val turn = case.orientation ?: ImageFile.orientation(image)
    return ImageFile.bitmap(pixels, width, height, turn)
}

private val hostPixelsFolder: File? = System.getProperty("goldmask.decoded")?.let(::File)
private val BMP = "BM".toByteArray().asList()
private val PPM = Regex("""^P6\s+(\d+)\s+(\d+)\s+255\s""")
private const val PPM_HEADER_BYTES = 64
private const val BYTE = 0xff

/** The peak memory of this process so far, in MB; null if the kernel does not report it. */
internal fun memoryPeakMb(): Double? = statusMb("VmHWM:")

/** The memory of this process now, in MB; null if the kernel does not report it. */
internal fun memoryMb(): Double? = statusMb("VmRSS:")

private fun statusMb(key: String): Double? = runCatching {
    File("/proc/self/status").readLines().first { it.startsWith(key) }.filter(Char::isDigit).toDouble() / KIB_PER_MB
}.getOrNull()

private const val KIB_PER_MB = 1024
