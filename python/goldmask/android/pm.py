"""pm, a device's package manager: exactly this APK is installed, or the reason why not."""

import contextlib
import re
from pathlib import Path

from ..contract.errors import RunError, printable
from ..contract.files import sha256_of
from .adb import INSTALL_DEADLINE_S, STORE, Device

# What `pm install` may answer, and what to do about it. {serial} and {package} are filled in.
REFUSALS = {
    "INSTALL_FAILED_INSUFFICIENT_STORAGE": (
        "the device has no room for it",
        f"adb -s {{serial}} shell rm -r {STORE}, or remove apps from the device",
    ),
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": (
        "the device has it already, signed with another key",
        "adb -s {serial} uninstall {package} (removes its data as well)",
    ),
    "INSTALL_FAILED_NO_MATCHING_ABIS": (
        "its native libraries are for other processors than the device's",
        "adb -s {serial} shell getprop ro.product.cpu.abilist, and abiFilters in the app's build.gradle.kts",
    ),
    "INSTALL_FAILED_VERSION_DOWNGRADE": (
        "the device has a later version of it",
        "adb -s {serial} uninstall {package} (removes its data as well)",
    ),
    "INSTALL_FAILED_OLDER_SDK": ("the device's Android is older than the app's minSdk", "another device"),
    "INSTALL_FAILED_USER_RESTRICTED": (
        "the device's user, or its settings, refused",
        "allow installing over USB in the developer options, and confirm on the screen",
    ),
    "INSTALL_PARSE_FAILED_NO_CERTIFICATES": ("it is not signed", "./goldmask android.build"),
}


def installed_sha256(device: Device, package: str) -> str:
    """sha256 of the APK that is installed as `package`; empty where there is none."""
    path = device.shell(["pm", "path", package]).text.splitlines()
    if not path or not path[0].startswith("package:/"):
        return ""
    apk = path[0].removeprefix("package:").strip()
    return device.hashes([apk]).get(apk, "")


def install(device: Device, apk: Path, package: str) -> bool:
    """Have exactly `apk` installed as `package`; False where it was. Raises DeviceLost, RunError that says why."""
    wanted = sha256_of(apk)
    if installed_sha256(device, package) == wanted:
        return False
    name = f"{wanted}.apk"
    device.keep({name: apk})
    try:
        # adb's streamed install reads from a pipe and needs a service of Android's; a file does everywhere.
        said = device.shell(["pm", "install", "-r", "-t", f"{STORE}/{name}"], deadline_s=INSTALL_DEADLINE_S)
    finally:
        with contextlib.suppress(RunError):
            device.shell(["rm", "-f", f"{STORE}/{name}"])
    if reason := refusal(said.text + said.stderr.decode("utf-8", "replace")):
        what, fix = REFUSALS.get(reason.split(":")[0], (reason, f"adb -s {{serial}} install -r -t {apk}"))
        raise RunError(
            f"{device.serial} refuses {package}: {what} ({reason})",
            fix=fix.format(serial=device.serial, package=package),
        )
    # pm has been seen to say Success and keep the old one; a mask of yesterday's app must not pass.
    if installed_sha256(device, package) != wanted:
        raise RunError(
            f"{device.serial} still has another {package} than the one that was installed ({said.reason})",
            fix=f"adb -s {device.serial} uninstall {package}",
        )
    return True


def refusal(output: str) -> str:
    """Why `pm install` refused: `INSTALL_FAILED_…: detail`; empty where it said Success and nothing else."""
    if match := re.search(r"Failure \[([^\]\n]*)\]?", output):
        return printable(match[1])
    if re.search(r"^Success\s*$", output, re.MULTILINE):
        return ""
    return printable(" ".join(output.split())) or "pm install said nothing"
