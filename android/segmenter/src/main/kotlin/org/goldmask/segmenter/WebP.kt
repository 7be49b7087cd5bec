package org.goldmask.segmenter

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Extracts a WebP's first frame and its orientation.
 *
 * RFC 9649 defines the container.
 */
internal object WebP {
    private const val FILE_HEADER = 12
    private const val FRAME_HEADER = 16
    private const val CHUNK_HEADER = 8
    private const val EXTENDED_BYTES = 10
    private const val LOSSY = "VP8 "
    private const val LOSSLESS = "VP8L"
    private const val SIDE = 0x3fff
    private const val SIDE_BITS = 14
    private val START_CODE = "\u009d\u0001\u002a".latin()
    private const val LOSSLESS_SIGNATURE = 0x2f

    private class Chunk(val kind: String, val body: ByteArray) {
        val isPicture = kind == LOSSY || kind == LOSSLESS
        private val bytes = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN)

        /** Width and height in an extended file's header. */
        fun canvas() = 1 + (bytes.getInt(4) and 0xffffff) to 1 + (bytes.getInt(6) ushr 8)

        /** Width and height of a picture; null if it does not start like one. */
        fun size(): Pair<Int, Int>? = when {
            kind == LOSSY && body.size >= 10 && body.holds(START_CODE, 3) ->
                (bytes.getShort(6).toInt() and SIDE) to (bytes.getShort(8).toInt() and SIDE)
            kind == LOSSLESS && body.size >= 5 && body.at(0) == LOSSLESS_SIGNATURE ->
                bytes.getInt(1).let { 1 + (it and SIDE) to 1 + (it ushr SIDE_BITS and SIDE) }
            else -> null
        }
    }

    /** Whether [data] starts like a WebP. */
    fun isWebP(data: ByteArray) = data.holds("RIFF".latin(), 0) && data.holds("WEBP".latin(), CHUNK_HEADER)

    /**
     * A WebP with only the first frame, without metadata, and without alpha if it is lossy.
     *
     * Throws [DamagedImage], [UnsupportedImage].
     */
    fun strip(data: ByteArray): Stripped {
        var exif: ByteArray? = null
        var canvas: Pair<Int, Int>? = null
        var picture: Chunk? = null
        val end = CHUNK_HEADER + unsigned(data, CHUNK_HEADER / 2)
        if (end > data.size) throw DamagedImage("it ends before its last chunk")
        for (chunk in chunks(data, FILE_HEADER, end.toInt())) {
            when {
                chunk.kind == "EXIF" -> exif = exif ?: chunk.body
                chunk.kind == "VP8X" && chunk.body.size >= EXTENDED_BYTES -> canvas = chunk.canvas()
                chunk.kind == "ANMF" && picture == null ->
                    picture = chunks(chunk.body, FRAME_HEADER, chunk.body.size).firstOrNull { it.isPicture }
                chunk.isPicture -> picture = picture ?: chunk
            }
        }
        val size = picture?.size() ?: throw DamagedImage("it has no picture")
        if (canvas != null && canvas != size) {
            throw UnsupportedImage("a WebP whose first frame is a part of its picture")
        }
        return Stripped(file(picture), size.first, size.second, Metadata.exifOrientation(exif))
    }

    private fun chunks(data: ByteArray, from: Int, end: Int): List<Chunk> {
        val found = mutableListOf<Chunk>()
        var offset = from
        while (offset + CHUNK_HEADER <= end) {
            val length = unsigned(data, offset + CHUNK_HEADER / 2)
            val begin = offset + CHUNK_HEADER
            if (begin + length > end) throw DamagedImage("it ends within a chunk")
            val kind = String(data, offset, CHUNK_HEADER / 2, Charsets.ISO_8859_1)
            found += Chunk(kind, data.copyOfRange(begin, begin + length.toInt()))
            offset = begin + length.toInt() + length.toInt() % 2
        }
        return found
    }

    /** The file of one picture. */
    private fun file(picture: Chunk): ByteArray {
        val padding = picture.body.size % 2
        val file = ByteArrayOutputStream(FILE_HEADER + CHUNK_HEADER + picture.body.size + padding)
        file.write("RIFF".latin())
        file.write(little(CHUNK_HEADER / 2 + CHUNK_HEADER + picture.body.size + padding))
        file.write(("WEBP" + picture.kind).latin())
        file.write(little(picture.body.size))
        file.write(picture.body)
        file.write(ByteArray(padding))
        return file.toByteArray()
    }

    private fun unsigned(data: ByteArray, offset: Int): Long =
        ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getInt(offset).toLong() and 0xffffffffL

    private fun little(value: Int): ByteArray =
        ByteBuffer.allocate(Int.SIZE_BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array()
}
