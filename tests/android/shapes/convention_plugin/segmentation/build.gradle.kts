plugins {
    alias(libs.plugins.example.android.library)
}
android {
    namespace = "com.example.segmentation"
}
