"""What devices say of themselves, on transcripts; whether their latencies are valid."""

import pytest
from test_instrumentation import lines

from goldmask.android.device_state import (
    Battery,
    Conditions,
    flags_of,
    parse_battery,
    parse_properties,
    parse_thermal,
    steady,
    thermal_words,
)

PIXEL = Conditions(parse_properties("\n".join(lines("getprop.txt"))), Battery(80, False), 0)


def test_a_phone_is_described():
    said = PIXEL.environment()
    assert said["device"] == "Google Pixel 6" and said["soc"] == "Google Tensor" and said["board"] == "gs101"
    assert said["android"] == "14 (API 34)" and said["abis"] == "arm64-v8a,armeabi-v7a,armeabi"
    assert said["emulator"] == "no" and said["debuggable system"] == "no" and said["battery"] == "80 %, not charging"


def test_properties_are_printable():
    assert parse_properties("[a]: [\x1b[31mred]\nnonsense\n[b]: []") == {"a": "[31mred", "b": ""}


def test_battery_and_temperature():
    assert parse_battery("\n".join(lines("dumpsys-battery.txt"))) == Battery(21, False)
    assert parse_battery("  USB powered: true\n  level: 50\n  scale: 200\n") == Battery(25, True)
    assert parse_battery("Can't find service: battery") == Battery(100, True)
    assert parse_thermal("\n".join(lines("dumpsys-thermalservice.txt"))) == 2
    assert parse_thermal("Can't find service: thermalservice") is None
    assert thermal_words(0, 2) == "none before, moderate after" and thermal_words(None, 9) == "unknown before, 9 after"


@pytest.mark.parametrize("hardware", [{"ro.hardware": "ranchu"}, {"ro.kernel.qemu": "1"}, {"ro.boot.qemu": "1"}])
def test_emulators_are_known(hardware):
    assert flags_of(Conditions(PIXEL.properties | hardware, Battery(80, True), 0), 0, False) == ["EMULATOR"]


@pytest.mark.parametrize(
    ("battery", "before", "after", "debuggable", "flags"),
    [
        (Battery(80, False), 0, 0, False, []),
        (Battery(24, True), None, None, False, []),
        (Battery(24, False), 0, 0, False, ["LOW-BATTERY"]),
        (Battery(25, False), 0, 0, True, ["DEBUGGABLE"]),
        (Battery(80, False), 1, 0, False, ["THERMAL"]),
        (Battery(80, False), 0, 1, False, ["THERMAL"]),
    ],
)
def test_flags(battery, before, after, debuggable, flags):
    assert flags_of(Conditions(PIXEL.properties, battery, before), after, debuggable) == flags


class Warm:
    """A device that cools down by one status with every look, down to `coldest`."""

    server, serial = None, "X1"

    def __init__(self, status: int, coldest: int = 0) -> None:
        self.status, self.coldest, self.heard = status, coldest, []

    def shell(self, words, **_):
        """`dumpsys thermalservice` and others."""
        self.heard.append(words[0])
        text = f"Thermal Status: {self.status}"
        if words[0] == "dumpsys":
            self.status = max(self.coldest, self.status - 1)
        return type("Said", (), {"text": text, "code": 0})()


def test_a_warm_device_cools_down_but_not_for_ever(monkeypatch):
    monkeypatch.setattr("goldmask.android.device_state.Device", lambda server, serial: Warm(0))
    for device, slept in ((Warm(0), 0), (Warm(2), 10), (Warm(3, coldest=1), 300)):
        waits, notes = [], []
        with steady(device, True, notes.append, waits.append):
            pass
        assert sum(waits) == slept and len(notes) == bool(slept)
    idle = Warm(3)
    with steady(idle, False, print, lambda seconds: pytest.fail("waited")):
        assert idle.heard == ["input"]
