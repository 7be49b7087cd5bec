"""pm, a device's package manager: exactly this APK is installed, or the reason why not."""

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import RunError, excerpt, one_line
from ..contract.files import sha256_of
from .adb import INSTALL_DEADLINE_S, STORE, Device

FULL, OLDER, UNSIGNED, DAMAGED_SIGNATURE, DAMAGED = "storage", "older", "unsigned", "damaged signature", "damaged"
# Why `pm install` refused, and what to do about it. {adb}, {package} and {apk} are filled in.
REASONS = {
    FULL: (
        "the device has no room for it",
        f"{{adb}} shell rm -r {STORE}, or remove apps from the device",
    ),
    OLDER: ("the device's Android is older than the app's minSdk", "another device, or a lower minSdk"),
    UNSIGNED: ("it is not signed", "./goldmask android.build"),
    DAMAGED_SIGNATURE: (
        "Android cannot verify its signature: the APK is damaged, or was changed after it was signed",
        "./goldmask android.build, and ./goldmask android.apk.verify --apk {apk}",
    ),
    DAMAGED: ("it is no APK that Android can read", "./goldmask android.apk.verify --apk {apk}"),
    "INSTALL_FAILED_UPDATE_INCOMPATIBLE": (
        "the device has it already, signed with another key",
        "{adb} uninstall {package} (removes its data as well)",
    ),
    "INSTALL_FAILED_NO_MATCHING_ABIS": (
        "its native libraries are for other processors than the device's",
        "{adb} shell getprop ro.product.cpu.abilist, and abiFilters in the app's build.gradle.kts",
    ),
    "INSTALL_FAILED_VERSION_DOWNGRADE": (
        "the device has a later version of it",
        "{adb} uninstall {package} (removes its data as well)",
    ),
    "INSTALL_FAILED_USER_RESTRICTED": (
        "the device's user, or its settings, refused",
        "allow installing over USB in the developer options, and confirm on the screen",
    ),
    "INSTALL_FAILED_VERIFICATION_FAILURE": (
        "the device's check of apps (Play Protect) refused",
        "{adb} shell settings put global verifier_verify_adb_installs 0",
    ),
    "INSTALL_FAILED_DEPRECATED_SDK_VERSION": (
        "the device's Android takes no app with so old a targetSdk",
        "a higher targetSdk in the app's build.gradle.kts",
    ),
}
# Other names of the same: those of several versions of Android, and what it says where it has no code.
CODES = {
    "INSTALL_FAILED_INSUFFICIENT_STORAGE": FULL,
    "INSTALL_FAILED_OLDER_SDK": OLDER,
    "INSTALL_FAILED_ABORTED": "INSTALL_FAILED_USER_RESTRICTED",
    "INSTALL_PARSE_FAILED_INCONSISTENT_CERTIFICATES": "INSTALL_FAILED_UPDATE_INCOMPATIBLE",
    "INSTALL_PARSE_FAILED_CERTIFICATE_ENCODING": DAMAGED_SIGNATURE,
    "INSTALL_FAILED_INVALID_APK": DAMAGED,
    "INSTALL_PARSE_FAILED_NOT_APK": DAMAGED,
    "INSTALL_PARSE_FAILED_BAD_MANIFEST": DAMAGED,
}
WORDS = (
    (re.compile(r"not enough space|only \d+ allocatable|no space left on device|ENOSPC", re.IGNORECASE), FULL),
    (re.compile(r"Requires newer sdk version|Requires development platform"), OLDER),
    (re.compile(r"Failed to parse APK file"), DAMAGED),
)
NEWER = re.compile(r"Requires newer sdk version #?(\w+)(?: \(current version is #?(\w+)\))?")
# NO_CERTIFICATES is said of an APK without a signature, and of one whose signature does not hold. Then a cause follows,
# after this, which may be there twice.
NO_CAUSE = re.compile(r"Failed (?:to collect|collecting) certificates (?:from|for) [^\s:]+:? *")
NO_SIGNATURE = re.compile(r"has no certificates|no certificates at entry|No (?:APK )?signature", re.IGNORECASE)


@dataclass(frozen=True)
class Refusal:
    """Why `pm install` refused: a key of REASONS (empty where nobody knows), and Android's own words, each once."""

    reason: str
    raw: str
    needed: str = ""

    def error(self, device: Device, package: str, apk: Path) -> RunError:
        """The refusal as a user reads it."""
        if not self.reason:
            return RunError(f"{device.serial} refuses {package}: {self.raw}", fix=f"{device.adb} install -r -t {apk}")
        what, fix = REASONS[self.reason]
        return RunError(
            f"{device.serial} refuses {package}: {what}{self.needed} ({self.raw})",
            fix=fix.format(adb=device.adb, package=package, apk=apk),
        )


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
        answer = device.shell(["pm", "install", "-r", "-t", f"{STORE}/{name}"], deadline_s=INSTALL_DEADLINE_S)
    finally:
        with contextlib.suppress(RunError):
            device.shell(["rm", "-f", f"{STORE}/{name}"])
    if refused := refusal(f"{answer.text}\n{answer.stderr.decode('utf-8', 'replace')}"):
        raise refused.error(device, package, apk)
    # pm has been seen to say Success and keep the old one; a mask of yesterday's app must not pass.
    if installed_sha256(device, package) != wanted:
        raise RunError(
            f"{device.serial} still has another {package} than the one that was installed ({answer.reason})",
            fix=f"{device.adb} uninstall {package}",
        )
    return True


def refusal(output: str) -> Refusal | None:
    """Why `pm install` refused; None where it said Success and nothing else."""
    # Its causes may go on after a line break, and have brackets of their own.
    if match := re.search(r"Failure \[(.*?)(?:\]\s*$|\Z)", output, re.DOTALL | re.MULTILINE):
        return _named(match[1])
    if re.search(r"^Success\s*$", output, re.MULTILINE):
        return None
    if thrown := re.search(r"^(?:[\w.$]+(?:Exception|Error): )+(.*)$", output, re.MULTILINE):
        return _named(thrown[1].removeprefix("Error: "))
    if answer := re.search(r"^Error: (.*)$", output, re.MULTILINE):
        return _named(answer[1])
    if code := re.search(r"\bINSTALL_(?:PARSE_)?FAILED_\w+", output):
        return _refusal(code[0], output, excerpt(output))
    return _refusal("", output, excerpt(output) or "pm install said nothing")


def _named(text: str) -> Refusal:
    """A refusal in Android's form: a code, which may be there twice, and its detail."""
    line = " ".join(text.split())
    match = re.match(r"(INSTALL_\w+)(?:$|: (?:\1: )?)(.*)$", line)
    code, detail = (match[1], match[2]) if match else ("", line)
    return _refusal(code, detail, one_line(": ".join(filter(None, (code, detail)))))


def _refusal(code: str, detail: str, raw: str) -> Refusal:
    reason, needed = _reason(code, detail), ""
    if reason == OLDER and (match := NEWER.search(detail)):
        has = f", the device has {one_line(match[2])}" if match[2] else ""
        needed = f": it needs API {one_line(match[1])}{has}"
    return Refusal(reason, raw, needed)


def _reason(code: str, detail: str) -> str:
    """The key of REASONS; empty where nobody knows."""
    if code == "INSTALL_PARSE_FAILED_NO_CERTIFICATES":
        cause = NO_CAUSE.sub("", detail)
        return UNSIGNED if not cause or NO_SIGNATURE.search(cause) else DAMAGED_SIGNATURE
    # "Failed to parse APK file …: Requires newer sdk version": words before codes, the special before the general.
    known = next((reason for raw, reason in WORDS if raw.search(detail)), "")
    return known or (reason if (reason := CODES.get(code, code)) in REASONS else "")
