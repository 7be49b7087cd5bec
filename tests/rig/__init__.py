"""The rig: a Linux "device" with Debian's real adbd, for tests of what goldmask does over adb. README.md says more."""
