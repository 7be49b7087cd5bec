"""Latency in the contract: which samples belong together, and what speaks against them."""

import json

import pytest
from conftest import REPO
from pydantic import ValidationError

from goldmask.contract.bundle import Bundle
from goldmask.contract.latency import FLAGS, MODES, Conditions, Latency, flags_of
from goldmask.contract.schema import parse_json

SAMPLE = (REPO / "tests/samples/bundle.json").read_bytes()
# Of a phone against which nothing speaks.
COOL = Conditions(debuggable=False, battery_percent=80, charging=True, thermal_before="none", thermal_after="none")


def test_a_bundle_of_yesterday_is_read_and_knows_nothing_of_conditions():
    bundle = parse_json(SAMPLE, Bundle)
    result = bundle.results[0]
    assert bundle.conditions is None and result.memory_steady_mb is None
    assert result.latency.total_ms is None and result.latency.totals_ms == (3.75, 3.25, 3.25)


def test_a_bundle_of_today_has_more():
    data = json.loads(SAMPLE)
    data["conditions"] = {"debuggable": False, "thermal_before": "none", "gpu": "Mali-G710"}
    data["results"][0] |= {"memory_init_mb": 60.5, "memory_steady_mb": 70.25}
    data["results"][0]["latency"] |= {"warmup_ms": [9.5], "total_ms": [4.0, 3.5, 3.5]}
    bundle = parse_json(json.dumps(data).encode(), Bundle)
    assert bundle.conditions.thermal_after is None and bundle.results[0].latency.totals_ms == (4.0, 3.5, 3.5)


@pytest.mark.parametrize("key", ["battery_percent", "thermal_before"])
def test_conditions_that_cannot_be_are_refused(key):
    with pytest.raises(ValidationError):
        Conditions.model_validate({key: 101})


def test_a_total_is_of_one_run():
    with pytest.raises(ValidationError, match="1 total_ms cannot be of 2 runs"):
        Latency(init_ms=1, first_ms=1, inference_ms=(1.0, 2.0), total_ms=(3.0,))
    assert Latency(init_ms=1, first_ms=1, inference_ms=(1.0, 2.0)).totals_ms == ()


@pytest.mark.parametrize(
    ("kind", "changed", "flags"),
    [
        ("device", {}, ()),
        ("emulator", {}, ("EMULATOR",)),
        ("device", {"emulator": True}, ("EMULATOR",)),
        ("simulator", {}, ("SIMULATOR",)),
        ("host", {}, ("HOST",)),
        ("jvm", {}, ("HOST",)),
        ("device", {"debuggable": True}, ("DEBUGGABLE",)),
        ("device", {"debuggable": None}, ()),
        ("device", {"battery_percent": 24, "charging": False}, ("LOW-BATTERY",)),
        ("device", {"battery_percent": 25, "charging": False}, ()),
        ("device", {"battery_percent": 24}, ()),
        ("device", {"battery_percent": 24, "charging": None}, ("LOW-BATTERY",)),
        ("emulator", {"battery_percent": 24, "charging": False}, ("EMULATOR", "LOW-BATTERY")),
        ("device", {"low_power": True}, ("LOW-POWER",)),
        ("device", {"thermal_after": "light"}, ("THERMAL",)),
        ("device", {"thermal_before": "severe"}, ("THERMAL",)),
        ("device", {"thermal_before": None}, ("THERMAL",)),
        ("host", {"thermal_before": None}, ("HOST",)),
        ("emulator", {"thermal_before": "light"}, ("EMULATOR", "THERMAL")),
        ("device", {"gpu": "Mali-G710"}, ()),
        ("device", {"gpu": "Google SwiftShader"}, ("SOFTWARE-GPU",)),
        ("jvm", {"gpu": "llvmpipe (LLVM 15.0.7, 256 bits)"}, ("HOST", "SOFTWARE-GPU")),
    ],
)
def test_what_speaks_against_a_latency(kind, changed, flags):
    conditions = COOL.model_copy(update=changed)
    assert flags_of(kind, "gpu", conditions) == flags


def test_a_renderer_counts_only_where_the_gpu_ran():
    assert flags_of("device", "xnnpack", COOL.model_copy(update={"gpu": "llvmpipe"})) == ()


def test_modes_are_those_of_the_page():
    text = (REPO / "docs/latency.md").read_text("utf-8")
    for name, (warmup, runs, seconds) in MODES.items():
        assert f"| `{name}` | {warmup} | {runs:,} | {seconds:g} s |" in text
    assert all(f"| `{flag}` |" in text for flag in FLAGS)
