package org.goldmask.app

/**
 * The EXIF orientation that turns a camera's frame upright.
 *
 * [sensorDegrees] is the sensor's clockwise rotation in the device (CameraCharacteristics.SENSOR_ORIENTATION), and
 * [displayDegrees] the rotation of the display's content against the device's natural position (Surface.ROTATION_90 is
 * 90). For a camera on the [front], the display's rotation has the opposite sign.
 */
fun frameOrientation(sensorDegrees: Int, displayDegrees: Int, front: Boolean): Int {
    val turn = sensorDegrees + if (front) displayDegrees else -displayDegrees
    return when (Math.floorMod(turn, CIRCLE)) {
        0 -> 1
        90 -> 6
        180 -> 3
        270 -> 8
        else -> throw IllegalArgumentException("a sensor at $sensorDegrees° and a display at $displayDegrees°")
    }
}

private const val CIRCLE = 360
