package org.goldmask.segmenter

import java.io.ByteArrayOutputStream

/**
 * Removes a JPEG's metadata, and checks that its scans have all pixels.
 *
 * ITU-T T.81, annex B, defines the markers. Decoders silently fill in missing pixels with gray.
 */
internal object Jpeg {
    val SIGNATURE = "\u00ff\u00d8\u00ff".latin()
    private const val MARKER = 0xff
    private const val SCAN = 0xda
    private const val END = 0xd9
    private const val EXIF = 0xe1
    private const val START_BYTES = 2
    private const val HEADER_BYTES = 4
    private const val BYTE_BITS = 8
    private const val CMYK = 4

    // A progressive JPEG has about ten scans. A decoder visits the whole picture for each scan, even for a short one.
    private const val MAX_SCANS = 100
    private val GRAY_OR_COLOUR = setOf(1, 3)
    private val RESTARTS = 0xd0..0xd7

    // Baseline, extended and progressive, all with Huffman codes; few decoders support the other frames of T.81, table
    // B.1.
    private val FRAMES = 0xc0..0xc2
    private val OTHER_FRAMES = (0xc3..0xcf) - setOf(0xc4, 0xc8, 0xcc)

    // JFIF's and Adobe's segments define the colours; those of other applications, and comments, are metadata.
    private val METADATA = (0xe0..0xef) - setOf(0xe0, 0xee) + 0xfe

    // Bytes that no decoder takes for a marker, and that make colourful blocks if a decoder takes them for blocks.
    private val NOISE = ByteArray(2 * 254) { (1 + it % 254).toByte() }

    /** The JPEG without metadata and without bytes after its end. Throws [DamagedImage], [UnsupportedImage]. */
    fun strip(data: ByteArray): Stripped {
        var exif: ByteArray? = null
        var size: Pair<Int, Int>? = null
        val kept = ByteArrayOutputStream(data.size)
        kept.write(data, 0, START_BYTES)
        var offset = START_BYTES
        for (segment in segments(data)) {
            if (segment.kind == EXIF && exif == null && data.holds(Metadata.EXIF_PREFIX, segment.body)) {
                exif = data.copyOfRange(segment.body + Metadata.EXIF_PREFIX.size, segment.end)
            }
            if (segment.kind in FRAMES || segment.kind in OTHER_FRAMES) {
                if (size != null) throw DamagedImage("it has two frame headers")
                size = size(segment.kind, data.copyOfRange(segment.body, segment.end))
            }
            if (segment.kind !in METADATA) kept.write(data, segment.begin, segment.end - segment.begin)
            offset = segment.end
        }
        val (width, height) = size ?: throw DamagedImage("it has no frame header")
        kept.write(data, offset, scans(data, offset).second - offset)
        return Stripped(kept.toByteArray(), width, height, Metadata.exifOrientation(exif))
    }

    /** The file with more data after each scan. It is another picture only if a scan is too short. */
    fun withNoise(data: ByteArray): ByteArray {
        val more = ByteArrayOutputStream(data.size)
        var begin = 0
        for (end in scans(data, segments(data).last().end).first) {
            more.write(data, begin, end - begin)
            more.write(NOISE)
            begin = end
        }
        more.write(data, begin, data.size - begin)
        return more.toByteArray()
    }

    private class Segment(val kind: Int, val begin: Int, val body: Int, val end: Int)

    /** Each segment up to the first scan's header. */
    private fun segments(data: ByteArray): List<Segment> {
        val found = mutableListOf<Segment>()
        var end = START_BYTES
        do {
            val begin = end
            var offset = begin
            while (offset + 1 < data.size && data.at(offset) == MARKER && data.at(offset + 1) == MARKER) offset++
            if (data.size < offset + HEADER_BYTES) throw DamagedImage("it ends before its first scan")
            val kind = data.at(offset + 1)
            if (data.at(offset) != MARKER || kind == 0 || kind == END) throw DamagedImage("it has no scan")
            end = end(data, offset + 2)
            found += Segment(kind, begin, offset + HEADER_BYTES, end)
        } while (kind != SCAN)
        return found
    }

    /** The end of the segment whose length is at [offset]. */
    private fun end(data: ByteArray, offset: Int): Int {
        val length = if (offset + 1 < data.size) short(data, offset) else 0
        if (length < 2 || offset + length > data.size) throw DamagedImage("it ends within a segment")
        return offset + length
    }

    /** Width and height of a frame header. */
    private fun size(kind: Int, body: ByteArray): Pair<Int, Int> {
        if (kind in OTHER_FRAMES || body.size < 6 || body.at(0) != BYTE_BITS) {
            throw UnsupportedImage("a JPEG that is neither baseline nor progressive with 8 bits")
        }
        if (body.at(5) == CMYK) throw UnsupportedImage("a CMYK image, which every decoder turns into other colours")
        if (body.at(5) !in GRAY_OR_COLOUR) throw UnsupportedImage("neither gray nor RGB")
        return short(body, 3) to short(body, 1)
    }

    /** The end of each scan's data, where the first one starts at [from]; and the end of the end marker. */
    private fun scans(data: ByteArray, from: Int): Pair<List<Int>, Int> {
        val ends = mutableListOf<Int>()
        var kind = SCAN
        var offset = from
        while (true) {
            var marker = offset
            while (marker + 1 < data.size && !(data.at(marker) == MARKER && isMarker(data.at(marker + 1)))) marker++
            if (marker + 1 >= data.size) throw DamagedImage("it ends before its end marker")
            if (kind == SCAN) ends += fillBefore(data, marker, offset)
            if (ends.size > MAX_SCANS) throw DamagedImage("it has more than $MAX_SCANS scans")
            kind = data.at(marker + 1)
            offset = marker + 2
            if (kind == END) return ends to offset
            offset = end(data, offset)
        }
    }

    /** Whether this is neither data (a byte 0xff before 0), a restart marker nor a fill byte. */
    private fun isMarker(kind: Int) = kind != 0 && kind != MARKER && kind !in RESTARTS

    /** The first of the fill bytes before a marker. */
    private fun fillBefore(data: ByteArray, marker: Int, begin: Int): Int {
        var first = marker
        while (first > begin && data.at(first - 1) == MARKER) first--
        return first
    }

    private fun short(data: ByteArray, offset: Int) = (data.at(offset) shl BYTE_BITS) or data.at(offset + 1)
}
