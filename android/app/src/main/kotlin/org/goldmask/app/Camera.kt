package org.goldmask.app

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.Bitmap
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.hardware.display.DisplayManager
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.view.Display
import android.view.Surface
import org.goldmask.segmenter.ImageFile

/**
 * The live camera, preferably the one on the back. Passes upright frames to [onFrame] while [wanted] returns true, and
 * sentences to [onError], both on its own thread. Uses Camera2 and not CameraX, see docs/android-app.md.
 */
class Camera(
    private val context: Context,
    private val wanted: () -> Boolean,
    private val onFrame: (Bitmap) -> Unit,
    private val onError: (String) -> Unit
) : AutoCloseable {
    private val manager = context.getSystemService(CameraManager::class.java)
    private val displays = context.getSystemService(DisplayManager::class.java)
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private var reader: ImageReader? = null
    private var device: CameraDevice? = null
    private var closed = false

    /** Starts; the app must already have the permission. */
    fun open() = handler.post {
        attempt {
            val id = manager.cameraIdList.minByOrNull { if (isFront(it)) 1 else 0 }
                ?: return@attempt onError(context.getString(R.string.no_camera))
            start(id)
        }
    }

    /** Stops, and waits for the end: the next app may need the camera at once. */
    override fun close() {
        handler.post {
            closed = true
            device?.close()
            reader?.close()
        }
        thread.quitSafely()
        thread.join(CLOSE_DEADLINE_MS)
    }

    private fun isFront(id: String): Boolean {
        val facing = manager.getCameraCharacteristics(id)[CameraCharacteristics.LENS_FACING]
        return facing != CameraCharacteristics.LENS_FACING_BACK
    }

    @SuppressLint("MissingPermission") // MainActivity asks for it first; without it this is a SecurityException
    private fun start(id: String) {
        val characteristics = manager.getCameraCharacteristics(id)
        val sizes = characteristics[CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP]
            ?.getOutputSizes(ImageFormat.YUV_420_888).orEmpty()
        val size = sizes.minByOrNull { Math.abs(it.width.toLong() * it.height - WANTED_PIXELS) }
            ?: return onError(context.getString(R.string.no_camera))
        val sensor = characteristics[CameraCharacteristics.SENSOR_ORIENTATION] ?: 0
        val frames = ImageReader.newInstance(size.width, size.height, ImageFormat.YUV_420_888, BUFFERS)
        reader = frames
        frames.setOnImageAvailableListener({ take(it, sensor, isFront(id)) }, handler)
        val events = object : CameraDevice.StateCallback() {
            override fun onOpened(camera: CameraDevice) {
                device = camera
                if (closed) camera.close() else attempt { stream(camera, frames.surface) }
            }

            override fun onDisconnected(camera: CameraDevice) {
                camera.close()
                if (!closed) onError(context.getString(R.string.camera_taken))
            }

            override fun onError(camera: CameraDevice, error: Int) {
                camera.close()
                onError(context.getString(R.string.camera_error, error))
            }
        }
        manager.openCamera(id, events, handler)
    }

    @Suppress("DEPRECATION") // its replacement needs Android 9 (API 28)
    private fun stream(camera: CameraDevice, surface: Surface) {
        val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW).apply {
            addTarget(surface)
            set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
        }
        val events = object : CameraCaptureSession.StateCallback() {
            override fun onConfigured(session: CameraCaptureSession) {
                if (!closed) attempt { session.setRepeatingRequest(request.build(), null, handler) }
            }

            override fun onConfigureFailed(session: CameraCaptureSession) =
                onError(context.getString(R.string.camera_refuses))
        }
        camera.createCaptureSession(listOf(surface), events, handler)
    }

    private fun take(frames: ImageReader, sensorDegrees: Int, front: Boolean) = attempt {
        frames.acquireLatestImage()?.use {
            if (wanted()) onFrame(upright(it, frameOrientation(sensorDegrees, displayDegrees(), front)))
        }
    }

    private fun upright(image: Image, orientation: Int): Bitmap {
        val (luma, blue, red) = image.planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
        val pixels = argbOf(image.width, image.height, luma, blue to red)
        val turned = ImageFile.orient(pixels, image.width, image.height, orientation)
        val width = if (orientation > LAST_LEVEL) image.height else image.width
        return Bitmap.createBitmap(turned, width, turned.size / width, Bitmap.Config.ARGB_8888)
            .apply { setHasAlpha(false) }
    }

    private fun displayDegrees() = QUARTER * (displays.getDisplay(Display.DEFAULT_DISPLAY)?.rotation ?: 0)

    private fun attempt(step: () -> Unit) = try {
        step()
    } catch (error: CameraAccessException) {
        onError(error.message ?: context.getString(R.string.no_camera))
    } catch (error: SecurityException) {
        onError(error.message ?: context.getString(R.string.camera_refused))
    } catch (error: IllegalArgumentException) { // a camera that was unplugged between two calls
        onError(error.message ?: context.getString(R.string.no_camera))
    } catch (error: IllegalStateException) { // a camera that was closed
        onError(error.message ?: context.getString(R.string.camera_taken))
    }

    private companion object {
        const val WANTED_PIXELS = 640L * 480
        const val BUFFERS = 2
        const val QUARTER = 90
        const val LAST_LEVEL = 4 // above it, EXIF orientations swap width and height
        const val CLOSE_DEADLINE_MS = 2000L
    }
}
