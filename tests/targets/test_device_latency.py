"""Latency that gates over the real adb protocol: the same samples on a phone and, as advice only, on an emulator."""

import json

import numpy as np
import pytest
from phones import connect, reasons, run_check, verdicts
from rig import device as rig

from goldmask.contract.bundle import load_bundle
from goldmask.contract.errors import ExitCode
from goldmask.workflows.baselines import record_baselines

pytestmark = pytest.mark.rig
PIXEL_4 = {"ro.kernel.qemu": "0", "ro.hardware": "flame", "ro.product.model": "Pixel 4"}
BUDGET = """
[[budgets]]
figure = "inference_median_ms"
limit = 23
source = "a limit of this test"
"""


def measured(phone: rig.Device, median_ms: float, **properties: str) -> None:
    """What the app's golden test will have measured of each case, on what says that it is such a device."""
    phone.write("properties.json", rig.PROPERTIES | properties)
    path = phone.folder / "recorded/bundle.json"
    bundle = json.loads(path.read_bytes())
    for number, result in enumerate(bundle["results"]):
        samples = median_ms * (1 + 0.01 * np.random.default_rng(number).standard_normal(50))
        result["latency"] = {"init_ms": 40.0, "first_ms": 60.0, "inference_ms": samples.tolist()}
    path.write_text(json.dumps(bundle), "utf-8")


@pytest.fixture
def project(phone_project):
    """With a budget for whatever runs."""
    with (phone_project.folder / "goldmask.toml").open("a", encoding="utf-8") as stream:
        stream.write(BUDGET)
    return phone_project


def test_a_phone_over_its_budget_is_exit_code_11_and_its_twin_is_0(project, phone):
    measured(phone, 24, **PIXEL_4)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.LATENCY and verdicts(report) == ["FAIL"] * 4
    row = report.comparisons[0]
    assert row.reason.startswith("inference_median_ms 2") and "is over the budget of 23 ms" in row.reason
    assert row.metrics.differing == 0 and row.latency.flags == ()
    assert row.latency.measured_on.device.endswith("Pixel 4")
    measured(phone, 22, **PIXEL_4)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.OK and verdicts(report) == ["PASS"] * 4


def test_the_same_samples_on_an_emulator_are_advice(project, phone):
    measured(phone, 24)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.OK and verdicts(report) == ["PASS"] * 4
    assert "advice only (EMULATOR): inference_median_ms 2" in reasons(report)


def test_an_emulator_gates_against_its_baseline_where_the_project_wants_it(project, phone):
    measured(phone, 20)
    report = run_check(project, device=phone.serial)
    assert [recorded.left_out for recorded in record_baselines(project.folder, report)] == [()]
    measured(phone, 22)
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.OK and "advice only (EMULATOR): inference is slower" in reasons(report)
    with (project.folder / "goldmask.toml").open("a", encoding="utf-8") as stream:
        stream.write('[latency]\ngate_on = ["EMULATOR"]\n')
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.LATENCY and verdicts(report) == ["FAIL"] * 4
    measured(phone, 20)
    assert run_check(project, device=phone.serial).exit_code is ExitCode.OK


def test_a_renderer_on_the_cpu_is_advice_and_a_gpu_is_judged(project, phone):
    with (project.folder / "goldmask.toml").open("a", encoding="utf-8") as stream:
        stream.write('[options]\ndelegate = "gpu"\n')
    measured(phone, 24, **PIXEL_4)
    path = phone.folder / "recorded/bundle.json"
    bundle = json.loads(path.read_bytes())
    bundle["runtime"] |= {"delegate": "gpu"}
    path.write_text(json.dumps(bundle), "utf-8")
    report = run_check(project, device=phone.serial)
    assert report.exit_code is ExitCode.OK and "advice only (SOFTWARE-GPU): inference_median_ms" in reasons(report)
    phone.write("state.json", phone.read("state.json") | {"gles": "Qualcomm, Adreno (TM) 640, OpenGL ES 3.2"})
    assert run_check(project, device=phone.serial).exit_code is ExitCode.LATENCY


def test_each_of_several_devices_has_its_own_conditions(project, phones):
    """A phone that is over its budget, and an emulator with the same samples."""
    measured(phones[0], 24, **PIXEL_4)
    measured(phones[1], 24)
    connect(phones)
    report = run_check(project, all_devices=True)
    found = {row.latency.measured_on.device: row for row in report.comparisons}
    assert len(found) == 2 and report.exit_code is ExitCode.LATENCY
    for name, row in found.items():
        assert row.latency.measured_on.kind == ("device" if "Pixel 4" in name else "emulator")
        assert row.latency.flags == (() if "Pixel 4" in name else ("EMULATOR",))
        assert row.verdict == ("FAIL" if "Pixel 4" in name else "PASS"), row.reason
    bundle = load_bundle(project.folder / "out/bundles/android-device/lib_interpreter/tiny")
    assert bundle.conditions is None and all(each.conditions and each.target for each in bundle.results)
