package org.goldmask.app

/**
 * How a camera's frame is turned upright, as an EXIF orientation.
 *
 * [sensorDegrees] is how the sensor is built in, clockwise (CameraCharacteristics.SENSOR_ORIENTATION), [displayDegrees] how
 * the display's content is turned against the device's natural position (Surface.ROTATION_90 is 90). A camera on the
 * [front] sees both the other way round.
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
