package org.goldmask.app

import org.goldmask.segmenter.Mask

/** A class that is in a mask: its [index], its [name], and its [share] of the pixels, 0 to 1. */
data class LegendEntry(val index: Int, val name: String, val share: Double)

/** The classes that are present in [mask], the largest first; what [labels] does not name gets its number. */
fun legendOf(mask: Mask, labels: List<String>): List<LegendEntry> {
    val counts = IntArray(CLASSES)
    for (value in mask.classes) counts[value.toInt() and BYTE]++
    return counts.indices.filter { counts[it] > 0 }
        .map { LegendEntry(it, labels.getOrElse(it) { index -> "class_$index" }, counts[it] / mask.classes.size.toDouble()) }
        .sortedByDescending { it.share }
}

private const val CLASSES = 256
private const val BYTE = 0xff
