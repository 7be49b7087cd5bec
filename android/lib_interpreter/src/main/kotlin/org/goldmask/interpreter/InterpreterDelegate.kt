package org.goldmask.interpreter

import android.os.Build
import org.goldmask.segmenter.Delegate
import org.goldmask.segmenter.SegmenterException
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.nnapi.NnApiDelegate

/** A TensorFlow Lite delegate. Close it after the interpreter that uses it. */
internal class InterpreterDelegate private constructor(val delegate: org.tensorflow.lite.Delegate) : AutoCloseable {
    override fun close() = delegate.close()

    companion object {
        private const val FIRST_NNAPI = 27

        /** The delegate for [wanted]; null for those built into the interpreter. Throws [SegmenterException]. */
        fun open(wanted: Delegate): InterpreterDelegate? = when (wanted) {
            Delegate.CPU, Delegate.XNNPACK -> null
            Delegate.GPU -> InterpreterDelegate(gpu())
            Delegate.NNAPI -> InterpreterDelegate(nnApi())
        }

        private fun gpu(): GpuDelegate {
            try {
                CompatibilityList().use {
                    if (it.isDelegateSupportedOnThisDevice) return GpuDelegate(it.bestOptionsForThisDevice)
                }
            } catch (error: UnsatisfiedLinkError) {
                fail("the GPU delegate's native library is not on this machine", error)
            }
            fail("TensorFlow Lite does not support this device's GPU")
        }

        private fun nnApi(): NnApiDelegate {
            if (Build.VERSION.SDK_INT < FIRST_NNAPI) {
                fail("NNAPI needs Android 8.1 (API $FIRST_NNAPI); this is API ${Build.VERSION.SDK_INT}")
            }
            if (Build.FINGERPRINT == "robolectric") {
                fail("NNAPI is part of Android, and a JVM does not have it")
            }
            return NnApiDelegate()
        }

        private fun fail(message: String, cause: Throwable? = null): Nothing =
            throw SegmenterException("init", message, cause)
    }
}
