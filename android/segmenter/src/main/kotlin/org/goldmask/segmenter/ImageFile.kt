package org.goldmask.segmenter

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import android.graphics.ColorSpace
import androidx.exifinterface.media.ExifInterface
import java.io.ByteArrayInputStream
import java.nio.ByteBuffer

/**
 * Image files to upright, opaque sRGB bitmaps by the rules of docs/images.md, so that every platform begins with the
 * same pixels: alpha is dropped and not blended, colour profiles are ignored, CMYK and huge images are refused.
 */
object ImageFile {
    private const val MAX_PIXELS = 1L shl 26
    private const val RGBA_BYTES = 4
    private const val BYTE = 0xff
    private const val RED_SHIFT = 16
    private const val GREEN_SHIFT = 8
    private const val OPAQUE = BYTE shl 24
    private const val CHANNELS = 3
    private const val LAST_ORIENTATION = 8
    private const val CMYK_COMPONENTS = 4
    private val FORMATS = setOf("image/jpeg", "image/png", "image/webp", "image/bmp", "image/x-ms-bmp")

    /**
     * The pixels of a JPEG, PNG, BMP or WebP file of bytes [data]; [name] is for messages. [orientation] is an EXIF
     * orientation that replaces the file's own.
     *
     * @throws SegmenterException of stage `decode`
     */
    fun decode(name: String, data: ByteArray, orientation: Int? = null): Bitmap {
        if (data.isEmpty()) fail("$name is empty (0 bytes)")
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeByteArray(data, 0, data.size, options)
        if (options.outMimeType !in FORMATS) fail("$name is not a JPEG, PNG, BMP or WebP image")
        val (width, height) = options.outWidth to options.outHeight
        if (width < 1 || height < 1) fail("$name cannot be decoded")
        if (width.toLong() * height > MAX_PIXELS) fail("$name claims $width×$height pixels; the limit is $MAX_PIXELS")
        when (options.outMimeType) {
            "image/jpeg" -> checkJpeg(name, data)
            "image/png" -> if (!endsWithEnd(data)) fail("$name cannot be decoded: image file is truncated")
        }
        options.inJustDecodeBounds = false
        options.inPremultiplied = false // premultiplying would lose the colours of transparent pixels
        options.inPreferredConfig = Bitmap.Config.ARGB_8888
        val decoded = BitmapFactory.decodeByteArray(data, 0, data.size, options) ?: fail("$name cannot be decoded")
        val pixels = raw(decoded)
        decoded.recycle()
        val turn = orientation ?: ExifInterface(ByteArrayInputStream(data))
            .getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
        return bitmap(orient(pixels, width, height, turn), if (turn in SIDEWAYS) height else width)
    }

    /** [pixels] (row by row, [width]×[height]) turned upright from an EXIF [orientation] (EXIF 2.3, tag 0x0112). */
    fun orient(pixels: IntArray, width: Int, height: Int, orientation: Int): IntArray {
        if (orientation !in 2..LAST_ORIENTATION) return pixels
        val sideways = orientation in SIDEWAYS
        val (outWidth, outHeight) = if (sideways) height to width else width to height
        val turned = IntArray(pixels.size)
        for (y in 0 until outHeight) {
            val fromY = if (orientation in UPSIDE_DOWN) outHeight - 1 - y else y
            for (x in 0 until outWidth) {
                val fromX = if (orientation in MIRRORED) outWidth - 1 - x else x
                turned[y * outWidth + x] =
                    if (sideways) pixels[fromX * width + fromY] else pixels[fromY * width + fromX]
            }
        }
        return turned
    }

    private val SIDEWAYS = setOf(5, 6, 7, 8)
    private val UPSIDE_DOWN = setOf(3, 4, 7, 8)
    private val MIRRORED = setOf(2, 3, 6, 7)

    /** The RGB bytes of a bitmap, row by row. */
    fun rgb(image: Bitmap): ByteArray {
        val pixels = IntArray(image.width * image.height)
        image.getPixels(pixels, 0, image.width, 0, 0, image.width, image.height)
        val bytes = ByteArray(CHANNELS * pixels.size)
        var place = 0
        for (pixel in pixels) {
            bytes[place++] = (pixel shr RED_SHIFT).toByte()
            bytes[place++] = (pixel shr GREEN_SHIFT).toByte()
            bytes[place++] = pixel.toByte()
        }
        return bytes
    }

    /** Opaque ARGB pixels as they are in the file: getPixels would turn them into sRGB by the file's colour profile. */
    private fun raw(image: Bitmap): IntArray {
        val pixels = IntArray(image.width * image.height)
        if (!image.hasAlpha() && image.colorSpace in setOf(null, ColorSpace.get(ColorSpace.Named.SRGB))) {
            image.getPixels(pixels, 0, image.width, 0, 0, image.width, image.height)
            return pixels
        }
        val bytes = bytesOf(image)
        val blue = RGBA_BYTES / 2 - RED_PLACE // red and blue lie around green
        for (index in pixels.indices) {
            val place = RGBA_BYTES * index
            pixels[index] = OPAQUE or (bytes[place + RED_PLACE].toInt() and BYTE shl RED_SHIFT) or
                (bytes[place + 1].toInt() and BYTE shl GREEN_SHIFT) or (bytes[place + blue].toInt() and BYTE)
        }
        return pixels
    }

    private fun bytesOf(image: Bitmap): ByteArray =
        ByteBuffer.allocate(RGBA_BYTES * image.width * image.height).also(image::copyPixelsToBuffer).array()

    /** Where red lies in the memory of an ARGB_8888 bitmap: first on a device, third in Skia for a Linux desktop. */
    private val RED_PLACE: Int by lazy {
        val red = Bitmap.createBitmap(intArrayOf(Color.RED), 1, 1, Bitmap.Config.ARGB_8888)
        if (bytesOf(red)[0].toInt() == 0) RGBA_BYTES / 2 else 0
    }

    private fun bitmap(pixels: IntArray, width: Int): Bitmap {
        val image = Bitmap.createBitmap(pixels, width, pixels.size / width, Bitmap.Config.ARGB_8888)
        image.setHasAlpha(false)
        return image
    }

    /** Refuses CMYK, which every decoder turns into other colours, and files that end early, which decode to gray. */
    private fun checkJpeg(name: String, data: ByteArray) {
        var place = 2
        while (place + 9 < data.size) {
            if (data[place] != MARKER) break
            val kind = data[place + 1].toInt() and BYTE
            if (kind == BYTE) { // a fill byte
                place++
                continue
            }
            if (kind in FRAME_HEADERS && data[place + 9].toInt() == CMYK_COMPONENTS) {
                fail("$name is a CMYK image, which every decoder turns into other colours")
            }
            if (kind == SCAN) break
            place += 2 + (data[place + 2].toInt() and BYTE shl 8) + (data[place + 3].toInt() and BYTE)
        }
        // Thumbnails have an end of their own, but before the scan.
        for (index in data.size - 2 downTo place) {
            if (data[index] == MARKER && data[index + 1] == END_OF_IMAGE) return
        }
        fail("$name cannot be decoded: image file is truncated")
    }

    private const val MARKER = 0xff.toByte()
    private const val END_OF_IMAGE = 0xd9.toByte()
    private const val SCAN = 0xda
    private val FRAME_HEADERS = (0xc0..0xcf) - setOf(0xc4, 0xc8, 0xcc)

    private fun endsWithEnd(data: ByteArray): Boolean {
        var place = 8L
        while (place + 8 <= data.size) {
            val at = place.toInt()
            val length = ByteBuffer.wrap(data, at, 4).int.toLong() and 0xffffffffL
            if (String(data, at + 4, 4, Charsets.ISO_8859_1) == "IEND") return true
            place += 12 + length
        }
        return false
    }

    private fun fail(message: String): Nothing = throw SegmenterException("decode", message)
}
