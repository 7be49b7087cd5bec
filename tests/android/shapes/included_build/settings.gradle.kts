include(":segmentation")
includeBuild("../tensors")

include(":segmenter", ":golden")
apply(from = "../../../../android/goldmask.settings.gradle")
