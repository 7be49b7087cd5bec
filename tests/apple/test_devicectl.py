"""Phones as devicectl of Xcode 16, 26 and 27 lists them, and its reasons where it fails."""

import json

import pytest
from mac import TRANSCRIPTS

from goldmask.apple import devicectl
from goldmask.apple.xcrun import reason_of
from goldmask.contract.errors import RunError

FOLDER = TRANSCRIPTS / "devicectl"


def text_of(name: str) -> str:
    """What a transcript has."""
    return (FOLDER / name).read_text("utf-8")


PHONES = {
    "list.json": [("Test iPhone", "iOS 18.2", True), ("Lent iPad", "iOS 17.6.1", False)],
    "ghost.json": [("Test iPhone", "iOS 18.2", True)],
    "xcode-26.json": [("Test iPhone 13", "iOS 18.7.1", None)],
    "xcode-27.json": [("Test iPhone", "iOS 18.7.8", True)],
}
GHOSTS = {
    "list.json": [("A stranger's iPhone", "devicectl lists it as unpaired")],
    "ghost.json": [("", devicectl.NO_HARDWARE)],
    "xcode-26.json": [("Old iPad", "devicectl lists it as of unknown pairing")],
    "xcode-27.json": [],  # neither the Mac nor the simulator
}


@pytest.mark.parametrize("name", PHONES)
def test_the_phones_and_what_is_none(name):
    devices = devicectl.parse_devices(text_of(name))
    assert [(phone.name, phone.os, phone.developer_mode) for phone in devices.phones] == PHONES[name]
    assert [(ghost.name, ghost.why) for ghost in devices.ghosts] == GHOSTS[name]
    assert devicectl.parse_phones(text_of(name)) == list(devices.phones)


def test_a_phone_answers_to_its_identifiers_and_its_name():
    phone, other = devicectl.parse_phones(text_of("list.json"))
    assert phone.answers_to("00008130-000000000000001c") and phone.answers_to("Test iPhone")
    assert not phone.answers_to("Lent iPad") and other.answers_to(other.identifier.lower())


def test_a_ghost_answers_to_its_identifier_and_not_to_nothing():
    (ghost,) = devicectl.parse_devices(text_of("ghost.json")).ghosts
    assert ghost.answers_to("00000000-0000-5000-8000-00000000b001") and not ghost.answers_to("")


@pytest.mark.parametrize(
    "strange", [{}, {"identifier": 7}, None, "phone", {"identifier": "A", "hardwareProperties": 3}]
)
def test_a_strange_entry_spoils_no_other(strange):
    listing = json.loads(text_of("ghost.json"))
    listing["result"]["devices"].insert(0, strange)
    assert [phone.name for phone in devicectl.parse_phones(json.dumps(listing))] == ["Test iPhone"]


@pytest.mark.parametrize("platform", ["watchOS", "tvOS", "macOS", "xrOS", ""])
def test_what_runs_no_ios_is_no_phone(platform):
    text = text_of("ghost.json").replace('"platform": "iOS"', f'"platform": "{platform}"')
    text = text.replace('"deviceType": "iPhone"', '"deviceType": "realityDevice"')
    assert devicectl.parse_phones(text) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "devicectl list answers no JSON: nothing"),
        ("no devices\nfound", "devicectl list answers no JSON: no devices | found"),
        ('{"result": {"devices": [{}]}}', "devicectl list answers in another way: identifier: Field required"),
        ('{"result": {}}', 'devicectl list answers in another way: {"result": {}}'),
        (text_of("failed.json"), "devicectl list answers in another way: The specified device was not found."),
    ],
)
def test_an_answer_that_is_none(text, sentence):
    with pytest.raises(RunError) as error:
        devicectl.parse_devices(text)
    assert error.value.what == sentence and error.value.fix == "xcrun devicectl list devices"


def test_notes_around_the_json_are_no_harm():
    text = "Devices:\nName   Hostname   State\nMyPhone {2}\n" + text_of("ghost.json") + "\nDone.\n"
    assert [phone.name for phone in devicectl.parse_phones(text)] == ["Test iPhone"]


REASONS = {
    "install-refused.txt": "Failed to install the app on the device. (com.apple.dt.CoreDeviceError error 3002 "
    "(0xBBA)): Unable to Install “GoldmaskApp” (IXUserPresentableErrorDomain error 14 (0x0E)) This app cannot be "
    "installed because its integrity could not be verified. Failed to install embedded profile for org.goldmask.app "
    ": 0xe8008012 (This provisioning profile cannot be installed on this device.)",
    "no-address.txt": "The operation couldn’t be completed. Can't assign requested address (NSPOSIXErrorDomain error "
    "49 (0x31))",
}


@pytest.mark.parametrize(("name", "sentence"), REASONS.items(), ids=REASONS)
def test_why_it_failed(name, sentence):
    assert reason_of(text_of(name)) == sentence


def test_every_transcript_is_read():
    names = {path.name for path in FOLDER.iterdir()} - {"origins.toml"}
    assert names == {*PHONES, *REASONS, "failed.json"}
