"""Several devices work at once; whoever listens hears one thing after the other."""

import threading
from pathlib import Path
from typing import Any

import pytest

from goldmask.android.adb import Device
from goldmask.contract.bundle import Request
from goldmask.targets import android_device
from goldmask.targets.target import Context

IMAGE = {"file": "flag.png", "sha256": "0" * 64}
REQUEST = Request.model_validate(
    {
        "schema": 1,
        "model": {
            "name": "toy",
            "file": "toy.tflite",
            "sha256": "0" * 64,
            "labels": ["red"],
            "input": {"height": 8, "width": 8, "dtype": "float32", "mean": [0.0], "std": [1.0]},
            "output": {"index": 0, "kind": "logits"},
        },
        "options": {"pipeline": "lib_interpreter"},
        "cases": [{"id": name, **IMAGE} for name in "abcd"],
    }
)


class Listener:
    """Waits for a second thread to come in while it is called; `met` says whether one did."""

    def __init__(self, timeout_s: float = 0.2) -> None:
        self.door, self.met, self.heard = threading.Barrier(2, timeout=timeout_s), False, []

    def __call__(self, text: str) -> None:
        self.heard.append(text)
        try:
            self.door.wait()
            self.met = True
        except threading.BrokenBarrierError:
            self.door.reset()


def everywhere(tmp_path: Path, monkeypatch, on_case, on_note) -> list[android_device.Share]:
    """Two devices that tell of each of their cases and write no bundle."""

    def run_on(device: Device, cases: Any, request: Request, apks: Any, folder: Path, context: Context, on_case: Any):
        for case in cases:
            on_case(case.id)
            context.on_note(f"{device.serial} {case.id}")
        return android_device.Share(device, cases, folder)

    monkeypatch.setattr(android_device, "_run_on", run_on)
    devices: list[Any] = [Device(server=None, serial=name) for name in ("one", "two")]  # type: ignore[arg-type]
    context = Context(tmp_path, tmp_path, on_note=on_note)
    return android_device._run_everywhere(devices, REQUEST, None, tmp_path, context, on_case)  # type: ignore[arg-type]


@pytest.mark.parametrize("same", [True, False])
def test_no_two_threads_are_in_a_listener(tmp_path: Path, monkeypatch, same: bool):
    on_case = Listener()
    on_note = on_case if same else Listener()
    parts = everywhere(tmp_path, monkeypatch, on_case, on_note)
    assert [len(part.cases) for part in parts] == [2, 2]
    assert not on_case.met and not on_note.met
    assert sorted(on_note.heard)[-4:] == ["one a", "one c", "two b", "two d"]


def test_without_a_lock_they_would_meet(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(android_device, "one_at_a_time", lambda listener, lock: listener)
    on_case = Listener(timeout_s=10)
    everywhere(tmp_path, monkeypatch, on_case, lambda text: None)
    assert on_case.met
