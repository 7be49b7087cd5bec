"""The Xcode project, which is written by hand: every id leads somewhere, every Swift file is built, pins are pins."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPO
from openstep_parser import OpenStepDecoder
from pbxproj import XcodeProject

from goldmask.machine import shell
from goldmask.machine.resources import IOS_PROJECT
from goldmask.project.config import Ios
from goldmask.project.model import fetch_model, load_spec
from goldmask.targets import ios_simulator

PROJECT = IOS_PROJECT / "GoldmaskApp.xcodeproj"
TEXT = (PROJECT / "project.pbxproj").read_text("utf-8")
SCHEME = PROJECT / "xcshareddata/xcschemes/GoldmaskApp.xcscheme"
PODFILE = (IOS_PROJECT / "Podfile").read_text("utf-8")
ID = re.compile(r"[0-9A-F]{24}")


def faults(text: str) -> list[str]:
    """Ids of a project.pbxproj that lead nowhere, and objects that nothing leads to."""
    tree = OpenStepDecoder.ParseFromString(text)
    objects, root = tree["objects"], tree["rootObject"]
    dangling = [
        f"{key} names {found}" for key, entry in objects.items() for found in ids(entry) if found not in objects
    ]
    reached, waiting = set(), [root]
    while waiting:
        key = waiting.pop()
        if key not in reached and key in objects:
            reached.add(key)
            waiting += ids(objects[key])
    return dangling + [f"nothing leads to {key}" for key in objects if key not in reached]


def ids(value: object) -> Iterator[str]:
    """All ids in a value of the file, in keys as well."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from ids(key)
            yield from ids(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from ids(entry)
    elif ID.fullmatch(str(value)):
        yield str(value)


def target_of(name: str) -> dict:
    """A target of the project."""
    objects = OpenStepDecoder.ParseFromString(TEXT)["objects"].values()
    return next(entry for entry in objects if entry["isa"] == "PBXNativeTarget" and entry["name"] == name)


def test_every_id_leads_somewhere():
    assert faults(TEXT) == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("fileRef = 601D0000000000000000F003", "fileRef = 601D0000000000000000F00D", "names 601D0000000000000000F00D"),
        ("\t\t\t\t601D0000000000000000F005 /* Podfile */,\n", "", "nothing leads to 601D0000000000000000F005"),
        ("rootObject = 601D00000000000000000001", "rootObject = 601D0000000000000000000F", "nothing leads to"),
    ],
)
def test_an_id_that_leads_nowhere_is_found(old, new, sentence):
    assert TEXT.count(old) == 1
    assert any(sentence in fault for fault in faults(TEXT.replace(old, new)))


def test_pbxproj_reads_it():
    project = XcodeProject.load(str(PROJECT / "project.pbxproj"))
    assert [target.name for target in project.objects.get_targets()] == ["GoldmaskApp", "GoldenTests"]


def test_every_file_is_there_and_every_swift_file_is_built():
    objects = OpenStepDecoder.ParseFromString(TEXT)["objects"]
    for each in objects.values():
        if each["isa"] == "PBXFileReference" and each["sourceTree"] != "BUILT_PRODUCTS_DIR":
            assert (IOS_PROJECT / each["path"]).is_file(), each["path"]

    def folders(target: str) -> set[str]:
        return {objects[key]["path"] for key in target_of(target)["fileSystemSynchronizedGroups"]}

    assert folders("GoldmaskApp") == {"App", "LibTaskApi"} and folders("GoldenTests") == {"GoldenTests", "LibTaskApi"}
    by_package = {"Package.swift", "Sources", "Tests", ".build", "Pods"}
    by_hand = {path.relative_to(IOS_PROJECT).parts[0] for path in IOS_PROJECT.rglob("*.swift")} - by_package
    assert by_hand == folders("GoldmaskApp") | folders("GoldenTests")


def test_the_packages_products_are_products_of_the_package():
    package = (IOS_PROJECT / "Package.swift").read_text("utf-8")
    objects = OpenStepDecoder.ParseFromString(TEXT)["objects"].values()
    products = {each["productName"] for each in objects if each["isa"] == "XCSwiftPackageProductDependency"}
    assert products == {"SegmentationCore", "LibInterpreter", "GoldenTestKit"}
    assert all(f'.library(name: "{product}"' in package for product in products)


def test_the_scheme_tests_what_goldmask_runs():
    scheme = ElementTree.parse(SCHEME).getroot()
    references = {
        each.get("BlueprintName"): each.get("BlueprintIdentifier") for each in scheme.iter("BuildableReference")
    }
    tree = OpenStepDecoder.ParseFromString(TEXT)["objects"]
    assert {name: tree[key]["name"] for name, key in references.items()} == {name: name for name in references}
    assert scheme.find("TestAction").get("buildConfiguration") == "Release"  # latency of a debug build says nothing
    assert SCHEME.stem == Ios().scheme and PROJECT.stem == Path(Ios().workspace).stem
    for test in ios_simulator.OUR_TESTS.values():
        target, name = test.split("/")
        assert target in references
        assert f"final class {name}: XCTestCase" in (IOS_PROJECT / target / f"{name}.swift").read_text("utf-8")


def test_the_guide_has_every_key_of_the_config():
    text = (REPO / "docs/ios-simulator.md").read_text("utf-8")
    assert [key for key in Ios.model_fields if f"{key} = " not in text] == []


def test_pods_are_pinned_and_the_task_librarys_version_is_told_rightly():
    pins = dict(re.findall(r"^\s*pod '([^']+)', '([^']+)'", PODFILE, re.MULTILINE))
    assert set(pins) == {"TensorFlowLiteC", "TensorFlowLiteTaskVision"}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())
    source = (IOS_PROJECT / "LibTaskApi/TaskSegmenter.swift").read_text("utf-8")
    assert f'version = "{pins["TensorFlowLiteTaskVision"]}"' in source


def test_simulators_run_x86_64_everywhere():
    """The pods, the project and the target's default agree, or the linker does not find a slice."""
    assert "config.build_settings['EXCLUDED_ARCHS[sdk=iphonesimulator*]'] = 'arm64'" in PODFILE
    configurations = [
        each for each in OpenStepDecoder.ParseFromString(TEXT)["objects"].values() if "buildSettings" in each
    ]
    excluded = [each["buildSettings"].get("EXCLUDED_ARCHS[sdk=iphonesimulator*]") for each in configurations]
    assert excluded.count("arm64") == 2 and Ios().arch == "x86_64"


def test_the_camera_says_what_it_is_for():
    for name in ("Debug", "Release"):
        settings = [
            each["buildSettings"]
            for each in OpenStepDecoder.ParseFromString(TEXT)["objects"].values()
            if each["isa"] == "XCBuildConfiguration" and each["name"] == name
        ]
        assert sum("INFOPLIST_KEY_NSCameraUsageDescription" in each for each in settings) == 1


def test_the_apps_models_are_those_of_goldmask():
    listed = {each["name"]: each for each in json.loads((IOS_PROJECT / "App/models.json").read_text("utf-8"))}
    assert set(listed) == {"shapes", "shapes-int8", "deeplabv3"}
    for name in ("shapes", "shapes-int8"):
        wanted = fetch_model(REPO, name, load_spec(REPO, name)).request()
        found = listed[name]
        assert found["labels"] == list(wanted.labels) and found["file"] == Path(wanted.file).name
        assert type(wanted.input).model_validate(found["input"]) == wanted.input
        assert found["output"] == {"index": wanted.output.index, "kind": wanted.output.kind}
        assert f"../models/shapes/{found['file']};" in TEXT


FILES = [
    path for folder in ("App", "LibTaskApi", "GoldenTests") for path in sorted((IOS_PROJECT / folder).glob("*.swift"))
]


def test_every_swift_file_parses(swift, tmp_path):
    """UIKit and SwiftUI are Apple's: more than this a Mac must say."""
    assert len(FILES) > 10
    done = shell.run([swift.program, "-frontend", "-parse", *FILES], log=tmp_path / "parse.log", deadline_s=120)
    assert done.code == 0, done.log_tail(20)


def test_a_swift_file_that_does_not_parse_is_told(swift, tmp_path):
    broken = tmp_path / "Broken.swift"
    broken.write_text(FILES[0].read_text("utf-8").replace("{", "", 1), "utf-8")
    done = shell.run([swift.program, "-frontend", "-parse", broken], log=tmp_path / "parse.log", deadline_s=120)
    assert done.code != 0 and "error: " in done.log_tail(5)


def test_every_swift_file_is_in_the_style(swift, tmp_path):
    words = ("format", "lint", "--strict", "--configuration", IOS_PROJECT / ".swift-format", *FILES)
    done = shell.run([swift.program, *words], log=tmp_path / "lint.log", deadline_s=120, cwd=IOS_PROJECT)
    assert done.code == 0, done.log_tail(20)
