"""What a user reads when one of two simulators fails, and when devicectl lists a ghost: the whole message.

Snapshots hold the words and not the terminal's columns; that the terminal shows all of them is held beside it.
"""

import json
import re

import pytest
from conftest import Project
from mac import IPHONE_15, Mac, add_app, make_mac
from snapshot import assert_snapshot

TWO = ("--destination", "iPhone 15", "--destination", "iPad Air 11-inch (M2)")


@pytest.fixture
def mac(project, tmp_path) -> Mac:
    """A Mac whose apps predict the project's goldens."""
    made = make_mac(tmp_path / "mac", project.golden)
    add_app(project)
    return made


def message(project: Project, mac: Mac, *words: str) -> str:
    """The exit code, the reason of every case, what was skipped, and the notes of a `check` on destinations."""
    ran = project.run("check", "-v", "--target", "ios-simulator", *words, **mac.environment)
    report = json.loads((project.folder / "build/check/report.json").read_text("utf-8"))
    rows = [f"{each['target']} {each['case']} {each['verdict']} {each['reason']}" for each in report["comparisons"]]
    skipped = [f"fix: {each['fix']}" for each in report["skipped"]]
    for each in report["comparisons"]:
        # Its cure stands behind the names of its cases.
        for clause in each["reason"].split("\n  try: "):
            assert re.sub(r"\s+", " ", clause) in ran.text
    for each in report["skipped"]:
        assert re.sub(r"\s+", " ", each["fix"]) in ran.text
    text = "\n".join([f"exit {ran.code}", *rows, *skipped, *(f"note: {note}" for note in report["notes"]), ""])
    # A phone keeps the files of a run until the next one.
    assert not mac.up and not mac.state["running"]
    return text.replace(str(project.folder), "PROJECT")


def test_two_simulators_of_which_one_fails(project, mac):
    """The app dies on one; the other's masks are compared, and nothing of the failure is said of it."""
    mac.fault(f"crash {IPHONE_15}")
    assert_snapshot("two-simulators-one-fails", message(project, mac, *TWO))


def test_two_simulators_that_both_pass(project, mac):
    assert_snapshot("two-simulators", message(project, mac, *TWO))


def test_a_ghost_phone_is_named(project, mac):
    """The phone's name is not in devicectl's list: an entry without hardware may be it."""
    mac.fault("ghost")
    assert_snapshot("ghost-phone", message(project, mac, "--destination", "Jane's iPhone"))


def test_a_ghost_phone_by_its_identifier(project, mac):
    mac.fault("ghost")
    words = ("--destination", "00000000-0000-5000-8000-00000000B001")
    assert_snapshot("ghost-phone-identifier", message(project, mac, *words))


def test_a_ghost_makes_no_other_phone_unusable(project, mac):
    mac.fault("ghost")
    assert_snapshot("ghost-beside-a-phone", message(project, mac, "--destination", "Test iPhone"))
    ran = project.run("ios.simulator.list", **mac.environment)
    assert ran.code == 0 and "Test iPhone" in ran.stdout
    assert "not usable: 00000000-0000-5000-8000-00000000B001: devicectl lists it without its hardware" in ran.text


def test_a_simulator_that_is_being_shut_down_is_not_waited_for(project, mac):
    state = mac.state
    for devices in state["listing"]["devices"].values():
        for device in devices:
            device["state"] = "Shutting Down" if device["udid"] == IPHONE_15 else device["state"]
    (mac.folder / "state.json").write_text(json.dumps(state), "utf-8")
    ran = project.run("check", "--target", "ios-simulator", "--destination", IPHONE_15, **mac.environment)
    assert ran.code == 4, ran.text
    assert f"simulator {IPHONE_15} does not boot: Unable to boot device in current state: Shutting Down" in ran.text
