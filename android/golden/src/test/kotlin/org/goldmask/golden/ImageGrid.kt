package org.goldmask.golden

import android.graphics.BitmapFactory
import androidx.test.ext.junit.runners.AndroidJUnit4
import java.io.File
import java.security.MessageDigest
import org.goldmask.segmenter.ImageFile
import org.goldmask.segmenter.SegmenterException
import org.junit.Test
import org.junit.runner.RunWith

/**
 * Decodes the files of a folder, and writes a line to decoded.tsv for each: its name, the result of `ImageFile`, and
 * the result of `BitmapFactory` alone. A result is a sha256 of upright RGB bytes, or an error.
 *
 * Not a test by itself: goldmask's tests generate the files, and know the right results.
 */
@RunWith(AndroidJUnit4::class)
class ImageGrid {
    @Test
    fun `decode a folder`() {
        val folder = File(checkNotNull(System.getProperty("goldmask.images")))
        val files = folder.listFiles { file -> file.extension != "tsv" }!!.sorted()
        val lines = files.map { file ->
            val data = file.readBytes()
            val ours = try {
                sha256(ImageFile.rgb(ImageFile.decode("it", data)))
            } catch (error: SegmenterException) {
                error.message!!
            }
            val plain = try {
                BitmapFactory.decodeByteArray(data, 0, data.size)?.let { sha256(ImageFile.rgb(it)) } ?: "null"
            } catch (error: RuntimeException) {
                error.toString()
            }
            listOf(file.name, ours, plain).joinToString("\t")
        }
        folder.resolve("decoded.tsv").writeText(lines.joinToString("\n", postfix = "\n"))
    }

    private fun sha256(data: ByteArray) =
        MessageDigest.getInstance("SHA-256").digest(data).joinToString("") { "%02x".format(it) }
}
