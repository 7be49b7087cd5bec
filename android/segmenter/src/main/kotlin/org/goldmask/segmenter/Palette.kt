package org.goldmask.segmenter

/** The colour of every class: the PASCAL VOC colour map, which derives a colour from the bits of the class index. */
object Palette {
    private const val CLASSES = 256
    private const val CHANNELS = 3
    private const val BITS = 8
    private const val BYTE = 0xff
    private const val OPAQUE = BYTE shl 24

    /** RGB of the 256 classes, 3 bytes each. */
    val rgb: ByteArray = ByteArray(CHANNELS * CLASSES).also { colours ->
        for (index in 0 until CLASSES) {
            for (bit in 0 until BITS) {
                for (channel in 0 until CHANNELS) {
                    val value = (index shr (CHANNELS * bit + channel)) and 1
                    val offset = CHANNELS * index + channel
                    colours[offset] = (colours[offset].toInt() or (value shl (BITS - 1 - bit))).toByte()
                }
            }
        }
    }

    /** The opaque ARGB colour of a class, 0 to 255. */
    fun argb(index: Int): Int = (0 until CHANNELS).fold(OPAQUE) { colour, channel ->
        colour or (rgb[CHANNELS * index + channel].toInt() and BYTE shl BITS * (CHANNELS - 1 - channel))
    }
}
