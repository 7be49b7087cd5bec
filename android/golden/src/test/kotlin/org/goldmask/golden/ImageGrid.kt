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
 * Decodes the files of a folder: a line in decoded.tsv for each, with its name, what `ImageFile` makes of it, and what
 * `BitmapFactory` makes of it by itself. That is a sha256 of upright RGB bytes, or why there are none.
 *
 * Not a test of its own: goldmask's tests generate the files, and know what is right.
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
