"""What `aapt2 dump badging` says of an APK: its package, its versions of Android, its permissions."""

import re

from ..contract.errors import excerpt, printable
from ..machine.diagnostics import Diagnostic


def package(badging: str) -> Diagnostic:
    """Name, version, and the versions of Android that it is for; later aapt2 says `minSdkVersion` for `sdkVersion`."""
    found = re.search(r"^package: name='([^']*)' versionCode='(\d*)' versionName='([^']*)'", badging, re.MULTILINE)
    sdk = dict(re.findall(r"^(minSdkVersion|sdkVersion|targetSdkVersion):'(\w+)'", badging, re.MULTILINE))
    if not found or not sdk:
        what = "no package" if not found else "no SDK versions"
        return Diagnostic("package", False, f"the manifest names {what}: {excerpt(badging) or 'aapt2 says nothing'}")
    least = sdk.get("minSdkVersion") or sdk.get("sdkVersion") or "1"  # Android's own default
    debuggable = ", debuggable" if re.search("^application-debuggable", badging, re.MULTILINE) else ""
    versions = f"API {least} and later, made for {sdk.get('targetSdkVersion') or least}"
    name = printable(" ".join(filter(None, (found[1], found[3]))))
    return Diagnostic("package", True, f"{name} ({found[2] or '0'}), {versions}{debuggable}")


def name_of(badging: str) -> str:
    """The package's name; empty where the text has none."""
    found = re.search(r"^package: name='([^']*)'", badging, re.MULTILINE)
    return found[1] if found else ""


def complaint(stderr: str) -> str:
    """Why aapt2 cannot read an APK: its errors, or else the first and the last lines of what it printed."""
    errors = [line for line in stderr.splitlines() if re.search(r"\berror: ", line)]
    return excerpt("\n".join(errors) or stderr)


def permissions(badging: str) -> Diagnostic:
    """The permissions that it asks for; one to use the network is an error."""
    names = re.findall(r"^uses-permission(?:-sdk-23)?: name='([^']*)'", badging, re.MULTILINE)
    detail = printable(", ".join(name.removeprefix("android.permission.") for name in names)) or "none"
    if "android.permission.INTERNET" in names:
        return Diagnostic(
            "permissions", False, f"{detail}: the app may use the network", "remove INTERNET from the manifest"
        )
    return Diagnostic("permissions", True, detail)
