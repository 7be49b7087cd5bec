"""iOS simulators, by `xcrun simctl`: what is there, which one to use, its life, and the container of an app in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from ..contract.errors import EnvironmentMissing, RunError, excerpt
from ..machine import shell
from .tool_json import Known, entries_of, first_object
from .xcode import SLICES
from .xcrun import reason_of, xcrun

LIST_DEADLINE_S = 120
COMMAND_DEADLINE_S = 300
SHUTDOWN_DEADLINE_S = 120
IOS = "com.apple.CoreSimulator.SimRuntime.iOS-"
DOWNLOAD = "xcodebuild -downloadPlatform iOS"
DOWNLOAD_UNIVERSAL = f"{DOWNLOAD} -architectureVariant universal, and softwareupdate --install-rosetta"
OURS = "goldmask"


class DeviceType(Known):
    """A kind of device, for example `iPhone 15`."""

    name: str
    identifier: str
    family: str = Field(default="", alias="productFamily")


class _Available(Known):
    """What simctl lists with a word on whether it can be used; Xcode 10.1 and older say so in another key."""

    available: bool = Field(default=False, alias="isAvailable")

    @model_validator(mode="before")
    @classmethod
    def _older(cls, entry: Any) -> Any:
        if isinstance(entry, Mapping) and "isAvailable" not in entry and "availability" in entry:
            return {**entry, "isAvailable": entry["availability"] == "(available)"}
        return entry


class Runtime(_Available):
    """A version of iOS for simulators; `architectures` is empty where an older Xcode does not tell."""

    name: str
    identifier: str
    version: str
    architectures: tuple[str, ...] = Field(default=(), alias="supportedArchitectures")
    device_types: tuple[DeviceType, ...] = Field(default=(), alias="supportedDeviceTypes")

    @property
    def order(self) -> tuple[int, ...]:
        """Newer versions sort after older ones."""
        return tuple(int(part) for part in re.findall(r"[0-9]{1,9}", self.version))


class Device(_Available):
    """A simulator as simctl lists it."""

    udid: str = Field(pattern=r"^[0-9A-Fa-f-]{36}$")
    name: str
    state: str
    device_type: str = Field(default="", alias="deviceTypeIdentifier")


@dataclass(frozen=True)
class Listing:
    """`simctl list --json`: the runtimes, and the simulators of each by the runtime's identifier."""

    runtimes: tuple[Runtime, ...] = ()
    devices: Mapping[str, tuple[Device, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Simulator:
    """A simulator that can run: `udid`, its name, its iOS, and whether somebody booted it before us."""

    udid: str
    name: str
    os: str
    state: str


def list_simulators(logs: Path) -> Listing:
    """What simctl knows. Raises RunError where it cannot be asked or understood."""
    text = xcrun(["simctl", "list", "--json"], logs / "simctl-list.log", LIST_DEADLINE_S)
    return parse_listing(text)


def parse_listing(text: str) -> Listing:
    """`simctl list --json` as values; one entry that is strange spoils no other. Raises RunError."""
    fix = "xcrun simctl list --json"
    try:
        listing = first_object(text)
    except ValueError as error:
        raise RunError(f"simctl list answers no JSON: {excerpt(text) or 'nothing'}", fix) from error
    groups, listed = listing.get("devices", {}), listing.get("runtimes")
    if not isinstance(groups, Mapping) or not isinstance(listed, list | None):
        raise RunError(f"simctl list answers in another way: {excerpt(text)}", fix)
    groups = {key: group for key, group in groups.items() if isinstance(group, list)}
    # `simctl list devices --json` names the runtimes only by their simulators.
    guessed = [runtime for key in groups if (runtime := _runtime_of(key))]
    runtimes, problems = entries_of(Runtime, listed) if listed is not None else (guessed, [])
    devices: dict[str, tuple[Device, ...]] = {}
    for key, group in groups.items():
        understood, wrong = entries_of(Device, group)
        problems += wrong
        # Xcode 10 has a runtime's name there instead of its identifier, and both in one listing.
        identifier = next((each.identifier for each in runtimes if key == each.name), key)
        devices[identifier] = (*devices.get(identifier, ()), *understood)
    if problems and not runtimes and not any(devices.values()):
        raise RunError(f"simctl list answers in another way: {problems[0]}", fix)
    return Listing(tuple(runtimes), devices)


def _runtime_of(key: str) -> Runtime | None:
    """The runtime of a group of simulators, `com.apple.CoreSimulator.SimRuntime.iOS-13-2` or `iOS 13.2`."""
    version = re.fullmatch(rf"(?:{re.escape(IOS)}|iOS )([0-9]+(?:[-.][0-9]+)*)", key)
    if not version:
        return None
    dotted = version[1].replace("-", ".")
    identifier = IOS + dotted.replace(".", "-")
    return Runtime(name=f"iOS {dotted}", identifier=identifier, version=dotted, available=True)


def simulators(listing: Listing) -> list[Simulator]:
    """The available iOS simulators, newest iOS first."""
    runtimes = sorted(_ios(listing), key=lambda runtime: runtime.order, reverse=True)
    return [
        Simulator(device.udid, device.name, runtime.name, device.state)
        for runtime in runtimes
        for device in listing.devices.get(runtime.identifier, ())
        if device.available
    ]


def named(listing: Listing, destination: str, arch: str) -> Simulator | None:
    """The simulator with this UDID or name, None where there is none.

    Of several with one name it is one that runs `arch`, a booted one, or of the newest iOS, in this order.
    """
    runs = {each.name for each in _ios(listing) if not each.architectures or arch in each.architectures}
    fitting = [
        each for each in simulators(listing) if destination == each.name or destination.upper() == each.udid.upper()
    ]
    fitting.sort(key=lambda each: (each.os not in runs, _readiness(each.state)))
    return next(iter(fitting), None)


def choose(listing: Listing, runtime: str, device_type: str, arch: str) -> Simulator | tuple[Runtime, DeviceType]:
    """The simulator to use, a booted one before others; or what to create one of.

    `runtime` (`iOS 17.5` or `17.5`) and `device_type` (`iPhone 15`) may be empty: the newest iOS that runs
    `arch`, and any iPhone. Raises EnvironmentMissing that lists what there is.
    """
    chosen = choose_runtime(listing, runtime, arch)
    types = {each.identifier: each for each in chosen.device_types}
    devices = [each for each in listing.devices.get(chosen.identifier, ()) if each.available]
    if device_type:
        types = {key: each for key, each in types.items() if each.name == device_type}
        if not types:
            names = ", ".join(each.name for each in chosen.device_types) or "none"
            raise EnvironmentMissing(
                f"{chosen.name} has no device type {device_type!r}; it has {names}",
                fix="edit device_type in the [ios] table of goldmask.toml",
            )
    else:
        types = {key: each for key, each in types.items() if each.family in ("iPhone", "")}
    fitting = [each for each in devices if each.device_type in types]
    fitting.sort(key=lambda each: _readiness(each.state))
    if fitting:
        return Simulator(fitting[0].udid, fitting[0].name, chosen.name, fitting[0].state)
    if not types:
        raise EnvironmentMissing(f"{chosen.name} has no iPhone", fix=DOWNLOAD)
    return chosen, next(iter(types.values()))


def choose_runtime(listing: Listing, wanted: str, arch: str) -> Runtime:
    """The newest available iOS, or the wanted one, that runs `arch`. Raises EnvironmentMissing."""
    known = sorted(_ios(listing), key=lambda runtime: runtime.order)
    if not known:
        raise EnvironmentMissing("no iOS simulator runtime is installed", fix=DOWNLOAD)
    fitting = [each for each in known if not wanted or wanted in (each.name, each.version)]
    if not fitting:
        names = ", ".join(each.name for each in known)
        raise EnvironmentMissing(
            f"there is no simulator runtime {wanted!r}; installed are {names}",
            fix=f"{DOWNLOAD} -buildVersion {wanted.removeprefix('iOS ')}, or edit runtime in goldmask.toml",
        )
    running = [each for each in fitting if not each.architectures or arch in each.architectures]
    if not running:
        runs = ", ".join(fitting[-1].architectures)
        reason = f": {SLICES}" if arch == "x86_64" else ""
        raise EnvironmentMissing(
            f"{fitting[-1].name} runs {runs} only, and the app is {arch}{reason}", DOWNLOAD_UNIVERSAL
        )
    return running[-1]


def create(runtime: Runtime, device_type: DeviceType, logs: Path) -> Simulator:
    """A new simulator, which stays for the next time. Raises RunError."""
    name = f"{OURS} {device_type.name}"
    argv = ["simctl", "create", name, device_type.identifier, runtime.identifier]
    printed = xcrun(argv, logs / "simctl-create.log", COMMAND_DEADLINE_S).strip()
    if not re.fullmatch(r"[0-9A-Fa-f-]{36}", printed):
        raise RunError(f"simctl create answers no UDID: {excerpt(printed) or 'nothing'}", fix="xcrun simctl list")
    return Simulator(printed, name, runtime.name, "Shutdown")


def start(udid: str, logs: Path) -> None:
    """Begin to boot; `wait_until_booted` tells when it is done. Raises RunError."""
    log = logs / f"simctl-boot-{udid}.log"
    done = shell.run(["xcrun", "simctl", "boot", udid], log=log, deadline_s=COMMAND_DEADLINE_S)
    if done.code and "current state: Booted" not in done.log_tail():
        raise RunError(f"simulator {udid} does not boot: {_reason(done)}", fix=f"cat {log}")


def wait_until_booted(udid: str, deadline_s: float, logs: Path) -> None:
    """Wait until iOS is up. Raises RunError when the deadline has passed."""
    log = logs / f"simctl-bootstatus-{udid}.log"
    try:
        xcrun(["simctl", "bootstatus", udid], log, deadline_s)
    except RunError as error:
        raise RunError(
            f"simulator {udid} was not up within {deadline_s:g} s: {error.what}",
            fix=f"xcrun simctl erase {udid}, or a longer boot_deadline_s in the [ios] table of goldmask.toml",
        ) from error


def shutdown(udid: str, logs: Path) -> None:
    """Shut down what was booted; one that is down already stays so. Raises RunError."""
    log = logs / f"simctl-shutdown-{udid}.log"
    done = shell.run(["xcrun", "simctl", "shutdown", udid], log=log, deadline_s=SHUTDOWN_DEADLINE_S)
    if done.code and "current state: Shutdown" not in done.log_tail():
        raise RunError(
            f"simulator {udid} does not shut down: {_reason(done)}",
            fix=f"xcrun simctl shutdown {udid}",
        )


def install(udid: str, app: Path, logs: Path) -> None:
    """Install an .app. Raises RunError with simctl's reason."""
    xcrun(["simctl", "install", udid, app], logs / f"simctl-install-{udid}.log", COMMAND_DEADLINE_S)


def container(udid: str, bundle_id: str, logs: Path) -> Path:
    """The data folder of an installed app, which moves with every install. Raises RunError."""
    argv = ["simctl", "get_app_container", udid, bundle_id, "data"]
    path = Path(xcrun(argv, logs / f"simctl-container-{udid}.log", COMMAND_DEADLINE_S).strip())
    if not path.is_absolute() or not path.is_dir():
        raise RunError(f"simctl names a container of {bundle_id} that is not there: {path}", fix="xcrun simctl list")
    return path


def terminate(udid: str, bundle_id: str, logs: Path) -> None:
    """End an app; one that does not run is fine."""
    log = logs / f"simctl-terminate-{udid}.log"
    shell.run(["xcrun", "simctl", "terminate", udid, bundle_id], log=log, deadline_s=COMMAND_DEADLINE_S)


def _reason(done: shell.Finished) -> str:
    return reason_of(done.log.read_text("utf-8", "replace")) or done.ending


def _readiness(state: str) -> int:
    """A booted simulator is used before one that boots, one that is down, and one that is just being shut down."""
    order = ("Booted", "Booting", "Shutdown")
    return order.index(state) if state in order else len(order)


def _ios(listing: Listing) -> Sequence[Runtime]:
    return [each for each in listing.runtimes if each.available and each.identifier.startswith(IOS)]
