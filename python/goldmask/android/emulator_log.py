"""Why an emulator ended, from its own log: the first complaint, and not the links to help that follow it."""

import re
from collections.abc import Iterator

from ..contract.errors import EnvironmentMissing, GoldmaskError, RunError, excerpt, one_line

# `ERROR   | …` since version 31; `emulator: ERROR: …`, `PANIC: …` and `[140]:ERROR:./file.cpp:28:…` before it.
COMPLAINT = re.compile(r"^(?:emulator: |\[\d+\]:)?(ERROR|FATAL|PANIC)(?: *\| ?|: |:[^:]*:\d+:)(.*)$")
# It lives on after these; where nothing else is complained of they are shown all the same.
HARMLESS = re.compile(r"adb daemon|adb server|crashdata|metrics|Vulkan|gRPC|Bluetooth", re.IGNORECASE)
LIBRARY = re.compile(r"error while loading shared libraries: (\S+): (.*)$")
# Of macOS; and of a C library that is too old.
DYLD = re.compile(r"Library not loaded: (?:@rpath/)?(\S+)")
GLIBC = re.compile(r"version [`'](GLIBC(?:XX)?_[\d.]+)' not found")
ROOM = re.compile(r"(?:Not enough (?:disk )?space|No space left on device).*", re.IGNORECASE)
SAME_AVD = re.compile(r"multiple emulators with the same AVD|another emulator instance running", re.IGNORECASE)
ACCELERATION = re.compile(r"requires hardware acceleration", re.IGNORECASE)
ACCELERATION_STATUS = re.compile(r"^CPU acceleration status: *(.*)$", re.MULTILINE)
# The emulator brings these itself.
BUNDLED = re.compile(r"AndroidEmu|libandroid-emu|libc\+\+|libprotobuf|libglib2_")


def error(log: str) -> GoldmaskError:
    """The reason why the emulator ended, as an error: EnvironmentMissing where this machine is the reason.

    Its `fix` is empty where nobody knows more than the log.
    """
    for line in log.splitlines():
        if missing := LIBRARY.search(line) or DYLD.search(line):
            return _library(one_line(missing[1]))
        if old := GLIBC.search(line):
            return EnvironmentMissing(
                f"the emulator needs {old[1]}, a later C or C++ library than this machine's", "a later Linux"
            )
    first = complaint(log)
    if room := ROOM.search(first):
        fix = "free space there, or GOLDMASK_CACHE=DIR on a larger disk"
        return EnvironmentMissing(f"the emulator has no room on this machine: {room[0]}", fix)
    if SAME_AVD.search(first):
        return EnvironmentMissing(
            f"another emulator runs on the same virtual device: {first}",
            "./goldmask android.emulator.down; where none runs any more, rm -r the *.lock of the virtual device",
        )
    if ACCELERATION.search(first):
        status = ACCELERATION_STATUS.search(log)
        why = f": {one_line(status[1])}" if status and status[1].strip() else ""
        return EnvironmentMissing(
            f"the emulator needs hardware virtualisation{why}", "ls -l /dev/kvm, and --target android-jvm without it"
        )
    return RunError(first or excerpt(log) or "it wrote nothing")


def complaint(log: str) -> str:
    """The first complaint that an emulator does not live on after, else the first of any; empty without one."""
    found = list(_complaints(log))
    return one_line(next((sentence for sentence, serious in found if serious), found[0][0] if found else ""))


def _complaints(log: str) -> Iterator[tuple[str, bool]]:
    """Each complaint, and whether it is serious; lines of one level that follow each other are one complaint."""
    sentence: list[str] = []
    level = ""
    for line in [*log.splitlines(), ""]:
        match = COMPLAINT.match(line)
        harmless = match and HARMLESS.search(line)
        if sentence and (not match or harmless or match[1] != level):
            yield " ".join(sentence), True
            sentence = []
        if match and harmless:
            yield match[2].strip(), False
        elif match and match[2].strip():
            sentence.append(match[2].strip())
            level = match[1]


def _library(name: str) -> GoldmaskError:
    if BUNDLED.search(name) or ".so" not in name:
        return EnvironmentMissing(
            f"the emulator lacks its own library {name}",
            "rm -r the emulator folder of the Android SDK, and ./goldmask android.sdk",
        )
    # Debian's rule for the names of library packages: libX11.so.6 is in libx11-6, libpulse.so.0 in libpulse0.
    stem, _, version = name.partition(".so")
    version = version.lstrip(".").split(".")[0]
    dash = "-" if stem[-1:].isdigit() and version else ""
    return EnvironmentMissing(
        f"the emulator needs the library {name}, which this machine does not have",
        f"sudo apt-get install {stem.lower()}{dash}{version}",
    )
