include(":camera_app")

// goldmask's library, from its checkout.
include(":segmenter", ":golden")
apply(from = "../../../android/goldmask.settings.gradle")
