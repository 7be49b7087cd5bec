"""The Android SDK: where it is, and the packages an emulator needs, installed by PyPI's sdkmanager.

sdkmanager 0.7.2 knows F-Droid's signed log of SDK packages and checks the log's signature, but not the packages
themselves. So the packages are fetched here, by the log's sha256, and sdkmanager finds them in its cache.
"""

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from ..contract.errors import EnvironmentMissing, RunError
from ..contract.files import sha256_of
from ..machine import shell
from ..machine.abi import host_abi
from ..machine.cache import cache_folder
from ..machine.fetch import Progress, Source, fetch

Log = Mapping[str, Sequence[Mapping[str, str]]]
LICENCE = "android-sdk-license"
LICENCE_URL = "https://developer.android.com/studio/terms"
# What the SDK's own tools write into licenses/ when somebody accepts that text; Gradle reads it too.
LICENCE_MARK = "24333f8a63b6825ea9c5514f83c2829b004d1fee"
LOG_DEADLINE_S = 300
INSTALL_DEADLINE_S = 1800
ACCEPT = "./goldmask android.sdk --accept-licences"
# Run as a program of its own: it fetches the log where there is none, and says where each package is.
WHERE = """
import json, sdkmanager
sdkmanager.build_package_list()
print(json.dumps({";".join(name): url for name, url in sdkmanager.PACKAGES.items()}))
"""


@dataclass(frozen=True)
class Sdk:
    """An SDK folder; what it lacks, `install` adds."""

    folder: Path

    @property
    def emulator(self) -> Path:
        """The emulator's launcher."""
        return self.folder / "emulator/emulator"

    def has(self, package: str) -> bool:
        """Whether a package is installed."""
        return any(self.package_folder(package).glob("*"))

    def package_folder(self, package: str) -> Path:
        """Where a package is, or would be."""
        return self.folder.joinpath(*package.split(";"))

    @property
    def licence_accepted(self) -> bool:
        """Whether somebody accepted the SDK's licence for this folder, here or with the SDK's own tools."""
        path = self.folder / "licenses" / LICENCE
        return path.is_file() and LICENCE_MARK in path.read_text("utf-8", "replace").split()


def find_sdk() -> Sdk:
    """The SDK of ANDROID_HOME or ANDROID_SDK_ROOT; without either, one of our own in the cache."""
    named = os.environ.get("ANDROID_HOME") or os.environ.get("ANDROID_SDK_ROOT")
    return Sdk(Path(named).absolute() if named else cache_folder() / "android-sdk")


def emulator_abi() -> str:
    """The ABI of emulators: this machine's own, at full speed. Raises EnvironmentMissing where there is no emulator."""
    abi = host_abi()
    # Google publishes emulators for Linux on x86_64 only; the one for arm64 is macOS's.
    if not abi or (sys.platform == "linux" and abi == "arm64-v8a"):
        raise EnvironmentMissing(
            f"there is no Android emulator for {platform.system()} on {platform.machine().lower()}",
            fix="use a phone, or --target android-jvm",
        )
    return abi


def image_package(api: int, abi: str) -> str:
    """The system image without apps that tests do not need: Android's Automated Test Device."""
    return f"system-images;android-{api};aosp_atd;{abi}"


def packages(api: int, abi: str) -> tuple[str, ...]:
    """All that an emulator needs."""
    return ("platform-tools", "emulator", image_package(api, abi))


def lacking(sdk: Sdk, wanted: Sequence[str]) -> tuple[str, ...]:
    """Those of the packages `wanted` that are not installed."""
    return tuple(package for package in wanted if not sdk.has(package))


def install_packages(
    sdk: Sdk, wanted: Sequence[str], *, accept: bool, on_progress: Progress | None = None
) -> tuple[str, ...]:
    """Install those packages that are not there, and return them.

    Nothing is fetched before the licence is accepted: by `accept`, or for this folder at an earlier time. Raises
    EnvironmentMissing without that, or where a package cannot be had; RunError where installing it fails.
    """
    new = lacking(sdk, wanted)
    if not new:
        return ()
    if not accept and not sdk.licence_accepted:
        raise EnvironmentMissing(
            f"{', '.join(new)} need your consent to the Android SDK's licence ({LICENCE}, {LICENCE_URL})", fix=ACCEPT
        )
    if sys.platform != "linux":
        raise EnvironmentMissing(
            "sdkmanager's log of packages has Linux's only",
            fix=f"install {', '.join(new)} with Android Studio and set ANDROID_HOME",
        )
    if not shutil.which("gpgv"):
        raise EnvironmentMissing("sdkmanager checks signatures with gpgv", fix="sudo apt-get install gpgv")
    home = cache_folder() / "sdkmanager"
    addresses = _addresses(home, sdk)
    log = _log(home)
    named = {package: newest(package, addresses) for package in new}
    for package in named.values():
        _provide(addresses[package], log, home, on_progress)
    _accept(sdk)
    # The log and the packages are here; whatever else it would fetch could not be checked, so it gets no network.
    offline = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    argv = [sys.executable, "-m", "sdkmanager", "--install", *named.values()]
    _sdkmanager(argv, home, sdk, home / "install.log", INSTALL_DEADLINE_S, offline, RunError)
    # An emulator of some years ago takes a folder without it for no SDK.
    (sdk.folder / "platforms").mkdir(exist_ok=True)
    if missing := lacking(sdk, new):
        raise RunError(f"sdkmanager did not install {', '.join(missing)}", fix=f"cat {home}/install.log")
    return new


def newest(package: str, addresses: Mapping[str, str]) -> str:
    """The name by which sdkmanager knows the newest version of a package. Raises EnvironmentMissing.

    sdkmanager's plain `emulator` is the first one in its log, which is the oldest; `emulator;36.1.9` is that version.
    """
    versions = [name for name in addresses if package == "emulator" and re.fullmatch(r"emulator;\d+(\.\d+)*", name)]
    if versions:
        return max(versions, key=lambda name: [int(part) for part in name.partition(";")[2].split(".")])
    if package not in addresses:
        raise EnvironmentMissing(
            f"sdkmanager knows no package {package}",
            fix=f"another api in goldmask.toml, or rm -r {cache_folder()}/sdkmanager for a newer list",
        )
    return package


def _addresses(home: Path, sdk: Sdk) -> dict[str, str]:
    """The URL of every package in the log, which is fetched and checked where it is not here."""
    argv = [sys.executable, "-c", WHERE]
    done = _sdkmanager(argv, home, sdk, home / "list.log", LOG_DEADLINE_S, {}, EnvironmentMissing)
    return json.loads(done.stdout.splitlines()[-1])


def _sdkmanager(
    argv: Sequence[str],
    home: Path,
    sdk: Sdk,
    log: Path,
    deadline_s: float,
    env: Mapping[str, str],
    failure: Callable[..., Exception],
) -> shell.Finished:
    """sdkmanager, with a home of its own for what it keeps."""
    sdk.folder.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    addresses = {"HOME": str(home), "ANDROID_HOME": str(sdk.folder)}
    done = shell.run(argv, log=log, deadline_s=deadline_s, env={**addresses, **env})
    if done.code:
        reason = done.log_tail(1) or " ".join(done.stdout.splitlines()[-2:])
        raise failure(f"sdkmanager failed ({done.ending}): {reason[:300]}", fix=f"cat {log}, and check the network")
    return done


def _log_of(home: Path) -> Path:
    return home / ".cache/sdkmanager/checksums.json"


def _log(home: Path) -> Log:
    """The signed log: what is known of each URL, in the order of its publication. Raises EnvironmentMissing."""
    try:
        return json.loads(_log_of(home).read_text("utf-8"))
    except (OSError, ValueError) as error:  # sdkmanager removes a log that it cannot use, and goes on without
        raise EnvironmentMissing(f"sdkmanager's log of packages cannot be used: {error}", fix=ACCEPT) from error


def _provide(url: str, log: Log, home: Path, on_progress: Progress | None) -> None:
    """Put a package where sdkmanager looks before it downloads, with the bytes that the signed log has for its URL."""
    entries = log.get(url) or ()
    if not entries or not re.fullmatch(r"[0-9a-f]{64}", entries[-1].get("sha256", "")):
        raise EnvironmentMissing(f"the log has no sha256 of {url}", fix=f"rm {_log_of(home)}, and try again")
    name = PurePosixPath(urlsplit(url).path).name
    sha256 = entries[-1]["sha256"]  # a file that was published again has several; the last is what is there today
    cached = _log_of(home).with_name(name)
    if cached.is_file() and sha256_of(cached) == sha256:
        return
    found = fetch(Source(urls=(url,), sha256=sha256, licence=LICENCE), home, on_progress)
    cached.unlink(missing_ok=True)
    try:
        cached.hardlink_to(found)
    except OSError:  # some file systems have no links
        shutil.copyfile(found, cached)


def _accept(sdk: Sdk) -> None:
    """Record the consent where the SDK's tools record it."""
    if not sdk.licence_accepted:
        path = sdk.folder / "licenses" / LICENCE
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"\n{LICENCE_MARK}\n")
