package org.goldmask.app

import org.goldmask.segmenter.Mask
import org.goldmask.segmenter.Palette

/**
 * The colours of [mask], row by row as ARGB, to show over its photo. Class 0 is transparent if it is the background, as
 * in every model of PASCAL VOC.
 */
fun overlayOf(mask: Mask, labels: List<String>): IntArray {
    val colours = IntArray(CLASSES, Palette::argb)
    if (hasBackground(labels)) colours[0] = CLEAR
    return IntArray(mask.classes.size) { colours[mask.classes[it].toInt() and BYTE] }
}

/** Whether the first of [labels] is a background. */
fun hasBackground(labels: List<String>): Boolean = labels.firstOrNull()?.lowercase() in BACKGROUNDS

private val BACKGROUNDS = setOf("background", "bg", "__background__", "???")
private const val CLASSES = 256
private const val BYTE = 0xff
private const val CLEAR = 0
