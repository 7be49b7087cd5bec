"""Choosing among the devices that an adb server knows."""

import pytest
from clock import Clock

from goldmask.android import adb, devices
from goldmask.contract.errors import EnvironmentMissing


def test_a_device_that_is_just_coming_is_waited_for(monkeypatch, tmp_path):
    clock = Clock()
    monkeypatch.setattr(devices, "time", clock)
    server = adb.Server(tmp_path)
    states = [{"X1": "offline"}, {"X1": "authorizing"}, {"X1": "device"}]
    monkeypatch.setattr(server, "states", lambda: states.pop(0))
    assert [device.serial for device in devices.choose(server, "X1", False)] == ["X1"]
    assert clock.slept == [adb.SLICE_S] * 2


@pytest.mark.parametrize(
    ("states", "what", "fix"),
    [
        ({}, "no Android device is connected", "USB debugging"),
        ({"X1": "unauthorized"}, "X1 is unauthorized", "allow USB debugging"),
        ({"X1": "offline"}, "X1 is offline", "plug the device in again"),
    ],
)
def test_devices_that_cannot_be_used_are_named(states, what, fix, monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "time", Clock())
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    server = adb.Server(tmp_path)
    monkeypatch.setattr(server, "states", lambda: states)
    with pytest.raises(EnvironmentMissing) as caught:
        devices.choose(server, "", False)
    assert what in caught.value.what and fix in caught.value.fix
