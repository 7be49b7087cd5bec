package org.goldmask.golden

import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.util.zip.CRC32
import java.util.zip.Deflater
import java.util.zip.DeflaterOutputStream
import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Palette

/**
 * A mask as an 8-bit palette PNG (PNG specification, third edition): people see colours, programs see classes. One of
 * more classes is a 16-bit grayscale PNG.
 *
 * This is our own code, because neither Android's encoder nor any of its Java libraries writes palettes.
 */
internal object MaskPng {
    private val SIGNATURE = byteArrayOf(0x89.toByte(), 'P'.b, 'N'.b, 'G'.b, '\r'.b, '\n'.b, 0x1a, '\n'.b)
    private const val PALETTE_COLOUR: Int = 3
    private const val GRAY: Int = 0
    private const val HEADER_BYTES = 13

    private val Char.b: Byte get() = code.toByte()
    private val Int.b: Byte get() = toByte()
    private val Mask.hasPalette get() = depth == Mask.DEPTH

    /** The PNG file of [mask]; the same bytes for the same mask. */
    fun encode(mask: Mask): ByteArray {
        val header = ByteArrayOutputStream(HEADER_BYTES)
        DataOutputStream(header).apply {
            writeInt(mask.width)
            writeInt(mask.height)
            write(byteArrayOf(mask.depth.toByte(), if (mask.hasPalette) PALETTE_COLOUR.b else GRAY.b, 0, 0, 0))
        }
        val pixels = ByteArrayOutputStream()
        DeflaterOutputStream(pixels, Deflater(Deflater.BEST_SPEED)).use { deflated ->
            for (row in 0 until mask.height) {
                deflated.write(0) // no filter: neighbouring class indices are equal or unrelated
                val bytes = mask.classes.size / mask.height
                deflated.write(mask.classes, row * bytes, bytes)
            }
        }
        val file = ByteArrayOutputStream()
        file.write(SIGNATURE)
        for ((name, content) in listOfNotNull(
            "IHDR" to header.toByteArray(),
            ("PLTE" to Palette.rgb).takeIf { mask.hasPalette },
            "IDAT" to pixels.toByteArray(),
            "IEND" to ByteArray(0)
        )) {
            DataOutputStream(file).chunk(name.toByteArray(), content)
        }
        return file.toByteArray()
    }

    private fun DataOutputStream.chunk(name: ByteArray, content: ByteArray) {
        writeInt(content.size)
        write(name)
        write(content)
        val checksum = CRC32()
        checksum.update(name)
        checksum.update(content)
        writeInt(checksum.value.toInt())
    }
}
