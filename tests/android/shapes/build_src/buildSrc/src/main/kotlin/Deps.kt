object Deps {
    const val TFLITE = "org.tensorflow:tensorflow-lite:2.16.1"
}
