package org.goldmask.app

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.content.res.Configuration
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.ImageFormat
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.net.Uri
import android.os.Looper
import android.provider.MediaStore
import android.util.Size
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.LinearLayout
import android.widget.SeekBar
import android.widget.Spinner
import android.widget.TextView
import androidx.test.ext.junit.runners.AndroidJUnit4
import java.io.ByteArrayInputStream
import java.io.File
import java.util.concurrent.TimeUnit
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Assert.fail
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.StreamConfigurationMapBuilder

/** The whole app, with its own model and the real native library. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = "w411dp-h891dp-xhdpi")
class MainActivityTest {
    private val activity by lazy { Robolectric.buildActivity(MainActivity::class.java).setup().get() }

    @Before
    fun needsNativeLibraries() = assumeTrue(
        "./goldmask test makes TensorFlow Lite's native library for this machine",
        System.getProperty("goldmask.natives") != null
    )

    private fun <T : View> view(id: Int): T = activity.findViewById(id)

    private fun await(what: String, done: () -> Boolean) {
        val deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60)
        while (!done()) {
            if (System.nanoTime() > deadline) fail("$what did not come; the screen says: ${texts()}")
            shadowOf(Looper.getMainLooper()).idleFor(20, TimeUnit.MILLISECONDS)
            Thread.sleep(5)
        }
    }

    private fun texts(parent: View = view(R.id.root)): List<String> = when {
        parent.visibility != View.VISIBLE -> emptyList()
        parent is TextView -> listOf(parent.text.toString())
        parent is ViewGroup -> (0 until parent.childCount).flatMap { texts(parent.getChildAt(it)) }
        else -> emptyList()
    }

    private fun awaitMask() = await("a mask") { view<MaskView>(R.id.mask).hasMask && ran().contains("thread") }

    private fun ran() = view<TextView>(R.id.ran).text.toString()

    private fun error() = view<TextView>(R.id.error).takeIf { it.visibility == View.VISIBLE }?.text?.toString()

    private fun picture(): Bitmap {
        val decor = activity.window.decorView
        val picture = Bitmap.createBitmap(decor.width, decor.height, Bitmap.Config.ARGB_8888)
        decor.draw(Canvas(picture))
        return picture
    }

    /** If goldmask.screenshots names a folder, saves a screenshot there. */
    private fun keep(name: String) = System.getProperty("goldmask.screenshots")?.let { folder ->
        File(folder, name).outputStream().use { picture().compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    @Test
    fun `a sample has its mask, its classes and its times at once`() {
        awaitMask()
        keep("portrait.png")
        val legend = texts(view(R.id.legend))
        assertEquals("background", legend[0])
        assertTrue(legend.toString(), legend.size >= 4 && legend.any { it.endsWith(" %") })
        val latency = texts(view(R.id.latency))
        assertEquals(
            listOf("load", "decode", "preprocess", "inference", "postprocess"),
            latency.filterIndexed { index, _ -> index % 2 == 1 }
        )
        assertTrue(latency.toString(), latency.filterIndexed { index, _ -> index % 2 == 0 }.all { it.endsWith(" ms") })
        assertEquals(null, error())
        assertTrue(view<View>(R.id.mask).contentDescription.contains("background"))
    }

    @Test
    fun `the slider shows more and less of the mask`() {
        awaitMask()
        val slider = view<SeekBar>(R.id.opacity)
        val stage = view<View>(R.id.mask)
        val pixels = listOf(0, 100).map { percent ->
            slider.progress = percent
            Bitmap.createBitmap(stage.width, stage.height, Bitmap.Config.ARGB_8888).also { stage.draw(Canvas(it)) }
        }
        assertFalse(pixels[0].sameAs(pixels[1]))
    }

    @Test
    fun `a wide screen has the panel beside the image`() {
        awaitMask()
        val wide = Configuration(activity.resources.configuration)
        wide.orientation = Configuration.ORIENTATION_LANDSCAPE
        activity.onConfigurationChanged(wide)
        assertEquals(LinearLayout.HORIZONTAL, view<LinearLayout>(R.id.root).orientation)
        assertEquals(0, view<View>(R.id.panel).layoutParams.width)
    }

    @Test
    fun `another model predicts the mask of the same image`() {
        awaitMask()
        val before = ran()
        view<TextView>(R.id.ran).text = ""
        view<Spinner>(R.id.model).setSelection(1)
        awaitMask()
        assertEquals(before, ran())
        assertEquals("shapes_int8", view<Spinner>(R.id.model).selectedItem)
    }

    @Test
    fun `a missing delegate is an error, and another choice works again`() {
        awaitMask()
        view<Spinner>(R.id.delegate).setSelection(2)
        await("an error") { error() != null }
        keep("error.png")
        assertTrue(error(), error()!!.startsWith("No mask (load): the "))
        assertFalse(view<MaskView>(R.id.mask).hasMask)
        assertEquals(emptyList<String>(), texts(view(R.id.legend)) + texts(view(R.id.latency)))
        view<Spinner>(R.id.delegate).setSelection(1)
        await("no error") { error() == null }
    }

    private fun answer(button: Int?, uri: Uri, content: ByteArray) {
        shadowOf(activity.contentResolver).registerInputStream(uri, ByteArrayInputStream(content))
        button?.let { view<Button>(it).performClick() }
        val asked = shadowOf(activity).nextStartedActivityForResult
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, Intent().setData(uri))
    }

    @Test
    fun `a file that is not a photo is an error with its stage`() {
        awaitMask()
        answer(R.id.photo, Uri.parse("content://photos/1.jpg"), "no photo".toByteArray())
        await("an error") { error() != null }
        assertEquals("No mask (decode): 1.jpg is not a JPEG, PNG, BMP or WebP image", error())
    }

    @Test
    fun `a photo comes from the photo picker, and has its mask`() {
        awaitMask()
        val before = view<View>(R.id.mask).contentDescription
        val photo = activity.assets.open("samples/wide.jpg").readBytes()
        shadowOf(activity.contentResolver)
            .registerInputStream(Uri.parse("content://photos/2"), ByteArrayInputStream(photo))
        view<Button>(R.id.photo).performClick()
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(MediaStore.ACTION_PICK_IMAGES, asked.intent.action)
        val chosen = Intent().setData(Uri.parse("content://photos/2"))
        shadowOf(activity).receiveResult(asked.intent, Activity.RESULT_OK, chosen)
        await("another mask") { view<View>(R.id.mask).contentDescription != before }
        assertEquals(null, error())
    }

    @Test
    fun `a file that is not a model is an error, and another model works again`() {
        awaitMask()
        val models = view<Spinner>(R.id.model)
        models.setSelection(models.count - 1)
        shadowOf(Looper.getMainLooper()).idle()
        answer(null, Uri.parse("content://models/mine.tflite"), "no model".toByteArray())
        await("an error") { error() != null }
        assertTrue(error(), "is not a .tflite model" in error()!!)
        assertEquals("mine.tflite", models.selectedItem)
        models.setSelection(0)
        await("no error") { error() == null }
    }

    @Test
    fun `a refused camera is explained`() {
        awaitMask()
        view<Button>(R.id.camera).performClick()
        val asked = shadowOf(activity).lastRequestedPermission
        assertEquals(listOf(Manifest.permission.CAMERA), asked.requestedPermissions.toList())
        activity.onRequestPermissionsResult(
            asked.requestCode,
            asked.requestedPermissions,
            intArrayOf(PackageManager.PERMISSION_DENIED)
        )
        assertTrue(error(), "Permissions" in error()!!)
    }

    @Test
    fun `a device without a camera says so`() {
        awaitMask()
        shadowOf(activity.application).grantPermissions(Manifest.permission.CAMERA)
        view<Button>(R.id.camera).performClick()
        await("an error") { error() != null }
        assertEquals(activity.getString(R.string.no_camera), error())
        assertNotEquals(activity.getString(R.string.stop), view<Button>(R.id.camera).text)
    }

    private fun camera() = shadowOf(activity.getSystemService(CameraManager::class.java)).apply {
        val one = ShadowCameraCharacteristics.newCameraCharacteristics()
        val sizes = StreamConfigurationMapBuilder.newBuilder().addOutputSize(ImageFormat.YUV_420_888, Size(640, 480))
        shadowOf(one).set(CameraCharacteristics.LENS_FACING, CameraCharacteristics.LENS_FACING_BACK)
        shadowOf(one).set(CameraCharacteristics.SENSOR_ORIENTATION, 90)
        shadowOf(one).set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, sizes.build())
        addCamera("0", one)
    }

    @Test
    fun `the camera starts once it is allowed, stops by the same button, and shows when another app takes it`() {
        awaitMask()
        val camera = camera()
        val button = view<Button>(R.id.camera)
        shadowOf(activity.application).grantPermissions(Manifest.permission.CAMERA)
        activity.onRequestPermissionsResult(
            3,
            arrayOf(Manifest.permission.CAMERA),
            intArrayOf(PackageManager.PERMISSION_GRANTED)
        )
        assertEquals(activity.getString(R.string.stop), button.text)
        button.performClick()
        assertEquals(activity.getString(R.string.camera) to null, button.text to error())
        button.performClick()
        await("the camera's end") {
            camera.triggerDisconnect() // as soon as it is open, somebody else takes it
            error() != null
        }
        assertEquals(activity.getString(R.string.camera_taken), error())
        assertEquals(activity.getString(R.string.camera), button.text)
    }
}
