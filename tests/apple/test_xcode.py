"""What Apple's tools answer, read from transcripts: simulators to choose from, phones, builds and test runs."""

import json
import plistlib
import re

import pytest
from mac import IPHONE_15, IPHONE_16, TRANSCRIPTS

from goldmask.apple import devicectl, simctl, xcode
from goldmask.contract.errors import EnvironmentMissing, RunError
from goldmask.machine.shell import Finished

LISTING = (TRANSCRIPTS / "simctl-list.json").read_text("utf-8")


@pytest.fixture
def listing() -> simctl.Listing:
    """The simulators of the transcript."""
    return simctl.parse_listing(LISTING)


def finished(transcript: str, tmp_path) -> Finished:
    """A failed xcodebuild that said what a transcript has."""
    log = tmp_path / "stderr.log"
    log.write_text("", "utf-8")
    text = (TRANSCRIPTS / transcript).read_text("utf-8").split("\n", 1)[1]
    return Finished(("xcodebuild",), 65, 1.0, text, log)


def test_every_transcript_says_where_it_comes_from():
    for path in TRANSCRIPTS.iterdir():
        text = path.read_text("utf-8")
        origin = json.loads(text)["transcript"] if path.suffix == ".json" else text.split("\n")[0].removeprefix("# ")
        assert re.match(r"(handwritten|recorded): \S", origin), path.name


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


def test_phones():
    phones = devicectl.parse_phones((TRANSCRIPTS / "devicectl-list.json").read_text("utf-8"))
    assert [(phone.name, phone.os, phone.developer_mode) for phone in phones] == [
        ("Test iPhone", "iOS 18.2", True),
        ("Lent iPad", "iOS 17.6.1", False),
    ]
    assert phones[0].answers_to("00008130-000000000000001c") and not phones[0].answers_to("Lent iPad")
    with pytest.raises(RunError, match="devicectl list answers in another way"):
        devicectl.parse_phones('{"result": {"devices": [{}]}}')


@pytest.mark.parametrize(
    ("transcript", "sentence"),
    [
        ("build-error.txt", "/App/CameraController.swift:41:9: error: cannot find 'sesion' in scope"),
        ("build-no-slice.txt", "clang: error: linker command failed with exit code 1"),
        ("test-crash.txt", "Restarting after unexpected exit, crash, or test timeout in InterpreterGoldenTests"),
        ("test-no-destination.txt", "xcodebuild: error: Unable to find a device matching"),
    ],
)
def test_the_first_complaint(transcript, sentence, tmp_path):
    assert xcode.first_error(finished(transcript, tmp_path)).startswith(sentence)


def test_a_missing_slice_is_recognised_and_another_error_is_not(tmp_path):
    assert xcode.NO_SLICE.search(finished("build-no-slice.txt", tmp_path).stdout)
    assert not xcode.NO_SLICE.search(finished("build-error.txt", tmp_path).stdout)


@pytest.mark.parametrize("form", [1, 2])
def test_the_app_of_a_test_run(form, tmp_path):
    """Both forms of the file are in Apple's manual page xcodebuild.xctestrun(5)."""
    target = {"TestHostPath": "__TESTROOT__/Release-iphonesimulator/App.app", "TestHostBundleIdentifier": "com.example"}
    content = {"__xctestrun_metadata__": {"FormatVersion": form}}
    if form == 1:
        content["GoldenTests"] = target
    else:
        content["TestConfigurations"] = [
            {"Name": "Default", "TestTargets": [target | {"BlueprintName": "GoldenTests"}]}
        ]
    path = tmp_path / "App.xctestrun"
    path.write_bytes(plistlib.dumps(content))
    product = xcode.Product(path)
    assert product.host_of("GoldenTests/A") == (tmp_path / "Release-iphonesimulator/App.app", "com.example")
    with pytest.raises(RunError, match="no target OtherTests that an app hosts"):
        product.host_of("OtherTests/A")
