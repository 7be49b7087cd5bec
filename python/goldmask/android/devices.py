"""Which of the connected devices a run uses: the one that is there, a serial, an address, a property, or all."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..contract.errors import EnvironmentMissing, UsageError
from .adb import ADDRESS, SETTLE_S, SLICE_S, Device, DeviceLost, Server
from .adb_output import Transport
from .device_state import parse_properties

# What a device is for a moment after it was plugged in; `offline` may also be for good.
COMING = {"authorizing", "connecting", "offline"}
# The words of --device and the properties that they stand for; any other property goes by its own name.
CHOICES = {
    "abi": "ro.product.cpu.abilist",
    "manufacturer": "ro.product.manufacturer",
    "model": "ro.product.model",
    "release": "ro.build.version.release",
    "sdk": "ro.build.version.sdk",
}


def choose(server: Server, wanted: str, all_devices: bool, settle_s: float = SETTLE_S) -> list[Device]:
    """The devices that `wanted` means: a serial, HOST:PORT, `model=…` or another property; empty for any.

    One unless `all_devices`. A device that is just being plugged in gets `settle_s` seconds. Raises EnvironmentMissing
    where there is none, UsageError where it is not clear which.
    """
    wanted = wanted or ("" if all_devices else os.environ.get("ANDROID_SERIAL", ""))
    name, equals, value = wanted.partition("=")
    if equals and name not in CHOICES and "." not in name:
        raise UsageError(f"--device {wanted!r} names no property", fix=f"--device SERIAL, or {'|'.join(CHOICES)}=VALUE")
    if not equals and ADDRESS.match(wanted):
        try:
            server.connect(wanted)
        except DeviceLost as error:
            raise EnvironmentMissing(error.what, fix=error.fix) from error
    end = time.monotonic() + settle_s
    while True:
        listed = server.transports()
        ready = sorted((each for each in listed if each.state == "device"), key=lambda each: each.serial)
        if equals:
            ready = [each for each in ready if matches(Device(server, each.serial), name, value)]
        elif wanted:
            ready = [each for each in ready if each.serial == wanted]
        if ready or not COMING & {each.state for each in listed} or time.monotonic() > end:
            break
        time.sleep(SLICE_S)
    if not ready:
        # What is wrong with another device is not what is wrong with the one that is wanted.
        own = [each for each in listed if each.serial == wanted] or listed
        raise EnvironmentMissing(_nothing(wanted, listed), fix=_remedy(wanted, own))
    ready = _once(server, ready)
    if len(ready) > 1 and not all_devices:
        raise UsageError(
            f"several devices are connected: {', '.join(map(str, ready))}", fix="--device SERIAL or --all-devices"
        )
    return [Device(server, each.serial) for each in ready]


def _once(server: Server, ready: list[Transport]) -> list[Transport]:
    """One transport to each device: a cable before the network, and a name before an address."""
    if len(ready) < 2:
        return ready
    best: dict[str, Transport] = {}
    for each in sorted(ready, key=lambda each: (each.network, ":" in each.serial, each.serial)):
        same = each.device(_serial_number(Device(server, each.serial)))
        # Two cables are two devices, whatever serial number a cheap phone was made with.
        best.setdefault(same if each.network or same not in best else each.serial, each)
    return sorted(best.values(), key=lambda each: each.serial)


def _serial_number(device: Device) -> str:
    """The device's own; empty where it does not answer."""
    try:
        # The whole list, in which whoever records it recognises a serial number.
        return parse_properties(device.shell(["getprop"]).text).get("ro.serialno", "")
    except DeviceLost:
        return ""


def matches(device: Device, name: str, value: str) -> bool:
    """Whether a property of the device is `value`; an ABI is one of several."""
    try:
        value_there = device.shell(["getprop", CHOICES.get(name, name)]).text.strip()
    except DeviceLost:
        return False
    return value in value_there.split(",") if name == "abi" else value_there == value


def _nothing(wanted: str, listed: Sequence[Transport]) -> str:
    others = ", ".join(_state(each) for each in sorted(listed, key=lambda each: each.serial))
    what = f"no device {wanted!r} is connected" if wanted else "no Android device is connected"
    return f"{what} ({others})" if others else what


def _state(transport: Transport) -> str:
    if transport.state == "no permissions":
        return f"adb may not open {transport.serial}{f': {transport.detail}' if transport.detail else ''}"
    return f"{transport.serial} is {transport.state}"


def _remedy(wanted: str, listed: Sequence[Transport]) -> str:
    states = {each.state for each in listed}
    details = " ".join(each.detail for each in listed)
    if "no permissions" in states and "not in the plugdev group" in details:
        return "sudo usermod -aG plugdev $USER (the group of the udev rules), log in again, and adb kill-server"
    if "no permissions" in states:
        return "sudo apt-get install android-sdk-platform-tools-common (udev rules), and plug the device in again"
    if "unauthorized" in states:
        return "unlock the phone and allow USB debugging from this computer, then adb devices"
    if "offline" in states:
        return "adb reconnect offline, or plug the device in again"
    if states & {"bootloader", "recovery", "rescue", "sideload"}:
        return "adb reboot, and wait until Android is up"
    if wanted and listed:
        return f"--device {'|'.join(repr(each.serial) for each in listed)}"
    return "connect a phone with USB debugging on, or ./goldmask android.emulator.up"


@contextlib.contextmanager
def chosen(logs: Path, wanted: str, all_devices: bool, settle_s: float = SETTLE_S) -> Iterator[list[Device]]:
    """The chosen devices for as long as the block runs. Raises as `choose`."""
    with Server(logs, settle_s) as server:
        yield choose(server, wanted, all_devices, settle_s)
