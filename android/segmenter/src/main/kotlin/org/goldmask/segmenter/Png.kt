package org.goldmask.segmenter

import java.io.ByteArrayOutputStream
import java.io.OutputStream
import java.nio.ByteBuffer
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Deflater
import java.util.zip.DeflaterOutputStream
import java.util.zip.Inflater

/**
 * Checks a PNG against its header, and removes its metadata: decoders read missing rows as black, and ignore wrong
 * checksums.
 *
 * The PNG specification, third edition, defines the format.
 */
internal class Png private constructor(private val data: ByteArray) {
    private val header = ByteBuffer.wrap(data, SIGNATURE.size + CHUNK_BYTES, HEADER_BYTES).slice()
    val width = header.getInt(0)
    val height = header.getInt(4)
    private val depth = header.get(8).toInt()
    private val colour = header.get(9).toInt()
    private val interlaced = header.get(12).toInt() == 1

    /**
     * The file without metadata and transparency. Its palette becomes as long as its depth allows, filled with black.
     * Of 16-bit samples it keeps only the high bytes. Throws [DamagedImage].
     */
    fun strip(): Stripped {
        var exif: ByteArray? = null
        var palette: ByteArray? = null
        val pixels = mutableListOf<ByteArray>()
        for ((kind, body) in chunks(data)) {
            when (kind) {
                "eXIf" -> exif = exif ?: body
                "PLTE" -> if (pixels.isEmpty()) palette = palette ?: body.copyOf(RGB_BYTES shl depth)
                "IDAT" -> pixels += body
            }
        }
        val thinned = if (depth == DEEP) ByteArrayOutputStream() else null
        if (thinned == null) {
            inflate(pixels) { _, _ -> }
        } else {
            DeflaterOutputStream(thinned, Deflater(Deflater.BEST_SPEED)).use { deflated ->
                val thin = HighBytes(deflated, rowLengths())
                inflate(pixels, thin::write)
            }
        }
        val file = ByteArrayOutputStream(data.size)
        file.write(SIGNATURE)
        val shallow = ByteArray(HEADER_BYTES).also { header.duplicate().get(it) }
        if (depth == DEEP) shallow[8] = BYTE_BITS
        write(file, "IHDR", shallow)
        if (colour == PALETTE) write(file, "PLTE", palette ?: throw DamagedImage("it has no palette"))
        for (body in thinned?.let { listOf(it.toByteArray()) } ?: pixels) write(file, "IDAT", body)
        write(file, "IEND", ByteArray(0))
        return Stripped(file.toByteArray(), width, height, Metadata.exifOrientation(exif))
    }

    /** The bytes of each row with its filter byte, pass after pass. */
    private fun rowLengths(): Sequence<Int> = passes().flatMap { (width, height) ->
        generateSequence { 1 + (width * depth * CHANNELS.getValue(colour) + 7) / 8 }.take(height.toInt())
    }.map(Long::toInt)

    private fun passes(): Sequence<Pair<Long, Long>> {
        if (!interlaced) return sequenceOf(width.toLong() to height.toLong())
        return PASSES.asSequence().map { (left, top, across, down) ->
            (width.toLong() - left + across - 1) / across to (height.toLong() - top + down - 1) / down
        }.filter { (width, height) -> width > 0 && height > 0 }
    }

    /** Passes the filtered rows to [onBytes], buffer by buffer. Throws [DamagedImage] if rows are missing. */
    private fun inflate(pixels: List<ByteArray>, onBytes: (ByteArray, Int) -> Unit) {
        var missing = passes().sumOf { (width, height) ->
            height * (1 + (width * depth * CHANNELS.getValue(colour) + 7) / 8)
        }
        val inflater = Inflater()
        val buffer = ByteArray(BUFFER_BYTES)
        try {
            for (body in pixels) {
                inflater.setInput(body)
                while (!inflater.finished()) {
                    val count = inflater.inflate(buffer)
                    if (count == 0) break
                    missing -= count
                    if (missing < 0) throw DamagedImage("its compressed data goes on after the last row")
                    onBytes(buffer, count)
                }
            }
            if (missing > 0) throw DamagedImage("rows are missing")
            if (!inflater.finished()) throw DamagedImage("its compressed data has no end")
        } catch (error: DataFormatException) {
            throw DamagedImage("its compressed data is broken (${error.message})")
        } finally {
            inflater.end()
        }
    }

    /**
     * Keeps the filter byte and every second byte of rows of 16-bit samples. PNG's filters never mix a sample's bytes,
     * so the result is a filtered row of 8-bit samples.
     */
    private class HighBytes(private val out: OutputStream, lengths: Sequence<Int>) {
        private val rows = lengths.iterator()
        private var length = 0
        private var position = 0
        private val kept = ByteArray(BUFFER_BYTES)

        fun write(bytes: ByteArray, count: Int) {
            var filled = 0
            for (index in 0 until count) {
                if (position == length) {
                    length = rows.next()
                    position = 0
                }
                if (position == 0 || position % 2 == 1) kept[filled++] = bytes[index]
                position++
            }
            out.write(kept, 0, filled)
        }
    }

    companion object {
        val SIGNATURE = "\u0089PNG\r\n\u001a\n".latin()
        private const val CHUNK_BYTES = 8
        private const val CHECKSUM_BYTES = 4
        private const val HEADER_BYTES = 13
        private const val PALETTE = 3
        private const val DEEP = 16
        private const val BYTE_BITS: Byte = 8
        private const val RGB_BYTES = 3
        private const val BUFFER_BYTES = 1 shl 16
        private val CHANNELS = mapOf(0 to 1, 2 to 3, PALETTE to 1, 4 to 2, 6 to 4)
        private val DEPTHS = mapOf(
            0 to setOf(1, 2, 4, 8, DEEP),
            2 to setOf(8, DEEP),
            PALETTE to setOf(1, 2, 4, 8),
            4 to setOf(8, DEEP),
            6 to setOf(8, DEEP)
        )

        // Left, top and steps of Adam7's passes.
        private val PASSES = listOf(
            listOf(0, 0, 8, 8),
            listOf(4, 0, 8, 8),
            listOf(0, 4, 4, 8),
            listOf(2, 0, 4, 4),
            listOf(0, 2, 2, 4),
            listOf(1, 0, 2, 2),
            listOf(0, 1, 1, 2)
        )

        /** Opens a PNG and checks only its header. Throws [DamagedImage]. */
        fun open(data: ByteArray): Png {
            val (kind, body) = chunks(data).first()
            if (kind != "IHDR" || body.size != HEADER_BYTES) throw DamagedImage("it has no header")
            val png = Png(data)
            if (png.depth !in DEPTHS[png.colour].orEmpty() || body.at(10) != 0 || body.at(11) != 0 || body.at(12) > 1) {
                throw DamagedImage("its header says what no PNG can be")
            }
            return png
        }

        /** The name and body of each chunk up to IEND; ignores what follows. Throws [DamagedImage]. */
        private fun chunks(data: ByteArray): Sequence<Pair<String, ByteArray>> = sequence {
            val bytes = ByteBuffer.wrap(data)
            var position = SIGNATURE.size
            while (true) {
                val begin = position + CHUNK_BYTES
                if (begin + CHECKSUM_BYTES > data.size) throw DamagedImage("it ends before its last chunk")
                val length = bytes.getInt(position).toLong() and 0xffffffffL
                if (begin + length + CHECKSUM_BYTES > data.size) throw DamagedImage("it ends within a chunk")
                val end = begin + length.toInt()
                val kind = String(data, position + 4, 4, Charsets.ISO_8859_1)
                if (crc(data, position + 4, end) != bytes.getInt(end)) {
                    throw DamagedImage("the checksum of its chunk $kind is wrong")
                }
                if (kind == "IHDR" && position != SIGNATURE.size) throw DamagedImage("it has two headers")
                yield(kind to data.copyOfRange(begin, end))
                if (kind == "IEND") return@sequence
                position = end + CHECKSUM_BYTES
            }
        }

        private fun write(file: ByteArrayOutputStream, kind: String, body: ByteArray) {
            val content = kind.latin() + body
            file.write(ByteBuffer.allocate(Int.SIZE_BYTES).putInt(body.size).array())
            file.write(content)
            file.write(ByteBuffer.allocate(Int.SIZE_BYTES).putInt(crc(content, 0, content.size)).array())
        }

        private fun crc(data: ByteArray, begin: Int, end: Int): Int =
            CRC32().apply { update(data, begin, end - begin) }.value.toInt()
    }
}
