package org.goldmask.golden

import java.io.File

/** A file that the tests of all platforms read, by its path in the repository's tests folder. */
internal fun sample(path: String): File {
    val tests = checkNotNull(System.getProperty("goldmask.tests")) { "set the system property goldmask.tests" }
    return File(tests, path).also { check(it.isFile) { "$it is missing" } }
}
