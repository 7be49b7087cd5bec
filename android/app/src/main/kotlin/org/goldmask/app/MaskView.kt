package org.goldmask.app

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View

/** Shows a photo as large as possible, with its mask over it. */
class MaskView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private var photo: Bitmap? = null
    private var mask: Bitmap? = null
    private val photoPaint = Paint(Paint.FILTER_BITMAP_FLAG)

    // No filter: interpolating between two classes would invent a third.
    private val maskPaint = Paint().apply { isFilterBitmap = false }
    private val frame = RectF()

    /** How much of the photo the mask hides, 0 to 1. */
    var opacity: Float = 0f
        set(value) {
            field = value
            maskPaint.alpha = (value * OPAQUE).toInt()
            invalidate()
        }

    /** Whether a mask is shown. */
    val hasMask: Boolean get() = mask != null

    fun show(photo: Bitmap, mask: Bitmap) {
        this.photo = photo
        this.mask = mask
        invalidate()
    }

    fun clear() {
        photo = null
        mask = null
        contentDescription = null
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val image = photo ?: return
        val scale = minOf(width / image.width.toFloat(), height / image.height.toFloat())
        val (wide, high) = image.width * scale to image.height * scale
        frame.set((width - wide) / 2, (height - high) / 2, (width + wide) / 2, (height + high) / 2)
        canvas.drawBitmap(image, null, frame, photoPaint)
        mask?.let { canvas.drawBitmap(it, null, frame, maskPaint) }
    }

    private companion object {
        const val OPAQUE = 255
    }
}
