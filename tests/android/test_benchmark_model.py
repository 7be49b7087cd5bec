"""TensorFlow Lite's benchmark tool: what it prints, and a stand-in that prints it on the rig's device."""

import contextlib
import json
import re
from pathlib import Path

import pytest
from conftest import REPO, run_program
from hypothesis import given
from hypothesis import strategies as st
from needs import need
from processes import wait_until
from rig import device as rig
from transcript import TRANSCRIPTS as ALL
from transcript import transcript

from goldmask.android import benchmark_model
from goldmask.android.adb import Device, Server
from goldmask.android.benchmark_model import Operator, operators_in
from goldmask.cli.android import _agreement as agreement
from goldmask.contract.bundle import RuntimeInfo, load_bundle
from goldmask.contract.errors import RunError, UsageError
from goldmask.contract.files import sha256_of
from goldmask.contract.options import RunOptions
from goldmask.verdict.latency import figure

TRANSCRIPTS = ALL / "benchmark_model"
MODEL = REPO / "models/shapes/shapes.tflite"
RAN = RuntimeInfo(name="LiteRT", version="2.16.1", delegate="xnnpack", threads=2)
OPTIONS = RunOptions(warmup=2, runs=30)


def said(name: str) -> str:
    """A transcript."""
    return transcript(f"benchmark_model/{name}.txt")


@pytest.mark.parametrize(
    ("name", "timing"),
    [
        ("plain", benchmark_model.Timing(0.855, 49.06, 50, 33.2094, 0.45, 32.641, 34.005, None)),
        (
            "percentiles",
            benchmark_model.Timing(92.318, 187.533, 25, 145.528, 13.583, 140.071, 195.121, 141.253, 187.533),
        ),
        ("slow", benchmark_model.Timing(17.187, 3512.391, 50, 2950.34, 109.798, 2727.568, 3189.954, None)),
        ("profile", benchmark_model.Timing(0.855, 49.06, 50, 33.2094, 0.45, 32.641, 34.005, None)),
        ("single-run", benchmark_model.Timing(66.002, 637.079, 1, 978, 0, 978, 978, 978, 978)),
        ("same-time", benchmark_model.Timing(0.066, 0.012, 50, 0.011, 0, 0.011, 0.011, 0.011, 0.011)),
        ("litert-2", benchmark_model.Timing(23744.73, 7441.04, 10, 7430.2, 9.92, 7416.4, 7448.86, None)),
        ("litert-2-statistics", benchmark_model.Timing(3.21, 0.09, 18000, 0.0541, 0.001, 0.052, 0.08, 0.054, 0.056)),
    ],
)
def test_what_it_prints_is_read(name, timing):
    assert benchmark_model.parse(said(name)) == timing


def test_a_single_run_has_no_statistics():
    text = "count=1 curr=100\ncount=1 curr=3000\n"
    text += "Inference timings in us: Init: 10, First inference: 100, Warmup (avg): 100, Inference (avg): 3000\n"
    assert benchmark_model.parse(text) == benchmark_model.Timing(0.01, 0.1, 1, 3, 0, 3, 3, 3, 3)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "printed no timings"),
        ("\x00\xff garbage", "printed no timings"),
        (said("no-model"), "printed no timings"),
        (said("plain").replace("Inference timings", "Interference timings"), "printed no timings"),
        (said("plain").replace("count=", "counts="), "printed no timings"),
        (said("plain").replace("Inference (avg): 33209.4", "Inference (avg): nan"), "printed 'nan' as a time"),
        (said("plain").replace("Inference (avg): 33209.4", "Inference (avg): -1"), "printed '-1' as a time"),
        (said("plain").replace("Inference (avg): 33209.4", "Inference (avg): 1e999"), "printed '1e999' as a time"),
        (said("plain").replace("Inference (avg): 33209.4", "Inference (avg): fast"), "printed 'fast' as a time"),
        (said("plain").replace("Inference (avg): 33209.4", "Inference (avg): 3320.94"), "contradicts itself"),
        (said("plain").replace("min=32641", "min=99999"), "contradicts itself"),
        (said("profile").replace("count=50 first=32891", "runs=50 first=32891"), "contradicts itself"),
        (said("litert-2").replace("7430.20 ms", "9430.20 ms"), "contradicts itself"),
        (said("litert-2").replace("(10 runs)", "(0 runs)"), "contradicts itself"),
        (said("litert-2").replace("Inference (min)", "Inference (least)"), "printed no timings"),
        (said("litert-2") * 2, "measured several signatures"),
        (said("before-2.3"), "printed no timings"),
        (said("plain").replace("count=50", "count=0"), "contradicts itself"),
    ],
)  # fmt: skip
def test_what_is_no_timing_is_an_error(text, sentence):
    with pytest.raises(RunError, match=sentence):
        benchmark_model.parse(text)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no-model", "ERROR: Could not open '/data/local/tmp/nowhere.tflite'. | "
         "ERROR: Failed to load model /data/local/tmp/nowhere.tflite"),
        ("delegate-refused", "ERROR: NN API returned error ANEURALNETWORKS_BAD_DATA at line 1068 while adding "
         "operation. | ERROR: Restored original execution plan after delegate application failure."),
    ],
)  # fmt: skip
def test_what_went_wrong_comes_before_that_it_failed(name, sentence):
    assert benchmark_model.complaint(said(name)) == sentence


def test_an_output_that_nobody_knows_is_shown():
    words = "\n".join(f"word {number}" for number in range(9))
    with pytest.raises(RunError, match=r"no timings: word 0 \| word 1 \| word 2 \| … 3 lines … \| word 6"):
        benchmark_model.parse(words)


LINES = [line for path in TRANSCRIPTS.glob("*.txt") for line in said(path.stem).splitlines()]


@given(st.lists(st.sampled_from(LINES) | st.text()))
def test_anything_is_a_timing_or_an_error(lines):
    with contextlib.suppress(RunError):
        timing = benchmark_model.parse("\n".join(lines))
        assert timing.runs > 0 and 0 <= timing.min_ms <= timing.max_ms * 1.03 + 0.02


def test_what_cannot_be_run(tmp_path):
    nobody = Device(server=None, serial="nobody")
    with pytest.raises(UsageError, match="is no file"):
        benchmark_model.run(nobody, tmp_path / "nowhere", MODEL, RAN, OPTIONS, tmp_path / "log")
    coreml = RAN.model_copy(update={"delegate": "coreml"})
    with pytest.raises(UsageError, match="has no delegate 'coreml'"):
        benchmark_model.run(nobody, Path(__file__), MODEL, coreml, OPTIONS, tmp_path / "log")


@pytest.fixture(scope="module")
def phone(tmp_path_factory):
    """A device of the rig."""
    need("rig")
    folder = tmp_path_factory.mktemp("benchmark")
    with pytest.MonkeyPatch.context() as patch, rig.started(folder / "device") as device:
        patch.setenv("ANDROID_ADB_SERVER_PORT", str(rig.free_port()))
        with Server(folder) as server:
            server.connect(device.serial)
            wait_until(lambda: server.states().get(device.serial) == "device", "adb does not see it")
            yield Device(server, device.serial)


def test_it_runs_on_a_device_as_the_app_ran(phone, tmp_path):
    binary = REPO / "tests/rig/benchmark_model"
    measured = benchmark_model.run(phone, binary, MODEL, RAN, OPTIONS, tmp_path / "logs/benchmark.log")
    assert measured.timing == benchmark_model.Timing(1.5, 31, 30, 20.2505, 0.7, 19, 23, 20.1, 22.9)
    assert measured.threads == 2 and measured.binary_sha256 == sha256_of(binary)
    assert measured.delegate_words == ("INFO: XNNPACK delegate created.",)
    log = (tmp_path / "logs/benchmark.log").read_text("utf-8")
    assert f"Graph: [/data/local/tmp/goldmask/{sha256_of(MODEL)}.tflite]" in log
    cpu = RAN.model_copy(update={"delegate": "cpu"})
    assert benchmark_model.run(phone, binary, MODEL, cpu, OPTIONS, tmp_path / "log").delegate_words == ()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo 'FATAL: no memory' >&2; exit 134", r"failed on .* \(exit code 134\): FATAL: no memory"),
        ("exit 0", "printed no timings on"),
        ("echo STARTING!; kill -SEGV $$", r"failed on .* \(exit code 139\)"),
    ],
    ids=["fails", "silent", "crashes"],
)
def test_a_tool_that_fails_names_its_log(script, sentence, phone, tmp_path):
    binary = tmp_path / "tool"
    binary.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    with pytest.raises(RunError, match=sentence) as caught:
        benchmark_model.run(phone, binary, MODEL, RAN, OPTIONS, tmp_path / "its.log")
    assert caught.value.fix == f"cat {tmp_path}/its.log" and (tmp_path / "its.log").is_file()


def test_a_tool_that_never_ends(phone, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark_model, "DEADLINE_S", 1)
    binary = tmp_path / "tool"
    binary.write_text("#!/bin/sh\nsleep 30\n", "utf-8")
    with pytest.raises(RunError, match="did not end within 1 s"):
        benchmark_model.run(phone, binary, MODEL, RAN, OPTIONS, tmp_path / "log")


@pytest.mark.parametrize(
    ("app_ms", "tool", "words"),
    [
        (10.0, {"median_ms": 10.1}, "app and benchmark_model agree: 10 ms (10 to 10) and 10.1 ms (median), 0.99 ×"),
        (12.0, {"median_ms": 10.0}, "app and benchmark_model disagree: 12 ms (12 to 12) and 10 ms (median), 1.20 ×"),
        (8.0, {"median_ms": None}, "app and benchmark_model disagree: 8 ms (8 to 8) and 10 ms (mean), 0.80 ×"),
        (8.0, {"median_ms": 0.0}, "app and benchmark_model cannot be compared: one of them measured nothing"),
    ],
)
def test_tool_and_app_agree_or_do_not(app_ms, tool, words):
    timing = benchmark_model.Timing(1, 2, 50, 10.0, 0.1, 9, 11, tool["median_ms"])
    assert agreement(figure([app_ms] * 30), timing) == words
    assert "cannot be compared" in agreement(None, timing)


PROFILE = """{heading}
============================== Run Order ==============================
\t  [node type]\t[first]\t[avg ms]\t[%]\t[cdf%]\t[mem KB]\t[times called]\t[Name]
\tCONV_2D\t1.000\t1.500\t50.0%\t50.0%\t0.000\t1\t[a]:0
\tResizeBilinear (XNNPACK)\t0.500\t0.500\t16.7%\t66.7%\t0.000\t1\t[b]:1
\tCONV_2D\t1.000\t1.000\t33.3%\t100.0%\t0.000\t1\t[c]:2

============================== Top by Computation Time ==============================
\tCONV_2D\t1.000\t1.500\t50.0%\t50.0%\t0.000\t1\t[a]:0
"""


def test_operators_of_the_measured_runs():
    """handwritten, but for `profile`, of a version with a column more"""
    assert operators_in(said("profile")) == (Operator("CONV_2D", 1, 32.086),)
    found = operators_in(PROFILE.format(heading=benchmark_model.REGULAR_RUNS))
    assert found == (Operator("CONV_2D", 2, 2.5), Operator("ResizeBilinear (XNNPACK)", 1, 0.5))
    of_beginning = PROFILE.format(heading="Profiling Info for Benchmark Initialization:")
    assert operators_in(of_beginning) == operators_in(said("plain")) == operators_in("") == ()
    with pytest.raises(RunError, match="'-1.500' as a time"):
        operators_in(PROFILE.format(heading=benchmark_model.REGULAR_RUNS).replace("1.500", "-1.500"))


@pytest.mark.rig
def test_the_program_shows_both(phone, tmp_path):
    """The app for real, in a JVM with the APK's native library; the tool's figures are made up."""
    need("jdk")
    tool = REPO / "tests/rig/benchmark_model"
    words = ("android.benchmark", "--model", "shapes", "--binary", tool, "--device", phone.serial, "--out", tmp_path)
    ran = run_program(REPO, *words, "--profile")
    assert ran.code == 0, ran.text
    assert re.search(r"CONV_2D +2 +15.50 +77.5%", ran.stdout) and re.search(r"DEPTHWISE_CONV_2D +1 +4.50", ran.stdout)
    assert re.search(r"^ *app( +[\d.]+){3} \([\d.–]+\)( +[\d.]+){5} +50 +EMULATOR", ran.stdout, re.MULTILINE)
    assert re.search(r"benchmark_model( +[\d.]+){3} +– +22.90 +– +– +20.25 +50", ran.stdout), ran.stdout
    assert "app and benchmark_model " in ran.stdout and "20.1 ms (median)" in ran.stdout
    data = json.loads((tmp_path / "benchmark.json").read_text("utf-8"))
    app = data["app"]["inference"]
    assert app["runs"] == 50 and 0 < app["low_ms"] <= app["median_ms"] <= app["p99_ms"]
    assert "EMULATOR" in data["app"]["flags"] and data["app"]["memory_steady_mb"] > 1
    assert data["benchmark_model"]["timing"]["median_ms"] == 20.1
    assert data["benchmark_model"]["binary_sha256"] == sha256_of(tool)
    threads = load_bundle(tmp_path).runtime.threads
    assert f"threads used for CPU inference: [{threads}]" in (tmp_path / "benchmark_model.log").read_text("utf-8")
