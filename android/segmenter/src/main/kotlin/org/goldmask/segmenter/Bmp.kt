package org.goldmask.segmenter

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Decodes BMP files in integers, with the same result on every platform; docs/images.md lists the supported kinds.
 *
 * Libraries differ: they round 5-bit colours up or down, choose different colours for pixels that run lengths leave
 * out, and take a short palette for gray. Since most BMPs are not compressed, our own code is small.
 */
internal class Bmp private constructor(private val data: ByteArray, private val bytes: ByteBuffer) {
    private val pixelsAt = bytes.getInt(10).toLong() and 0xffffffffL
    private val headerBytes = bytes.getInt(FILE_HEADER)
    private val old = headerBytes == CORE
    val width = if (old) bytes.getShort(18).toInt() and 0xffff else bytes.getInt(18)
    private val signedHeight = if (old) bytes.getShort(20).toInt() and 0xffff else bytes.getInt(22)
    private val bits = bytes.getShort(if (old) 24 else 28).toInt() and 0xffff
    private val compression = if (old) PLAIN else bytes.getInt(30)
    private val coloursUsed = if (old) 0 else bytes.getInt(46).toLong() and 0xffffffffL
    private val entryBytes = if (old) 3 else 4
    private val end = FILE_HEADER + headerBytes

    /** The number of rows, in either order. */
    val height = Math.abs(signedHeight)

    /** Opaque ARGB pixels, row by row from the top. Throws [DamagedImage], [UnsupportedImage]. */
    fun pixels(): IntArray {
        val values = if (compression == RLE8 || compression == RLE4) runLengths() else words()
        val colour = if (bits > 8) channels() else palette()
        val pixels = IntArray(values.size)
        for (row in 0 until height) {
            val from = (if (signedHeight < 0) row else height - 1 - row) * width
            for (column in 0 until width) pixels[row * width + column] = colour(values[from + column])
        }
        return pixels
    }

    private fun palette(): (Int) -> Int {
        val most = 1L shl bits
        val count = if (coloursUsed == 0L) most else minOf(coloursUsed, most)
        var stop = minOf(end + entryBytes * count, data.size.toLong())
        if (pixelsAt > end) stop = minOf(stop, pixelsAt)
        val colours = IntArray(1 shl 8) { index ->
            val place = end + entryBytes * index
            val isThere = place + entryBytes <= stop // an index beyond the palette is black
            if (isThere) argb(data.at(place + 2), data.at(place + 1), data.at(place)) else argb(0, 0, 0)
        }
        return { colours[it] }
    }

    /** The values of uncompressed pixels, in the file's order of rows. */
    private fun words(): IntArray {
        val used = (width.toLong() * bits + 7) / 8
        val stride = (used + 3) / 4 * 4
        if (data.size < pixelsAt + stride * (height - 1) + used) throw DamagedImage("rows are missing")
        val values = IntArray(width * height)
        for (row in 0 until height) {
            val begin = (pixelsAt + stride * row).toInt()
            for (column in 0 until width) {
                values[row * width + column] = if (bits < 8) {
                    val place = column * bits
                    data.at(begin + place / 8) shr (8 - bits - place % 8) and ((1 shl bits) - 1)
                } else {
                    (0 until bits / 8).sumOf { data.at(begin + column * bits / 8 + it) shl 8 * it }
                }
            }
        }
        return values
    }

    /**
     * The values of run-length encoded pixels. Throws [DamagedImage] if pixels are missing, because those have no
     * defined colour.
     */
    private fun runLengths(): IntArray {
        val values = IntArray(width * height)
        var filled = 0
        var row = width
        var place = pixelsAt
        fun next(): Int {
            if (place >= data.size) throw DamagedImage("rows are missing")
            return data.at((place++).toInt())
        }
        fun put(value: Int) {
            if (filled == row) throw DamagedImage("its run lengths go beyond a row")
            values[filled++] = value
        }
        fun put(byte: Int, count: Int) {
            if (bits == 8) return repeat(count) { put(byte) }
            repeat(count) { put(if (it % 2 == 0) byte shr 4 else byte and 15) }
        }
        while (filled < values.size) {
            val count = next()
            val value = next()
            when {
                count > 0 -> put(value, count)
                value >= FIRST_LITERAL -> {
                    val perByte = 8 / bits
                    val length = (value + perByte - 1) / perByte
                    for (index in 0 until length) put(next(), minOf(perByte, value - index * perByte))
                    if (length % 2 == 1) place++
                }
                value == END_OF_ROW && filled == row -> row += width
                else -> throw DamagedImage("its run lengths leave pixels out")
            }
        }
        return values
    }

    /** Red, green and blue by the file's masks: scaled to 8 bits and rounded, or the highest 8 bits of longer ones. */
    private fun channels(): (Int) -> Int {
        var masks = MASKS.getValue(bits)
        if (compression != PLAIN) {
            if (data.size < MASKS_PLACE + 12) throw DamagedImage("it ends within its header")
            masks = List(3) { bytes.getInt(MASKS_PLACE + 4 * it).toLong() and 0xffffffffL }
        }
        val (red, green, blue) = masks.map { mask ->
            val low = java.lang.Long.numberOfTrailingZeros(mask)
            val highest = if (mask == 0L) 0 else mask shr low
            if (mask == 0L || highest and (highest + 1) != 0L || mask shr bits != 0L) {
                throw UnsupportedImage("a BMP with a colour mask of 0x${mask.toString(16)}")
            }
            val more = maxOf(0, java.lang.Long.bitCount(highest) - 8);
            { word: Int ->
                val value = word.toLong() and mask shr low
                if (highest > 255) value shr more else (value * 510 + highest) / (2 * highest)
            }
        }
        return { argb(red(it).toInt(), green(it).toInt(), blue(it).toInt()) }
    }

    private fun argb(red: Int, green: Int, blue: Int) = 0xff shl 24 or (red shl 16) or (green shl 8) or blue

    companion object {
        val SIGNATURE = "BM".latin()
        private const val FILE_HEADER = 14
        private const val CORE = 12
        private const val INFO = 40
        private const val LARGEST = 124
        private const val OS2 = 64
        private const val MASKS_PLACE = FILE_HEADER + INFO
        private const val PLAIN = 0
        private const val RLE8 = 1
        private const val RLE4 = 2
        private const val FIELDS = 3
        private const val ALPHA_FIELDS = 6

        // After a count of 0, the next byte is one of these; from 3 on it is the number of literal pixels.
        private const val END_OF_ROW = 0
        private const val FIRST_LITERAL = 3

        // The masks of red, green and blue for files without masks.
        private val MASKS = mapOf(
            16 to listOf(0x7c00L, 0x3e0L, 0x1fL),
            24 to listOf(0xff0000L, 0xff00L, 0xffL),
            32 to listOf(0xff0000L, 0xff00L, 0xffL)
        )
        private val KINDS = (listOf(1, 2, 4, 8) + MASKS.keys).map { it to PLAIN } +
            listOf(8 to RLE8, 4 to RLE4, 16 to FIELDS, 32 to FIELDS, 16 to ALPHA_FIELDS, 32 to ALPHA_FIELDS)

        /** Opens a BMP and checks that its kind is supported. Throws [DamagedImage], [UnsupportedImage]. */
        fun open(data: ByteArray): Bmp {
            val bytes = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN)
            val size = if (data.size < FILE_HEADER + 4) 0 else bytes.getInt(FILE_HEADER)
            if (data.size < FILE_HEADER + 4 || (size == CORE && data.size < 26)) {
                throw DamagedImage("it ends within its header")
            }
            if (size != CORE && size !in INFO..LARGEST) throw UnsupportedImage("a BMP with a header of $size bytes")
            if (size != CORE && data.size < FILE_HEADER + INFO) throw DamagedImage("it ends within its header")
            val bmp = Bmp(data, bytes)
            if (bmp.bits to bmp.compression !in KINDS || (size == OS2 && bmp.compression == FIELDS)) {
                throw UnsupportedImage("a BMP of ${bmp.bits} bits with compression ${bmp.compression}")
            }
            return bmp
        }
    }
}
