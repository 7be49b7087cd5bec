"""Android's devices and native libraries: adb, emulators, the SDK, instrumentation, bionic."""
