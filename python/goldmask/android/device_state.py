"""Under which conditions a device measures: what it is, its battery and temperature, and whether a latency is valid.

The flags are those of Jetpack Benchmark (androidx.benchmark, "benchmark errors"): a latency with one of them is advice.
"""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar, get_args

from ..contract import latency
from ..contract.errors import RunError, one_line
from ..contract.latency import Conditions, Kind, LatencyFlag, Thermal
from .adb import Device

Thing = TypeVar("Thing")
COOL_DOWN_S = 300
COOL_DOWN_STEP_S = 5
# android.os.PowerManager.THERMAL_STATUS_*
THERMAL: tuple[Thermal, ...] = get_args(Thermal)
FIXED = "fixed-performance mode"
FIXED_PERFORMANCE = ("cmd", "power", "set-fixed-performance-mode-enabled")


@dataclass(frozen=True)
class Battery:
    """Its charge in percent, and whether it is being charged."""

    percent: int
    charging: bool

    def __str__(self) -> str:
        return f"{self.percent} %, {'charging' if self.charging else 'not charging'}"


@dataclass(frozen=True)
class DeviceState:
    """A device as it is now; `thermal` counts as THERMAL does, and None is what Android does not tell.

    `governor` is what keeps its clock steady; empty where nothing does. `renderer` draws for the GPU delegate; empty
    where another one is asked for.
    """

    properties: dict[str, str]
    battery: Battery | None
    thermal: int | None
    governor: str = ""
    renderer: str = ""

    @property
    def is_emulator(self) -> bool:
        """Whether it is an emulator's Android."""
        values = self.properties
        return (
            values.get("ro.kernel.qemu") == "1"
            or values.get("ro.boot.qemu") == "1"
            or values.get("ro.hardware") in ("goldfish", "ranchu")
        )

    @property
    def name(self) -> str:
        """Maker and model."""
        return " ".join(filter(None, (self._of("ro.product.manufacturer"), self._of("ro.product.model")))) or "unnamed"

    def _of(self, *names: str) -> str:
        return next((self.properties[name] for name in names if self.properties.get(name)), "")

    def environment(self) -> dict[str, str]:
        """What a bundle records of the device."""
        values = {
            "device": self.name,
            "soc": " ".join(filter(None, (self._of("ro.soc.manufacturer"), self._of("ro.soc.model")))),
            "board": self._of("ro.board.platform", "ro.hardware"),
            "android": f"{self._of('ro.build.version.release')} (API {self._of('ro.build.version.sdk')})",
            "abis": self._of("ro.product.cpu.abilist", "ro.product.cpu.abi"),
            "fingerprint": self._of("ro.build.fingerprint"),
            "emulator": "yes" if self.is_emulator else "no",
            "debuggable system": "yes" if self._of("ro.debuggable") == "1" else "no",
            "battery": str(self.battery or ""),
        }
        return {name: value for name, value in values.items() if value}


def look(device: Device, drawing: bool = False) -> DeviceState:
    """Ask the device, also for its renderer where it is `drawing`. Raises DeviceLost."""
    return DeviceState(
        parse_properties(device.checked(["getprop"]).text),
        parse_battery(device.shell(["dumpsys", "battery"]).text),
        thermal_of(device),
        renderer=renderer_of(device) if drawing else "",
    )


def thermal_of(device: Device) -> int | None:
    """The device's thermal status now."""
    return parse_thermal(device.shell(["dumpsys", "thermalservice"]).text)


def renderer_of(device: Device) -> str:
    """What draws on the device, as its driver says: `Google SwiftShader`, for example; empty where nobody tells."""
    return parse_renderer(device.shell(["dumpsys", "SurfaceFlinger"]).text)


def parse_renderer(text: str) -> str:
    """Vendor and renderer of the line `GLES: vendor, renderer, version` of `dumpsys SurfaceFlinger`."""
    match = re.search(r"^\s*GLES: (.{1,400})$", text, re.MULTILINE)
    return one_line(match[1].rpartition(", ")[0] or match[1])[:200] if match else ""


def parse_properties(text: str) -> dict[str, str]:
    """What `getprop` lists, by name. A value may have several lines: persist.sys.boot.reason.history has, on phones."""
    found: dict[str, str] = {}
    name, value = "", ""
    for line in text.splitlines():
        if match := re.match(r"\[([^\]]+)\]: \[(.*)$", line):
            name, value = match[1], match[2]
        elif name:
            value += f"\n{line}"
        if name and value.endswith("]"):
            found[name] = one_line(value[:-1])
            name = ""
    return found


def parse_battery(text: str) -> Battery | None:
    """`dumpsys battery`; None for a device without a battery, and where Android does not tell."""
    values = dict(re.findall(r"^[ \t]{0,8}(\w[\w ]{0,40}): *(\w{1,9})[ \r]*$", text, re.MULTILINE))
    level, scale = values.get("level", ""), values.get("scale", "100")
    if not level.isdecimal() or not scale.isdecimal() or values.get("present") == "false":
        return None
    powered = [value for name, value in values.items() if name.endswith(" powered")]
    return Battery(100 * int(level) // max(1, int(scale)), "true" in powered or not powered)


def parse_thermal(text: str) -> int | None:
    """`dumpsys thermalservice`, Android 10 and later; None where it does not tell.

    Without its HAL Android says `Thermal Status: 0` of a device of any temperature; only an override counts then.
    """
    match = re.search(r"^\s*Thermal Status: (\d{1,9})\s*$", text, re.MULTILINE)
    blind = re.search(r"^\s*HAL Ready: false", text, re.MULTILINE)
    overridden = re.search(r"^\s*IsStatusOverride: true", text, re.MULTILINE)
    return int(match[1]) if match and (overridden or not blind) else None


def facts_of(state: DeviceState, thermal_after: int | None, debuggable: bool) -> Conditions:
    """The conditions of a measurement as a bundle has them."""
    battery, properties = state.battery, state.environment()
    return Conditions(
        debuggable=debuggable,
        emulator=state.is_emulator,
        battery_percent=min(100, battery.percent) if battery else None,
        charging=battery.charging if battery else None,
        thermal_before=_thermal(state.thermal),
        thermal_after=_thermal(thermal_after),
        governor=state.governor or None,
        gpu=state.renderer or state.properties.get("ro.hardware.egl") or None,
        device=state.name,
        soc=properties.get("soc"),
    )


def flags_of(state: DeviceState, thermal_after: int | None, debuggable: bool) -> list[LatencyFlag]:
    """What speaks against a latency that was measured under these conditions, with the delegate that was asked for."""
    kind: Kind = "emulator" if state.is_emulator else "device"
    return list(latency.flags_of(kind, "gpu" if state.renderer else "", facts_of(state, thermal_after, debuggable)))


def _thermal(status: int | None) -> Thermal | None:
    return None if status is None else THERMAL[min(status, len(THERMAL) - 1)]


def thermal_words(before: int | None, after: int | None) -> str:
    """`none before, light after`."""
    names = [
        "unknown" if status is None else THERMAL[status] if status < len(THERMAL) else str(status)
        for status in (before, after)
    ]
    return f"{names[0]} before, {names[1]} after"


@contextlib.contextmanager
def steady(
    device: Device, measuring: bool, on_note: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """The device awake and, where latency is measured, cool and at a fixed speed; what keeps it there, or nothing.

    Its settings come back on every way out. Raises DeviceLost, RunError.
    """
    device.shell(["input", "keyevent", "KEYCODE_WAKEUP"])
    if not measuring:
        yield ""
        return
    waited = 0
    while (thermal_of(device) or 0) > 0 and waited < COOL_DOWN_S:
        if not waited:
            on_note(f"{device.serial} is warm: waiting for it to cool down, {COOL_DOWN_S} s at most")
        sleep(COOL_DOWN_STEP_S)
        waited += COOL_DOWN_STEP_S
    try:
        fixed = device.shell([*FIXED_PERFORMANCE, "true"]).code == 0
        if not fixed:
            on_note(f"{device.serial} has no fixed-performance mode: latency varies with its clock")
        yield FIXED if fixed else ""
    finally:
        rest = Device(device.server, device.serial)  # one that was told to stop still puts this back
        try:
            rest.shell([*FIXED_PERFORMANCE, "false"])
        except RunError as error:
            on_note(
                f"{device.serial} may still be in fixed-performance mode ({error.what}); "
                f"{device.adb} shell {' '.join(FIXED_PERFORMANCE)} false"
            )


def measure(
    device: Device,
    here: DeviceState,
    measuring: bool,
    act: Callable[[bool], tuple[Thing, RunError | None]],
    on_note: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[tuple[Thing, RunError | None], DeviceState]:
    """What `act` returns, and the conditions under which it was done. Raises as `steady` and `act`.

    Where latency is measured and the device got warm meanwhile, it is cooled and `act` is called again, once, with
    True: what a hot phone measures is the heat. What ended with an error is left at that.
    """
    for again in (False, True):
        with steady(device, measuring, on_note, sleep) as governor:
            before = thermal_of(device) if measuring else here.thermal
            done = act(again)
        if again or not measuring or done[1] or (thermal_of(device) or 0) <= (before or 0):
            break
        on_note(f"{device.serial} got warm while it measured: it is cooled, and measured again once")
    return done, replace(here, thermal=before, governor=governor)
