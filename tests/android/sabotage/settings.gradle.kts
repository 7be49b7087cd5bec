include(":segmenter", ":golden", ":lib_interpreter", ":sabotage")
project(":segmenter").projectDir = file("../../../android/segmenter")
project(":golden").projectDir = file("../../../android/golden")
project(":lib_interpreter").projectDir = file("../../../android/lib_interpreter")
