"""Choosing among the devices that an adb server knows."""

import pytest
from clock import Clock
from transcript import transcript

from goldmask.android import adb, devices
from goldmask.android.adb_output import Transport, transports
from goldmask.contract.errors import EnvironmentMissing, UsageError

WIFI = "adb-ZY22MGW35T-Z3uXXq (2)._adb-tls-connect._tcp"


@pytest.fixture
def server(monkeypatch, tmp_path) -> adb.Server:
    """A server that nobody asks; a clock that only waiting moves."""
    monkeypatch.setattr(devices, "time", Clock())
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    return adb.Server(tmp_path)


def test_a_device_that_is_just_coming_is_waited_for(server, monkeypatch):
    listed = [[Transport("X1", state)] for state in ("offline", "authorizing", "device")]
    monkeypatch.setattr(server, "transports", lambda: listed.pop(0))
    assert [device.serial for device in devices.choose(server, "X1", False)] == ["X1"]
    assert devices.time.slept == [adb.SLICE_S] * 2


UDEV = "(user russell is not in the plugdev group); see [http://developer.android.com/tools/device.html] usb:5-4"


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("", "no Android device is connected", "connect a phone with USB debugging on, or ./goldmask android.emul"),
        ("X1\tunauthorized", "no Android device is connected (X1 is unauthorized)", "unlock the phone and allow USB"),
        ("X1\toffline", "no Android device is connected (X1 is offline)", "adb reconnect offline, or plug the"),
        ("X1 recovery usb:1-2", "no Android device is connected (X1 is recovery)", "adb reboot, and wait until"),
        (
            f"X1                     no permissions {UDEV}",
            "no Android device is connected (adb may not open X1: user russell is not in the plugdev group)",
            "sudo usermod -aG plugdev $USER (the group of the udev rules)",
        ),
        (
            "X1            no permissions (missing udev rules? user is in the plugdev group); see [http] usb:5",
            "no Android device is connected (adb may not open X1: missing udev rules? user is in the plugdev group)",
            "sudo apt-get install android-sdk-platform-tools-common (udev rules), and plug",
        ),
        (
            "????????????\tno permissions",
            "no Android device is connected (adb may not open ????????????)",
            "sudo apt-get install android-sdk-platform-tools-common (udev rules), and plug",
        ),
    ],
)
def test_devices_that_cannot_be_used_are_named(server, text, what, fix, monkeypatch):
    monkeypatch.setattr(server, "transports", lambda: transports(text))
    with pytest.raises(EnvironmentMissing) as caught:
        devices.choose(server, "", False)
    assert caught.value.what == what and caught.value.fix.startswith(fix)


def test_the_advice_is_for_the_device_that_is_wanted(server, monkeypatch):
    monkeypatch.setattr(server, "transports", lambda: transports("X1\tunauthorized\nX2\toffline"))
    with pytest.raises(EnvironmentMissing) as caught:
        devices.choose(server, "X2", False)
    assert caught.value.what == "no device 'X2' is connected (X1 is unauthorized, X2 is offline)"
    assert caught.value.fix.startswith("adb reconnect offline")


def answering(monkeypatch, server: adb.Server, text: str, numbers: dict[str, str]) -> None:
    """Devices as adb lists them, with the serial number that each tells; one without any does not answer."""
    monkeypatch.setattr(server, "transports", lambda: transports(text))

    def shell(device: adb.Device, words: list[str]) -> adb.ShellOutput:
        assert words == ["getprop"]
        if device.serial not in numbers:
            raise adb.DeviceLost("gone")
        return adb.ShellOutput(0, f"[ro.serialno]: [{numbers[device.serial]}]\n".encode(), b"")

    monkeypatch.setattr(adb.Device, "shell", shell)


@pytest.mark.parametrize("all_devices", [False, True])
def test_one_phone_over_several_transports_counts_once(server, monkeypatch, all_devices):
    """A cable, mDNS (whose name has a space here) and an address."""
    number = "ZY22MGW35T"
    text = transcript("adb/short.txt")
    answering(monkeypatch, server, text, {"ZY22MGW35T": number, WIFI: number, "192.168.1.7:5555": number})
    assert [device.serial for device in devices.choose(server, "", all_devices)] == ["ZY22MGW35T"]
    without_cable = text.replace("ZY22MGW35T\t", "ZY22MGW35T\toffline")
    answering(monkeypatch, server, without_cable, {WIFI: number, "192.168.1.7:5555": number})
    assert [device.serial for device in devices.choose(server, "", all_devices)] == [WIFI]


def test_a_serial_with_spaces_can_be_chosen(server, monkeypatch):
    answering(monkeypatch, server, transcript("adb/wireless.txt"), {})
    assert [device.serial for device in devices.choose(server, WIFI, False)] == [WIFI]


def test_two_phones_are_two(server, monkeypatch):
    text = "X1 device model:Pixel_6\nX2 device"
    answering(monkeypatch, server, text, {"X1": "1", "X2": "2"})
    assert [device.serial for device in devices.choose(server, "", True)] == ["X1", "X2"]
    with pytest.raises(UsageError) as caught:
        devices.choose(server, "", False)
    assert caught.value.what == "several devices are connected: X1 (Pixel_6), X2"
    for numbers in ({}, {"X1": "0123456789ABCDEF", "X2": "0123456789ABCDEF"}):
        answering(monkeypatch, server, text, numbers)
        assert len(devices.choose(server, "", True)) == 2
