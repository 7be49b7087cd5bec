"""Simulators as simctl of Xcode 10 to 26 lists them: which there are, which is chosen, and why one does not boot."""

import json
import re

import pytest
from mac import IPHONE_15, IPHONE_16, TRANSCRIPTS

from goldmask.apple import simctl
from goldmask.apple.xcrun import reason_of
from goldmask.contract.errors import EnvironmentMissing, RunError

FOLDER = TRANSCRIPTS / "simctl"


def text_of(name: str) -> str:
    """What a transcript has."""
    return (FOLDER / name).read_text("utf-8")


LISTING = text_of("list.json")


@pytest.fixture
def listing() -> simctl.Listing:
    """The simulators of the transcript."""
    return simctl.parse_listing(LISTING)


def test_only_available_ios_simulators_are_there(listing):
    known = simctl.simulators(listing)
    assert [(each.name, each.os) for each in known] == [
        ("iPhone 16", "iOS 26.1"),
        ("iPhone 16", "iOS 18.2"),
        ("iPhone 15", "iOS 17.5"),
        ("iPad Air 11-inch (M2)", "iOS 17.5"),
    ]


@pytest.mark.parametrize(
    ("runtime", "device_type", "arch", "udid"),
    [
        ("", "", "x86_64", IPHONE_16),  # iOS 26.1 does not run x86_64
        ("", "", "arm64", "00000000-0000-4000-8000-000000000261"),
        ("iOS 17.5", "", "x86_64", IPHONE_15),
        ("17.5", "iPad Air 11-inch (M2)", "x86_64", "00000000-0000-4000-8000-0000000A1175"),
    ],
)
def test_the_newest_that_runs_the_app_is_chosen(listing, runtime, device_type, arch, udid):
    assert simctl.choose(listing, runtime, device_type, arch).udid == udid


def test_a_booted_one_comes_first(listing):
    text = LISTING.replace(
        '"state" : "Shutdown",\n        "name" : "iPad Air', '"state" : "Booted",\n        "name" : "iPad Air'
    )
    assert text != LISTING
    assert simctl.choose(simctl.parse_listing(text), "17.5", "", "x86_64").name == "iPhone 15"  # an iPad is none
    twin = json.loads(LISTING)
    devices = twin["devices"]["com.apple.CoreSimulator.SimRuntime.iOS-17-5"]
    devices.append(devices[0] | {"udid": "00000000-0000-4000-8000-00000000B175", "state": "Booted"})
    found = simctl.parse_listing(json.dumps(twin))
    assert simctl.choose(found, "17.5", "", "x86_64").udid == "00000000-0000-4000-8000-00000000B175"
    assert simctl.named(found, "iPhone 15", "x86_64").udid == "00000000-0000-4000-8000-00000000B175"


def test_of_one_name_it_is_one_that_runs_the_app(listing):
    assert simctl.named(listing, "iPhone 16", "x86_64").os == "iOS 18.2"
    assert simctl.named(listing, "iPhone 16", "arm64").os == "iOS 26.1"
    assert simctl.named(listing, "00000000-0000-4000-8000-0000000a1175", "x86_64").name == "iPad Air 11-inch (M2)"
    assert simctl.named(listing, "iPhone 3G", "x86_64") is None


def test_where_there_is_no_simulator_one_can_be_made(listing):
    runtime, kind = simctl.choose(listing, "18.2", "iPhone 15", "x86_64")
    assert (runtime.name, kind.name) == ("iOS 18.2", "iPhone 15")


@pytest.mark.parametrize(
    ("runtime", "device_type", "arch", "sentence"),
    [
        ("iOS 12.0", "", "x86_64", "no simulator runtime 'iOS 12.0'; installed are iOS 17.5, iOS 18.2, iOS 26.1"),
        ("", "iPhone 3G", "x86_64", "iOS 18.2 has no device type 'iPhone 3G'; it has iPhone 15, iPhone 16, iPad"),
        ("26.1", "", "x86_64", "iOS 26.1 runs arm64 only, and the app is x86_64: TensorFlowLiteTaskVision's pod"),
    ],
)
def test_what_cannot_be_chosen(listing, runtime, device_type, arch, sentence):
    with pytest.raises(EnvironmentMissing, match=re.escape(sentence)):
        simctl.choose(listing, runtime, device_type, arch)


@pytest.mark.parametrize(
    "text", ["", "simctl is busy", "{", '{"devices": 3}', '{"devices": {"x": [{"udid": "../.."}]}}']
)
def test_an_answer_in_another_way(text):
    with pytest.raises(RunError, match="simctl list answers"):
        simctl.parse_listing(text)


# How many simulators of iOS can be used, and the first of them.
RECORDED = {
    "briefcase-alternate-format.json": (46, "iPhone 5s", "iOS 12.1"),
    "briefcase-single-device-booted.json": (2, "iPhone 14", "iOS 13.2"),
    "briefcase-single-device-shutdown.json": (2, "iPhone 14", "iOS 13.2"),
    "briefcase-single-device-shutting-down.json": (2, "iPhone 14", "iOS 13.2"),
    "briefcase-single-device-unknown.json": (2, "iPhone 14", "iOS 13.2"),
    "nodesimctl-devices.json": (7, "iPhone 5s", "iOS 12.1"),
    "nodesimctl-devices-with-unavailable.json": (7, "iPhone 5s", "iOS 12.1"),
    "notes-first.txt": (1, "iPhone 7", "iOS 10.3"),
    "list.json": (4, "iPhone 16", "iOS 26.1"),
}
EMPTY = {"briefcase-no-devices.json", "briefcase-no-runtimes.json"}
# `simctl list` without --json, which is not asked for.
PROSE = {
    "fastlane-DeviceManagerSimctlOutputXcode11.txt": "== Devices == | -- iOS 11.0 -- | iPhone 5s (12FA454A-014C-434E-"
    "8E6D-8C87FEE258F9) (Shutdown) | … 176 lines … | ",
    "fastlane-scan-ListDevices15.txt": "== Devices == | -- iOS 16.1 -- | iPhone SE (3rd generation) (A608E8B7-18BF-"
    "4E84-AA66-B34353B41F55) (Shutdown) | … 85 lines … | ",
}
REASONS = {
    "launchd.txt": "Unable to boot the Simulator. launchd failed to respond. (Failed to start launchd_sim: could not "
    "bind to session, launchd_sim may have crashed or quit responding)",
    "booted.txt": "Unable to boot device in current state: Booted",
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_other_versions_list(name):
    count, first, runtime = RECORDED[name]
    known = simctl.simulators(simctl.parse_listing(text_of(name)))
    assert (len(known), known[0].name, known[0].os) == (count, first, runtime)


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_nothing_listed_is_nothing_and_no_error(name):
    assert simctl.simulators(simctl.parse_listing(text_of(name))) == []


@pytest.mark.parametrize("name", PROSE)
def test_prose_is_shown_with_both_ends(name):
    with pytest.raises(RunError) as error:
        simctl.parse_listing(text_of(name))
    assert error.value.what.startswith(f"simctl list answers no JSON: {PROSE[name]}")


@pytest.mark.parametrize(("name", "sentence"), REASONS.items(), ids=REASONS)
def test_why_it_failed(name, sentence):
    assert reason_of(text_of(name)) == sentence


def test_other_words_are_shown_as_they_are():
    assert reason_of("Invalid device: iPhone 3G\n") == "Invalid device: iPhone 3G"
    assert reason_of("") == ""


def test_every_transcript_is_read():
    names = {path.name for path in FOLDER.iterdir()} - {"origins.toml"}
    assert names == {*RECORDED, *EMPTY, *PROSE, *REASONS}


@pytest.mark.parametrize("strange", [{}, {"udid": "../.."}, None, "iPhone", {"udid": 7, "name": "x", "state": "y"}])
def test_a_strange_simulator_spoils_no_other(strange):
    text = json.loads(LISTING)
    for devices in text["devices"].values():
        devices.insert(0, strange)
    text["runtimes"].insert(0, strange)
    assert len(simctl.simulators(simctl.parse_listing(json.dumps(text)))) == RECORDED["list.json"][0]


def test_one_that_is_being_shut_down_is_used_last():
    text = json.loads(text_of("briefcase-single-device-shutting-down.json"))
    devices = text["devices"]["com.apple.CoreSimulator.SimRuntime.iOS-13-2"]
    devices[0]["name"] = "iPhone 11"
    devices.reverse()
    assert simctl.named(simctl.parse_listing(json.dumps(text)), "iPhone 11", "x86_64").state == "Shutdown"
    devices[0]["state"] = "Booting"
    assert simctl.named(simctl.parse_listing(json.dumps(text)), "iPhone 11", "x86_64").state == "Booting"
