package org.goldmask.sabotage

import org.goldmask.segmenter.Mask

/** Bugs on the way from scores to a mask. */
internal object Classes {
    private const val HIGHEST = 255
    val BUGS = setOf(
        "mask-transposed",
        "mask-mirrored",
        "mask-upside-down",
        "mask-rotated-180",
        "labels-shifted-up",
        "labels-shifted-down",
        "labels-from-255",
        "labels-reversed",
        "all-one-class",
        "checkered"
    )

    fun changed(bug: String, mask: Mask, classes: Int): Mask {
        val (width, height) = mask.width to mask.height
        return when (bug) {
            "mask-transposed" -> Mask(height, width, moved(mask) { it % height * width + it / height })
            "mask-mirrored" -> Mask(width, height, moved(mask) { it - it % width + (width - 1 - it % width) })
            "mask-upside-down" -> Mask(width, height, moved(mask) { (height - 1 - it / width) * width + it % width })
            "mask-rotated-180" -> Mask(width, height, moved(mask) { width * height - 1 - it })
            "labels-shifted-up" -> mask.renamed { (it + 1) % classes }
            "labels-shifted-down" -> mask.renamed { (it + classes - 1) % classes }
            "labels-from-255" -> mask.renamed { HIGHEST - it }
            "labels-reversed" -> mask.renamed { classes - 1 - it }
            "all-one-class" -> mask.renamed { minOf(it, 1) }
            // A bug that nobody has thought of.
            "checkered" -> Mask(
                width,
                height,
                ByteArray(mask.classes.size) { if ((it % width / 5 + it / width / 7) % 2 == 0) mask.classes[it] else 0 }
            )
            else -> mask
        }
    }

    private fun moved(mask: Mask, from: (Int) -> Int) = ByteArray(mask.classes.size) { mask.classes[from(it)] }

    private fun Mask.renamed(name: (Int) -> Int) =
        Mask(width, height, ByteArray(classes.size) { name(classes[it].toInt() and HIGHEST).toByte() })
}
