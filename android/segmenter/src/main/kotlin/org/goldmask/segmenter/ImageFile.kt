package org.goldmask.segmenter

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import java.nio.ByteBuffer

/**
 * Decodes image files to upright, opaque sRGB bitmaps by the rules of docs/images.md, so that every platform starts
 * with the same pixels. Android decodes JPEG, PNG and WebP, but gets only the parts of the file that make pixels.
 */
object ImageFile {
    private const val MAX_PIXELS = 1L shl 26
    private const val MAX_SIDE = 0xffff
    private const val RGBA_BYTES = 4
    private const val BYTE = 0xff
    private const val RED_SHIFT = 16
    private const val GREEN_SHIFT = 8
    private const val OPAQUE = BYTE shl 24
    private const val CHANNELS = 3
    private const val LAST_ORIENTATION = 8
    private const val BLOCK = 8

    /**
     * The pixels of a JPEG, PNG, BMP or WebP file of bytes [data]; [name] is for messages. [orientation] is an EXIF
     * orientation that replaces the file's own.
     *
     * @throws SegmenterException of stage `decode`
     */
    fun decode(name: String, data: ByteArray, orientation: Int? = null): Bitmap {
        if (data.isEmpty()) fail("$name is empty (0 bytes)")
        try {
            val image = read(data)
            return bitmap(image.pixels, image.width, image.height, orientation ?: image.orientation)
        } catch (error: DamagedImage) {
            fail("$name is damaged: ${error.message}")
        } catch (error: UnsupportedImage) {
            fail("$name is ${error.message}")
        }
    }

    /** The EXIF orientation, 1 to 8, of a JPEG, PNG or WebP file with the bytes [data]; 1 if it has none. */
    fun orientation(data: ByteArray): Int = try {
        strip(data)?.orientation
    } catch (_: DamagedImage) {
        null
    } catch (_: UnsupportedImage) {
        null
    } ?: Metadata.UPRIGHT

    /** Pixels as stored in the file, row by row, and the file's orientation. */
    private class Stored(val pixels: IntArray, val width: Int, val height: Int, val orientation: Int)

    private fun read(data: ByteArray): Stored {
        if (data.holds(Bmp.SIGNATURE, 0)) {
            val bmp = Bmp.open(data)
            checkSize(bmp.width, bmp.height)
            return Stored(bmp.pixels(), bmp.width, bmp.height, Metadata.UPRIGHT)
        }
        val stripped = strip(data) ?: throw UnsupportedImage("not a JPEG, PNG, BMP or WebP image")
        checkSize(stripped.width, stripped.height)
        if (data.holds(Jpeg.SIGNATURE, 0) && !hasAllBlocks(stripped.data)) throw DamagedImage("rows are missing")
        return Stored(byAndroid(stripped.data), stripped.width, stripped.height, stripped.orientation)
    }

    private fun strip(data: ByteArray): Stripped? = when {
        data.holds(Jpeg.SIGNATURE, 0) -> Jpeg.strip(data)
        WebP.isWebP(data) -> WebP.strip(data)
        data.holds(Png.SIGNATURE, 0) -> Png.open(data).run {
            checkSize(width, height) // before counting its rows
            strip()
        }
        else -> null
    }

    private fun checkSize(width: Int, height: Int) {
        if (width < 1 || height < 1) throw DamagedImage("it claims $width×$height pixels")
        if (width.toLong() * height > MAX_PIXELS || maxOf(width, height) > MAX_SIDE) {
            throw UnsupportedImage("an image of $width×$height pixels; the limit is 67,108,864, and 65,535 a side")
        }
    }

    /**
     * Whether a JPEG's scans have all blocks: if not, more data changes the picture. Compares one pixel of each block.
     */
    private fun hasAllBlocks(data: ByteArray) =
        byAndroid(data, BLOCK).contentEquals(byAndroid(Jpeg.withNoise(data), BLOCK))

    /** Pixels of a stripped file, one for each square with the side [size]. */
    private fun byAndroid(data: ByteArray, size: Int = 1): IntArray {
        val options = BitmapFactory.Options().apply {
            inPremultiplied = false // premultiplying would lose the colours of transparent pixels
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inSampleSize = size
        }
        val decoded = BitmapFactory.decodeByteArray(data, 0, data.size, options)
            ?: throw DamagedImage("Android cannot decode it")
        return raw(decoded).also { decoded.recycle() }
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
        var offset = 0
        for (pixel in pixels) {
            bytes[offset++] = (pixel shr RED_SHIFT).toByte()
            bytes[offset++] = (pixel shr GREEN_SHIFT).toByte()
            bytes[offset++] = pixel.toByte()
        }
        return bytes
    }

    /** Opaque ARGB pixels straight from memory: getPixels would round the colours of translucent ones. */
    private fun raw(image: Bitmap): IntArray {
        val pixels = IntArray(image.width * image.height)
        val bytes = bytesOf(image)
        // WebP's decoder leaves missing rows transparent, even in an opaque image.
        if (!image.hasAlpha() && bytes.last().toInt() == 0) throw DamagedImage("rows are missing")
        val blue = RGBA_BYTES / 2 - RED_OFFSET // red and blue are on both sides of green
        for (index in pixels.indices) {
            val offset = RGBA_BYTES * index
            pixels[index] = OPAQUE or (bytes[offset + RED_OFFSET].toInt() and BYTE shl RED_SHIFT) or
                (bytes[offset + 1].toInt() and BYTE shl GREEN_SHIFT) or (bytes[offset + blue].toInt() and BYTE)
        }
        return pixels
    }

    private fun bytesOf(image: Bitmap): ByteArray =
        ByteBuffer.allocate(RGBA_BYTES * image.width * image.height).also(image::copyPixelsToBuffer).array()

    /** The offset of red in an ARGB_8888 bitmap's memory: first on a device, third in Skia for a Linux desktop. */
    private val RED_OFFSET: Int by lazy {
        val red = Bitmap.createBitmap(intArrayOf(Color.RED), 1, 1, Bitmap.Config.ARGB_8888)
        if (bytesOf(red)[0].toInt() == 0) RGBA_BYTES / 2 else 0
    }

    /** The upright bitmap of opaque [pixels] (row by row, [width]×[height]) with an EXIF [orientation]. */
    fun bitmap(pixels: IntArray, width: Int, height: Int, orientation: Int): Bitmap {
        val (outWidth, outHeight) = if (orientation in SIDEWAYS) height to width else width to height
        val upright = orient(pixels, width, height, orientation)
        val image = Bitmap.createBitmap(upright, outWidth, outHeight, Bitmap.Config.ARGB_8888)
        image.setHasAlpha(false)
        return image
    }

    private fun fail(message: String): Nothing = throw SegmenterException("decode", message)
}
