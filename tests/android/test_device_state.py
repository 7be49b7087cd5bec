"""What devices say of themselves, on transcripts; whether their latencies are valid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcript import TRANSCRIPTS, transcript

from goldmask.android.device_state import (
    Battery,
    DeviceState,
    facts_of,
    flags_of,
    measure,
    parse_battery,
    parse_properties,
    parse_thermal,
    steady,
    thermal_words,
)
from goldmask.contract.errors import RunError

PIXEL = DeviceState(parse_properties(transcript("getprop/pixel-6.txt")), Battery(80, False), 0)


def test_a_phone_is_described():
    said = PIXEL.environment()
    assert said["device"] == "Google Pixel 6" and said["soc"] == "Google Tensor" and said["board"] == "gs101"
    assert said["android"] == "14 (API 34)" and said["abis"] == "arm64-v8a,armeabi-v7a,armeabi"
    assert said["emulator"] == "no" and said["debuggable system"] == "no" and said["battery"] == "80 %, not charging"


def test_properties_are_printable():
    assert parse_properties("[a]: [\x1b[31mred]\nnonsense\n[b]: []") == {"a": r"\x1b[31mred", "b": ""}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_property_of_several_lines_hides_no_other(end):
    said = parse_properties(transcript("getprop/several-lines.txt").replace("\n", end))
    assert said == {
        "persist.sys.boot.reason": "",
        "persist.sys.boot.reason.history": "reboot,ota,1732006385 reboot,factory_reset,1731934106 reboot,1731933991",
        "ro.product.model": "Pixel 6",
    }


def test_a_property_that_is_cut_off_is_none():
    assert parse_properties("[a]: [1]\n[b]: [2\n3") == {"a": "1"}


@pytest.mark.parametrize(
    ("name", "battery"),
    [
        ("battery-android-14", Battery(21, False)),
        ("skia-crlf", Battery(45, True)),
        ("skia-pixel", Battery(9, True)),
        ("battery-none", None),
        ("skia-samsung-sdhms", None),
    ],
)
def test_batteries(name, battery):
    assert parse_battery(transcript(f"dumpsys/{name}.txt")) == battery


def test_what_nobody_says_of_a_battery_is_not_guessed():
    assert parse_battery("  USB powered: true\n  level: 50\n  scale: 200\n") == Battery(25, True)
    assert parse_battery("Can't find service: battery") is None
    unknown = DeviceState(PIXEL.properties, None, 0)
    assert "battery" not in unknown.environment() and flags_of(unknown, 0, False) == []
    facts = facts_of(unknown, 0, False)
    assert facts.battery_percent is None and facts.charging is None and facts.gpu is None


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("thermal-android-14", 2, "moderate before, moderate after"),
        ("skia-samsung-sdhms", 0, "none before, none after"),
        ("thermal-without-hal", None, "unknown before, unknown after"),
        ("skia-pixel", None, "unknown before, unknown after"),
    ],
)
def test_temperatures(name, status, words):
    """Without its HAL, Android says 0 of any device: that is not "none"."""
    text = transcript(f"dumpsys/{name}.txt")
    assert parse_thermal(text) == status and thermal_words(status, status) == words


def test_a_status_that_somebody_set_counts_without_a_hal():
    text = transcript("dumpsys/thermal-without-hal.txt").replace("IsStatusOverride: false", "IsStatusOverride: true")
    assert parse_thermal(text.replace("Thermal Status: 0", "Thermal Status: 3")) == 3
    assert thermal_words(None, 9) == "unknown before, 9 after"


LINES = [
    line
    for tool in ("dumpsys", "getprop")
    for path in (TRANSCRIPTS / tool).glob("*.txt")
    for line in transcript(f"{tool}/{path.name}").splitlines()
]


@given(st.lists(st.sampled_from(LINES) | st.text()), st.sampled_from(["\n", "\r\n", "\r\r\n"]))
def test_anything_is_a_state_or_unknown(lines, end):
    text = end.join(lines)
    battery, thermal = parse_battery(text), parse_thermal(text)
    assert battery is None or battery.percent >= 0
    assert thermal is None or thermal >= 0
    for name, value in parse_properties(text).items():
        assert name and (not value or value.isprintable())


@pytest.mark.parametrize("hardware", [{"ro.hardware": "ranchu"}, {"ro.kernel.qemu": "1"}, {"ro.boot.qemu": "1"}])
def test_emulators_are_known(hardware):
    assert flags_of(DeviceState(PIXEL.properties | hardware, Battery(80, True), 0), 0, False) == ["EMULATOR"]


@pytest.mark.parametrize(
    ("battery", "before", "after", "debuggable", "flags"),
    [
        (Battery(80, False), 0, 0, False, []),
        (Battery(24, True), 0, 0, False, []),
        (Battery(24, True), None, None, False, ["THERMAL"]),
        (Battery(80, True), 0, None, False, ["THERMAL"]),
        (Battery(24, False), 0, 0, False, ["LOW-BATTERY"]),
        (Battery(25, False), 0, 0, True, ["DEBUGGABLE"]),
        (Battery(80, False), 1, 0, False, ["THERMAL"]),
        (Battery(80, False), 0, 1, False, ["THERMAL"]),
    ],
)
def test_flags(battery, before, after, debuggable, flags):
    assert flags_of(DeviceState(PIXEL.properties, battery, before), after, debuggable) == flags


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


@pytest.mark.parametrize(
    ("statuses", "calls", "warm", "before"),
    [
        ([0, 0, 0], [False], False, 0),
        # Warm when it comes: it waits, and is measured once.
        ([1, 0, 0, 0], [False], False, 0),
        # Warm after the first time, and cooled; after the second time that is how it is.
        ([0, 0, 2, 1, 0, 0], [False, True], True, 0),
        ([None, None, None], [False], False, None),
    ],
)
def test_a_device_that_got_hot_is_cooled_and_measured_again_once(monkeypatch, statuses, calls, warm, before):
    """The statuses are those of every look: until it is cool, when it begins, when it is done."""
    monkeypatch.setattr("goldmask.android.device_state.Device", lambda server, serial: Warm(0))
    looks = iter(statuses)
    monkeypatch.setattr("goldmask.android.device_state.thermal_of", lambda device: next(looks))
    done, notes = [], []
    ended, after = measure(Warm(0), PIXEL, True, lambda again: (done.append(again), None), notes.append, notes.append)
    assert (ended, done, list(looks)) == ((None, None), calls, [])
    assert (after.thermal, after.governor) == (before, "fixed-performance mode")
    assert ("X1 got warm while it measured: it is cooled, and measured again once" in notes) is warm


def test_where_no_latency_is_measured_nothing_is_done_twice():
    device = Warm(2)
    waited = pytest.fail
    (again, _), after = measure(device, PIXEL, False, lambda again: (again, None), print, waited)
    assert again is False and after == PIXEL and device.heard == ["input"]


def test_a_device_that_is_lost_is_not_asked_whether_it_is_warm(monkeypatch):
    monkeypatch.setattr("goldmask.android.device_state.Device", lambda server, serial: Warm(0))
    looks = iter([0, 0])
    monkeypatch.setattr("goldmask.android.device_state.thermal_of", lambda device: next(looks))
    lost = RunError("X1 was lost")
    (_, ending), _ = measure(Warm(0), PIXEL, True, lambda again: (None, lost), print, pytest.fail)
    assert ending is lost and list(looks) == []
