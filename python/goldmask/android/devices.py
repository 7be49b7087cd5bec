"""Which of the connected devices a run uses: the one that is there, a serial, an address, a property, or all."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..contract.errors import EnvironmentMissing, UsageError
from .adb import ADDRESS, SETTLE_S, SLICE_S, Device, DeviceLost, Server

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


def choose(server: Server, wanted: str, all_devices: bool) -> list[Device]:
    """The devices that `wanted` means: a serial, HOST:PORT, `model=…` or another property; empty for any.

    One unless `all_devices`. Raises EnvironmentMissing where there is none, UsageError where it is not clear which.
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
    end = time.monotonic() + SETTLE_S
    while True:
        states = server.states()
        ready = [Device(server, serial) for serial, state in sorted(states.items()) if state == "device"]
        if equals:
            ready = [device for device in ready if matches(device, name, value)]
        elif wanted:
            ready = [device for device in ready if device.serial == wanted]
        if ready or not COMING & {*states.values()} or time.monotonic() > end:
            break
        time.sleep(SLICE_S)
    if not ready:
        raise EnvironmentMissing(_nothing(wanted, states), fix=_remedy(wanted, states))
    if len(ready) > 1 and not all_devices:
        serials = ", ".join(device.serial for device in ready)
        raise UsageError(f"several devices are connected: {serials}", fix="--device SERIAL or --all-devices")
    return ready


def matches(device: Device, name: str, value: str) -> bool:
    """Whether a property of the device is `value`; an ABI is one of several."""
    try:
        said = device.shell(["getprop", CHOICES.get(name, name)]).text.strip()
    except DeviceLost:
        return False
    return value in said.split(",") if name == "abi" else said == value


def _nothing(wanted: str, states: dict[str, str]) -> str:
    others = ", ".join(f"{serial} is {state}" for serial, state in sorted(states.items()))
    what = f"no device {wanted!r} is connected" if wanted else "no Android device is connected"
    return f"{what} ({others})" if others else what


def _remedy(wanted: str, states: dict[str, str]) -> str:
    if "unauthorized" in states.values():
        return "unlock the phone and allow USB debugging from this computer, then adb devices"
    if "offline" in states.values():
        return "adb reconnect offline, or plug the device in again"
    if wanted and states:
        return f"--device {'|'.join(sorted(states))}"
    return "connect a phone with USB debugging on, or ./goldmask android.emulator.up"


@contextlib.contextmanager
def chosen(logs: Path, wanted: str, all_devices: bool) -> Iterator[list[Device]]:
    """The chosen devices for as long as the block runs. Raises as `choose`."""
    with Server(logs) as server:
        yield choose(server, wanted, all_devices)
