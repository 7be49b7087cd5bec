"""What identifies a person, a device or a secret is taken out of what tools printed; parsers still read the rest."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mac import TRANSCRIPTS

from goldmask.apple import devicectl, simctl
from goldmask.machine.sanitise import Sanitiser

# In two pieces, because no file here may name a folder of somebody.
USERS, HOME = "/Users", "/home"
UDID = "00008130-000A1B2C3D4E001C"
UUID = "9E9510C8-0BBB-45C1-8429-D4A055C3062A"
PLANTED = [
    # what, a text in which it stands, what is not to be left
    ("a folder", f"{USERS}/jane/Library/Logs", "jane"),
    ("a folder in JSON", '"dataPath" : "\\/Users\\/jane\\/Library"', "jane"),
    ("a folder on Linux", f"cwd is {HOME}/jane.doe/app", "jane.doe"),
    ("a temporary folder", "/var/folders/ab/xyzxyzxyzxyz1234/T/", "xyzxyzxyzxyz1234"),
    ("a phone", f'"udid" : "{UDID}"', UDID),
    ("a simulator", f"id={UUID},arch=arm64", UUID),
    ("an old phone", "d83d5bc53967baa0ee18626ba87b6254b2ab5418", "d83d5bc53967baa0ee18626ba87b6254b2ab5418"),
    ("a serial number", '"serialNumber" : "DMPXMC9TKD6J"', "DMPXMC9TKD6J"),
    ("a serial number of Android", "[ro.serialno]: [HT7A1XYZ]", "HT7A1XYZ"),
    ("an ecid", '"ecid" : 6764522239033390', "6764522239033390"),
    ("a signer", 'Signing Identity: "Apple Development: Jane Doe (E3QZ4B62AW)"', "Jane Doe"),
    ("a signer's team", 'Signing Identity: "Apple Development: Jane Doe (E3QZ4B62AW)"', "E3QZ4B62AW"),
    ("a team", "DEVELOPMENT_TEAM=PZYM8XX95Q", "PZYM8XX95Q"),
    ("a team in a sentence", 'error: No Account for Team "PZYM8XX95Q". Add one', "PZYM8XX95Q"),
    ("a token", "Authorization: Bearer abcDEF123456", "abcDEF123456"),
    ("a token of GitHub", "using ghp_0123456789abcdefABCDEF0123456789abcd", "ghp_0123456789abcdef"),
    ("a variable of a build", "    export MATCH_PASSWORD\\=hunter2hunter2", "hunter2hunter2"),
    ("a signed token", "x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2Q y", "SflKxwRJSMeKKF2Q"),
    ("a private key", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("an address", "mail jane.doe@acme.io now", "acme"),
    ("a network card", "wlan0 a4:d3:3d:eb:5e:fd", "a4:d3:3d:eb:5e:fd"),
    ("an IP address", "connected to 192.168.17.31:5555", "192.168.17.31"),
    ("an IPv6 address", "tunnel fd84:2d5c:11aa::1", "fd84:2d5c"),
    ("a host", '"Janes-iPhone.coredevice.local"', "Janes-iPhone"),
    ("a carrier", "[gsm.operator.alpha]: [Acme Mobile]\n[ro.product.model]: [Pixel 6]", "Acme Mobile"),
]


@pytest.mark.parametrize(("text", "planted"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED])
def test_what_is_planted_does_not_survive(text, planted):
    sanitiser = Sanitiser()
    sanitiser.learn(text)
    cleaned = sanitiser.clean(text)
    assert planted not in cleaned and sanitiser.survivors(cleaned) == []
    assert sanitiser.clean(cleaned) == cleaned


KEPT = [
    "Xcode 16.2\nBuild version 16C5032a",
    "Apple Swift version 6.1 (swiftlang-6.1.0.110.21 clang-1700.0.13.3)",
    "Test case 'A.test()' failed on 'iPhone 15 - App (4711)' (0.474 seconds)",
    "2025-01-20 09:41:00.123456+0100 App[4711:99]",
    "/App/Camera.swift:41:9: error: cannot find 'sesion' in scope",
    "emulator-5554\tdevice",
    "connected to 127.0.0.1:5555",
    "com.apple.CoreSimulator.SimRuntime.iOS-17-5",
    "[ro.build.fingerprint]: [google/oriole/oriole:14/UP1A.231105.003/11010452:user/release-keys]",
    "sha256 9711334db2b01d5894feb8ed0f5cb3e97d125b8d229f8d8692f625801818f5ef",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_is_nobodys_stays(text):
    sanitiser = Sanitiser()
    sanitiser.learn(text)
    assert sanitiser.clean(text) == text


def test_what_this_machine_is_known_by_goes_in_every_form():
    sanitiser = Sanitiser()
    sanitiser.know(f"{USERS}/jane/my app", "/project")
    sanitiser.know_person("jane", "Jane Doe", "runner", "jo")
    sanitiser.know_secrets(
        {"MY_API_KEY": "s3cr3t-value", "HOME": f"{USERS}/jane", "MONKEY": "banana-split", "X_TOKEN": "abc"}
    )
    text = (
        rf"{USERS}/jane/my app|\/Users\/jane\/my app|{USERS}/jane/my\ app|{USERS}/jane/my%20app"
        "|Jane|JANE DOE|s3cr3t-value"
    )
    cleaned = sanitiser.clean(text)
    assert cleaned == r"/project|\/project|/project|/project|someone|someone|SECRET-1"
    assert sanitiser.clean("janet the runner has a banana-split, abc") == "janet the runner has a banana-split, abc"


def test_one_value_has_one_stand_in_everywhere():
    sanitiser = Sanitiser()
    for text in ("[ro.serialno]: [HT7A1XYZ]", f"{UUID} and 8CB426F7-7F07-48E8-B7B8-7A7F21E0A618"):
        sanitiser.learn(text)
    assert sanitiser.clean("adb -s HT7A1XYZ shell") == "adb -s SERIAL000001 shell"
    first, second = sanitiser.clean(f"{UUID} 8CB426F7-7F07-48E8-B7B8-7A7F21E0A618").split()
    assert sanitiser.clean(UUID.lower()) == first != second


def test_what_is_left_is_found():
    sanitiser = Sanitiser()
    sanitiser.know_person("jane")
    assert sanitiser.survivors("hello Jane") == ["jane"] and sanitiser.survivors("hello janet") == []


def test_devices_are_read_as_before():
    """The same phones, simulators and properties, under other names."""
    sanitiser = Sanitiser()
    text = (TRANSCRIPTS / "devicectl/list.json").read_text("utf-8")
    phones = devicectl.parse_phones(text)
    for phone in phones:
        sanitiser.know_device(phone.name)
    others = devicectl.parse_phones(sanitiser.clean(text))
    assert [(phone.os, phone.model, phone.developer_mode) for phone in others] == [
        (phone.os, phone.model, phone.developer_mode) for phone in phones
    ]
    assert [phone.name for phone in others] == ["Phone 1", "Phone 2"]
    assert not {phone.udid for phone in phones} & {phone.udid for phone in others}
    listing = (TRANSCRIPTS / "simctl/nodesimctl-devices.json").read_text("utf-8")
    known = simctl.simulators(simctl.parse_listing(listing))
    assert [
        (each.name, each.os, each.state) for each in simctl.simulators(simctl.parse_listing(sanitiser.clean(listing)))
    ] == [(each.name, each.os, each.state) for each in known]


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_whatever_is_printed_is_cleaned_once_and_for_all(text):
    sanitiser = Sanitiser()
    sanitiser.learn(text)
    cleaned = sanitiser.clean(text)
    assert sanitiser.survivors(cleaned) == []
    json.dumps(cleaned)
