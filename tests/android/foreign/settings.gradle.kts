include(":camera_app")

// goldmask's library, from its checkout.
include(":segmenter", ":golden")
project(":segmenter").projectDir = file("../../../android/segmenter")
project(":golden").projectDir = file("../../../android/golden")
