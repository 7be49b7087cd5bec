"""From an Android project to class paths and APKs: Gradle files, Maven, Kotlin, packaging."""
