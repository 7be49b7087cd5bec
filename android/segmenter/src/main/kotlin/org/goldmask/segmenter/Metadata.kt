package org.goldmask.segmenter

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** An image file is incomplete or broken; the message is a clause that says how. */
internal class DamagedImage(message: String) : Exception(message)

/** docs/images.md refuses this kind of image; the message names it, as a noun with its article. */
internal class UnsupportedImage(message: String) : Exception(message)

/**
 * Only the parts of an image file that make its pixels, as [data], so that decoders cannot disagree about the rest.
 * [width] and [height] are the file's own, before turning it upright; [orientation] is EXIF's, 1 to 8.
 */
internal class Stripped(val data: ByteArray, val width: Int, val height: Int, val orientation: Int)

/** Reads an image file's orientation. */
internal object Metadata {
    const val UPRIGHT = 1
    private const val LAST_ORIENTATION = 8L
    private const val ORIENTATION = 0x0112
    private const val SHORT = 3
    private const val LONG = 4
    private const val ENTRY_BYTES = 12
    private const val DIRECTORY_OFFSET = 4
    private const val VALUE_OFFSET = 8
    val EXIF_PREFIX = "Exif\u0000\u0000".latin()
    private val ORDERS = mapOf("II*\u0000" to ByteOrder.LITTLE_ENDIAN, "MM\u0000*" to ByteOrder.BIG_ENDIAN)

    /**
     * The orientation, 1 to 8, in an EXIF block's first directory (EXIF 2.3, tag 0x0112).
     *
     * Some programs repeat JPEG's prefix inside PNG and WebP. If the block is missing or broken or has no orientation,
     * the result is 1, upright.
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
        val directory = tiff.getInt(DIRECTORY_OFFSET)
        val entries = tiff.getShort(directory).toInt() and 0xffff
        for (entry in 0 until entries) {
            val at = directory + 2 + ENTRY_BYTES * entry
            val kind = tiff.getShort(at + 2).toInt()
            val count = tiff.getInt(at + DIRECTORY_OFFSET)
            if (tiff.getShort(at).toInt() == ORIENTATION && kind in setOf(SHORT, LONG) && count == 1) {
                val value = if (kind == SHORT) {
                    tiff.getShort(at + VALUE_OFFSET).toLong()
                } else {
                    tiff.getInt(at + VALUE_OFFSET).toLong()
                }
                return if (value in 1..LAST_ORIENTATION) value.toInt() else UPRIGHT
            }
        }
        return UPRIGHT
    }
}

internal fun String.latin() = toByteArray(Charsets.ISO_8859_1)

/** Whether [word] is at [offset]. */
internal fun ByteArray.holds(word: ByteArray, offset: Int): Boolean =
    offset >= 0 && offset + word.size <= size && word.indices.all { this[offset + it] == word[it] }

/** The unsigned byte at [offset]. */
internal fun ByteArray.at(offset: Int): Int = this[offset].toInt() and 0xff
