package com.example.camera

import android.graphics.Bitmap
import android.graphics.Color
import org.goldmask.segmenter.Model

/** The app with the bug that the system property camera.bug names. */
class BuggyCameraGoldenTest : CameraGoldenTest() {
    private val bug = checkNotNull(System.getProperty("camera.bug")) { "set camera.bug" }

    override fun finder(model: Model, threads: Int) = object : PersonFinder(model.file, threads) {
        override fun scale(photo: Bitmap, side: Int): Bitmap =
            Bitmap.createScaledBitmap(photo, side, side, bug != "nearest")

        override fun channels(pixel: Int): FloatArray = when (bug) {
            "bgr" -> super.channels(pixel).reversedArray()
            "zero-to-one" ->
                floatArrayOf(Color.red(pixel) / WHITE, Color.green(pixel) / WHITE, Color.blue(pixel) / WHITE)
            else -> super.channels(pixel)
        }
    }

    private companion object {
        const val WHITE = 255f
    }
}
