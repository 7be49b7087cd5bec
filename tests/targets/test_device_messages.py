"""What a user reads when a device refuses the app, ends it, or has no room for it: the whole message, by the program.

Snapshots hold the words and not the terminal's columns; that the terminal shows all of them is held beside it.
"""

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from conftest import Project
from needs import need
from rig import device as rig
from snapshot import assert_snapshot

APP = "org.goldmask.app.interpreter"


@pytest.fixture(scope="module")
def device(tmp_path_factory) -> Iterator[rig.Device]:
    """A device for all tests here, and a port for the program's own adb server."""
    need("rig", "jdk")
    with pytest.MonkeyPatch.context() as patch, rig.started(tmp_path_factory.mktemp("device") / "one") as device:
        patch.setenv("ANDROID_ADB_SERVER_PORT", str(rig.free_port()))
        patch.setenv("ADB_LOCAL_TRANSPORT_MAX_PORT", "5553")  # do not look for emulators of this machine
        patch.setenv("ADB_USB", "0")  # nor at its cables
        patch.delenv("ANDROID_SERIAL", raising=False)
        yield device


@pytest.fixture
def phone(device, project) -> rig.Device:
    """The device, with nothing wrong and answers recorded."""
    device.forget()
    device.write("properties.json", rig.PROPERTIES)
    shutil.rmtree(device.folder / "recorded", ignore_errors=True)
    shutil.copytree(project.golden, device.folder / "recorded")
    return device


def message(project: Project, device: rig.Device) -> str:
    """The exit code, the reason of every case, and the notes of a `check` on the device."""
    ran = project.run("check", "--target", "android-device", "--device", device.serial, "-v")
    report = json.loads((project.folder / "build/check/report.json").read_text("utf-8"))
    rows = [f"{each['case']} {each['verdict']} {each['reason']}" for each in report["comparisons"]]
    said = [*rows, *(f"note: {note}" for note in report["notes"])]
    for each in report["comparisons"]:
        # Its cure stands behind the names of its cases.
        for clause in each["reason"].split("\n  try: "):
            assert re.sub(r"\s+", " ", clause) in ran.text
    text = "\n".join([f"exit {ran.code}", *said, ""])
    for here, name in ((device.serial, "SERIAL"), (str(project.folder), "PROJECT")):
        text = text.replace(here, name)
    return re.sub(r"APKs were built|nothing was built: the APKs were there", "APKs are there", text)


def test_a_signature_refusal(project, phone):
    """Both APKs are installed, but somebody else signed the test; before Android 8 only stderr says so."""
    ran = project.run("check", "--target", "android-device", "--device", phone.serial)
    assert ran.code == 0, ran.text
    state = phone.read("state.json")
    state["packages"][f"{APP}.test"]["signer"] = "0" * 64
    phone.write("state.json", state)
    try:
        assert_snapshot("signature-refusal", message(project, phone))
        phone.write("properties.json", rig.PROPERTIES | {"ro.build.version.sdk": "25"})
        assert_snapshot("signature-refusal", message(project, phone))
    finally:
        phone.erase()


def test_a_low_memory_kill(project, phone):
    phone.erase()
    phone.faults(low_memory_at="wide")
    assert_snapshot("low-memory-kill", message(project, phone))


@pytest.mark.parametrize("sdk", ["34", "25"])
def test_a_full_phone(project, phone, sdk):
    """The APK arrives, and the package manager has no room for it; each Android says so in its own way."""
    phone.erase()
    phone.write("properties.json", rig.PROPERTIES | {"ro.build.version.sdk": sdk})
    phone.faults(install="INSTALL_FAILED_INSUFFICIENT_STORAGE: Failed to override installation location")
    assert_snapshot(f"full-phone-api-{sdk}", message(project, phone))
