"""What tests need of this machine. Where it is lacking a test is skipped, and in CI a skip is a failure.

The machine is asked, never the code under test: a `find_jdk` that finds nothing where there is a JDK has to fail.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rig import device


def command(name: str, package: str) -> Callable[[], str]:
    """Why a command cannot be started, with Debian's package that brings it; empty where it can."""
    return lambda: "" if shutil.which(name) else f"{name} is not on PATH. try: sudo apt-get install {package}"


def jdk() -> str:
    """A JDK may be in JAVA_HOME as well."""
    return "" if os.environ.get("JAVA_HOME") else command("javac", "openjdk-17-jdk-headless")()


def linux() -> str:
    """The AARs' native libraries are made loadable for Linux."""
    return "" if sys.platform == "linux" else "only Linux can load Android's libraries"


def arm64() -> str:
    """An emulator for arm64 programs, and a C library for them; neither where the processor is one."""
    if os.uname().machine in ("aarch64", "arm64"):
        return ""
    library = "" if Path("/usr/aarch64-linux-gnu/lib").is_dir() else "/usr/aarch64-linux-gnu is not there"
    return command("qemu-aarch64-static", "qemu-user-static")() or library


def swift() -> str:
    """This machine's Swift, or else the rig's (tests/rig/SWIFT.md)."""
    rigs = device.root_folder() / "usr/libexec/swift/bin/swift"
    return "" if shutil.which("swift") or rigs.is_file() else "there is no Swift. try: sudo tests/rig/make_root.sh"


def tensorflow_lite() -> str:
    """TensorFlow Lite's C library: Linux takes that of the AAR, for macOS nobody publishes one."""
    return "" if sys.platform == "linux" or os.environ.get("TENSORFLOWLITE_C") else "TENSORFLOWLITE_C names no library"


LACKING = {
    "apksigner": command("apksigner", "apksigner"),
    "arm64": arm64,
    "bash": command("bash", "bash"),
    "go": command("go", "golang-go"),
    "jdk": jdk,
    "linux": linux,
    "maven": command("mvn", "maven"),
    "npm": command("npm", "npm"),
    "rig": device.missing,
    "swift": swift,
    "tensorflow-lite": tensorflow_lite,
    "zipalign": command("zipalign", "zipalign"),
    "zsh": command("zsh", "zsh"),
}


def need(*names: str) -> None:
    """Skip the test where this machine lacks one of these, with the reason."""
    for name in names:
        if lack := LACKING[name]():
            pytest.skip(lack)
