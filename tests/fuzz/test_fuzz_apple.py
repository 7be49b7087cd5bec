"""Whatever a tool prints, a parser answers or says that it cannot; it does not fall over, and does not grow."""

import json
from pathlib import Path

import pytest
from fuzzing import fuzz
from hypothesis import strategies as st
from mac import TRANSCRIPTS

from goldmask.apple import devicectl, simctl, swift
from goldmask.apple.xcodebuild_output import MAX_SENTENCE, cause_of, failed_tests
from goldmask.apple.xcrun import reason_of
from goldmask.contract.errors import RunError, excerpt

# Lines of real output, cut and shuffled, are likelier to meet a rule than any text.
LINES = sorted(
    {
        line[:300]
        for folder in ("xcodebuild", "swift", "simctl", "devicectl")
        for path in (TRANSCRIPTS / folder).iterdir()
        if path.suffix in (".txt", ".log")
        for line in path.read_text("utf-8").splitlines()
    }
)
line = st.one_of(st.sampled_from(LINES), st.text(max_size=60), st.sampled_from(LINES).map(lambda text: text[::-1]))
logs = st.lists(line, max_size=25).map("\n".join)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)


@fuzz(logs, refuses=False)
def test_logs_of_xcodebuild(text, _):
    cause = cause_of(text)
    assert cause is None or (0 < len(cause.what) <= MAX_SENTENCE and "\n" not in cause.what)
    assert all(each.test for each in failed_tests(text))


@fuzz(logs, refuses=False)
def test_logs_of_swift_and_reasons_of_xcrun(text, _):
    assert "\n" not in swift.first_error(text) and "\n" not in reason_of(text)


@fuzz(st.text(max_size=2000), refuses=False)
def test_an_excerpt_is_one_line_without_control_characters(text, _):
    shown = excerpt(text)
    assert len(shown) < 1500 and all(character.isprintable() or character > "\x9f" for character in shown)


def keys_of(value: object) -> set[str]:
    """Every key in a JSON value."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


def mutated(name: str) -> st.SearchStrategy[str]:
    """A transcript with some values, by their key, replaced by others."""
    original = json.loads((TRANSCRIPTS / name).read_text("utf-8"))
    changes = st.dictionaries(st.sampled_from(sorted(keys_of(original))), values, max_size=3)

    def change(value: object, by: dict) -> object:
        if isinstance(value, dict):
            return {key: by[key] if key in by else change(each, by) for key, each in value.items()}
        return [change(each, by) for each in value] if isinstance(value, list) else value

    return changes.map(lambda by: json.dumps(change(original, by)))


def lists(*names: str) -> st.SearchStrategy[str]:
    """A list of devices with other values, logs in its stead, or any text."""
    return st.one_of(*map(mutated, names), *map(mutated, names), logs, st.text())


@fuzz(lists("devicectl/ghost.json", "devicectl/xcode-26.json", "devicectl/xcode-27.json"))
def test_lists_of_devicectl(text: str, _: Path):
    try:
        devices = devicectl.parse_devices(text)
    except RunError as error:
        assert error.what.startswith("devicectl list answers")
        raise
    assert all(phone.udid and phone.identifier for phone in devices.phones)


@fuzz(lists("simctl/nodesimctl-devices.json", "simctl/briefcase-single-device-unknown.json"))
def test_lists_of_simctl(text: str, _: Path):
    try:
        known = simctl.simulators(simctl.parse_listing(text))
    except RunError as error:
        assert error.what.startswith("simctl list answers")
        raise
    assert all(len(each.udid) == 36 for each in known)


def test_nested_without_end():
    for parse in (simctl.parse_listing, devicectl.parse_devices):
        with pytest.raises(RunError, match="answers no JSON"):
            parse('{"a":' * 100_000)
