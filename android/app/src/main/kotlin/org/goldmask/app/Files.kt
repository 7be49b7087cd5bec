package org.goldmask.app

import android.content.ContentResolver
import android.content.res.AssetManager
import android.net.Uri
import android.provider.OpenableColumns
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream

/** Why a picked or bundled file cannot be used, in a sentence for people. */
class FileProblem(message: String, cause: Throwable? = null) : IOException(message, cause)

/** A bundled model as a file in [folder], copied there once for each version of the app. */
fun bundledModel(assets: AssetManager, name: String, folder: File): File {
    val file = folder.resolve(name)
    if (!file.isFile) copy(assets.open("models/$name"), file)
    return file
}

/** A picked file, copied to [file]. Throws [FileProblem]. */
fun pickedFile(resolver: ContentResolver, uri: Uri, file: File): File {
    val stream = try {
        resolver.openInputStream(uri)
    } catch (error: IOException) {
        throw FileProblem(error.message ?: "it is not there", error)
    } catch (error: SecurityException) {
        throw FileProblem(error.message ?: "it may not be read", error)
    } ?: throw FileProblem("its app does not share it")
    copy(stream, file)
    return file
}

/** A picked file's name, only for people to read: the app that shares it can choose any text. */
fun nameOf(resolver: ContentResolver, uri: Uri): String = runCatching {
    resolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)?.use {
        if (it.moveToFirst()) it.getString(0) else null
    }
}.getOrNull() ?: uri.lastPathSegment ?: uri.toString()

/** Copies to a temporary file and renames it, so that half a model never looks like a whole one. */
private fun copy(from: InputStream, file: File) {
    file.parentFile?.mkdirs()
    val beside = File.createTempFile("copy", null, file.parentFile)
    try {
        from.use { beside.outputStream().use { out -> copyAtMost(from, out) } }
        if (!beside.renameTo(file)) throw FileProblem("$file cannot be written")
    } finally {
        beside.delete()
    }
}

private fun copyAtMost(from: InputStream, out: OutputStream) {
    val buffer = ByteArray(BUFFER_BYTES)
    var total = 0L
    while (true) {
        val count = from.read(buffer)
        if (count < 0) return
        total += count
        if (total > MAX_BYTES) throw FileProblem("it has more than ${MAX_BYTES shr MB_SHIFT} MB")
        out.write(buffer, 0, count)
    }
}

private const val BUFFER_BYTES = 1 shl 16
private const val MB_SHIFT = 20
private const val MAX_BYTES = 512L shl MB_SHIFT
