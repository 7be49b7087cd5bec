package com.example.segmentation

import android.content.Context
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.tensorflow.lite.Interpreter

/** The names of classes, from resources; counted against a model. */
class Labels(private val context: Context) {
    suspend fun read(): List<String> = withContext(Dispatchers.Default) {
        val file = context.resources.openRawResource(R.raw.labels)
        file.bufferedReader().readLines() + context.getString(R.string.person)
    }

    fun fit(model: Interpreter, labels: List<String>): Boolean = model.getOutputTensor(0).shape()[3] == labels.size
}
