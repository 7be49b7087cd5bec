package org.goldmask.segmenter

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** An image file that is not whole; the message says what is wrong, as a clause. */
internal class DamagedImage(message: String) : Exception(message)

/** An image of a kind that docs/images.md refuses; the message says which, as a noun with its article. */
internal class UnsupportedImage(message: String) : Exception(message)

/**
 * An image file of which only what makes its pixels is left, as [data]: what decoders are not given, they cannot
 * disagree about. [width] and [height] are the file's own, before it is turned; [orientation] is EXIF's, 1 to 8.
 */
internal class Stripped(val data: ByteArray, val width: Int, val height: Int, val orientation: Int)

/** What an image file says besides its pixels. */
internal object Metadata {
    const val UPRIGHT = 1
    private const val LAST_ORIENTATION = 8L
    private const val ORIENTATION = 0x0112
    private const val SHORT = 3
    private const val LONG = 4
    private const val ENTRY_BYTES = 12
    private const val DIRECTORY_PLACE = 4
    private const val VALUE_PLACE = 8
    val EXIF_PREFIX = "Exif\u0000\u0000".latin()
    private val ORDERS = mapOf("II*\u0000" to ByteOrder.LITTLE_ENDIAN, "MM\u0000*" to ByteOrder.BIG_ENDIAN)

    /**
     * The orientation, 1 to 8, that an EXIF block says in its first directory (EXIF 2.3, tag 0x0112).
     *
     * Some writers repeat JPEG's prefix inside PNG and WebP. A block that is not there, is broken or says nothing of
     * the kind is 1, upright.
     */
    fun exifOrientation(block: ByteArray?): Int {
        if (block == null) return UPRIGHT
        val start = if (block.holds(EXIF_PREFIX, 0)) EXIF_PREFIX.size else 0
        val tiff = ByteBuffer.wrap(block, start, block.size - start).slice()
        val order = ORDERS.entries.firstOrNull { block.holds(it.key.latin(), start) }?.value ?: return UPRIGHT
        tiff.order(order)
        return try {
            orientation(tiff)
        } catch (_: IndexOutOfBoundsException) { // it points beyond its end
            UPRIGHT
        }
    }

    private fun orientation(tiff: ByteBuffer): Int {
        val directory = tiff.getInt(DIRECTORY_PLACE)
        val entries = tiff.getShort(directory).toInt() and 0xffff
        for (entry in 0 until entries) {
            val at = directory + 2 + ENTRY_BYTES * entry
            val kind = tiff.getShort(at + 2).toInt()
            val count = tiff.getInt(at + DIRECTORY_PLACE)
            if (tiff.getShort(at).toInt() == ORIENTATION && kind in setOf(SHORT, LONG) && count == 1) {
                val value = if (kind == SHORT) {
                    tiff.getShort(at + VALUE_PLACE).toLong()
                } else {
                    tiff.getInt(at + VALUE_PLACE).toLong()
                }
                return if (value in 1..LAST_ORIENTATION) value.toInt() else UPRIGHT
            }
        }
        return UPRIGHT
    }
}

internal fun String.latin() = toByteArray(Charsets.ISO_8859_1)

/** Whether [word] stands at [place]. */
internal fun ByteArray.holds(word: ByteArray, place: Int): Boolean =
    place >= 0 && place + word.size <= size && word.indices.all { this[place + it] == word[it] }

/** The unsigned byte at [place]. */
internal fun ByteArray.at(place: Int): Int = this[place].toInt() and 0xff
