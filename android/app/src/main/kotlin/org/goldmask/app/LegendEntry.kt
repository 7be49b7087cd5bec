package org.goldmask.app

import org.goldmask.segmenter.Mask

/** A class in a mask: its [index], its [name], and its [share] of the pixels, 0 to 1. */
data class LegendEntry(val index: Int, val name: String, val share: Double)

/** The classes in [mask], the largest first; a class without a label in [labels] gets its number as name. */
fun legendOf(mask: Mask, labels: List<String>): List<LegendEntry> {
    val counts = IntArray(CLASSES)
    for (value in mask.classes) counts[value.toInt() and BYTE]++
    val present = counts.indices.filter { counts[it] > 0 }.sortedByDescending { counts[it] }
    return present.map { index ->
        val name = labels.getOrElse(index) { "class_$index" }
        LegendEntry(index, name, counts[index] / mask.classes.size.toDouble())
    }
}

private const val CLASSES = 256
private const val BYTE = 0xff
