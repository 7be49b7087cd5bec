"""request.json, bundle.json, golden.json and report.json, as somebody may have written or changed them."""

import hashlib
import io
import json
import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from conftest import REPO
from fuzzing import fuzz
from hypothesis import strategies as st
from mutations import changed, odd_json
from rich.console import Console

from goldmask.contract.bundle import Bundle, Predicted, Request, load_bundle, load_request, margin_of, mask_of
from goldmask.contract.errors import GoldmaskError
from goldmask.contract.journal import JOURNAL_FILE, Journal, read_journal
from goldmask.contract.schema import parse_json
from goldmask.project.golden import Provenance, load_golden, unused
from goldmask.project.pending import Rejections
from goldmask.report.junit import to_junit
from goldmask.report.report import Report, load_report
from goldmask.report.terminal import to_terminal
from goldmask.verdict.baseline import Baseline
from goldmask.verdict.compare import Verdict
from goldmask.verdict.latency import ratio
from goldmask.verdict.metrics import measure
from goldmask.workflows.baselines import load_baseline

SAMPLES = REPO / "tests/samples"
BUNDLE = (SAMPLES / "bundle.json").read_bytes()
PROVENANCE = {
    "schema": 1,
    "tool": "goldmask 0.1.0",
    "recorded_at": "2026-01-01T00:00:00+00:00",
    "bundle_sha256": hashlib.sha256(BUNDLE).hexdigest(),
    "options": {"threads": 2, "delegate": "xnnpack", "resize": "fixed"},
    "input": {"height": 2, "width": 4, "dtype": "float32", "mean": [127.5], "std": [127.5]},
    "labels": ["background", "person"],
    "orientations": {"flag": 6},
}
ROW = {"model": "m", "case": "c", "target": "python", "pipeline": "lib_interpreter", "reason": "because"}
BLANK = np.zeros((4, 4), np.uint8)
METRICS = measure(BLANK, BLANK, None, ("background",)).model_dump()
REPORT = {
    "schema": 1,
    "exit_code": 10,
    "environment": {"os": "Linux"},
    "comparisons": [
        ROW | {"verdict": "PASS", "exit_code": 0, "metrics": METRICS, "threads": {"asked": 2, "ran": 1}},
        ROW | {"verdict": "FAIL", "exit_code": 10, "metrics": METRICS, "stages": {"first_difference": "resized"}},
        ROW | {"verdict": "ERROR", "exit_code": 4, "delegate": {"asked": "gpu", "ran": None}},
        ROW | {"verdict": "SKIP", "exit_code": 0},
    ],
    "skipped": [{"target": "t", "pipeline": "p", "model": "m", "reason": "no wheel", "fix": "pip install it"}],
    "notes": ["a second attempt"],
}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def either(seed: bytes) -> st.SearchStrategy[bytes]:
    """Odd JSON for the most part; sometimes the bytes of a file that was damaged."""
    return st.one_of(odd_json((seed,)), odd_json((seed,)), odd_json((seed,)), changed((seed,)))


@fuzz(either((SAMPLES / "request.json").read_bytes()))
def test_request(data, folder):
    (folder / "request.json").write_bytes(data)
    load_request(folder / "request.json")


@fuzz(either(BUNDLE), examples=250)
def test_bundle(data, folder):
    if not (folder / "masks").is_dir():
        for each in ("masks", "taps"):
            shutil.copytree(SAMPLES / each, folder / each)
    (folder / "bundle.json").write_bytes(data)
    bundle = load_bundle(folder)
    for result in bundle.results:
        if isinstance(result, Predicted):
            try:
                mask = mask_of(folder, result)
            except GoldmaskError:
                continue  # the other results may still have theirs
            assert mask.shape[::-1] == result.mask_size
            margin_of(folder, result)


LINES = [as_json(json.loads(BUNDLE) | {"results": []}), *map(as_json, json.loads(BUNDLE)["results"])]


@fuzz(st.tuples(*(st.one_of(st.just(line), either(line)) for line in LINES), st.sampled_from((b"\n", b"", b"\r\n"))))
def test_journal(lines, folder):
    """What a process that died had written down: other bytes for any of its lines, the last one whole or not."""
    (folder / JOURNAL_FILE).write_bytes(b"\n".join(lines[:-1]) + lines[-1])
    bundle = read_journal(folder)
    assert bundle is None or all(bundle.result(result.case) is result for result in bundle.results)


@fuzz(either(as_json(PROVENANCE)))
def test_golden(data, folder):
    (folder / "bundle.json").write_bytes(BUNDLE)
    (folder / "golden.json").write_bytes(data)
    unused(load_golden(folder), ("flag",))


FIGURE = {"runs": 50, "median_error": 0.01} | dict.fromkeys(
    ("median_ms", "low_ms", "high_ms", "p90_ms", "p90_low_ms", "p90_high_ms", "p95_ms", "p99_ms", "mad_ms"), 1.5
)
BASELINE = {
    "schema": 1,
    "target": "android-device",
    "model": "m",
    "pipeline": "lib_interpreter",
    "runtime": "LiteRT 2.3.0",
    "delegate": "xnnpack",
    "threads": 2,
    "measured_on": {"kind": "device", "device": "Pixel 4", "soc": "SM8150", "abi": "arm64-v8a", "os": "Android 10"},
    "flags": ["DEBUGGABLE"],
    "cases": {"a": {"inference": FIGURE, "total": FIGURE}, "b": {"inference": FIGURE}},
    "provenance": {"recorded_at": "2026-01-01T00:00:00+00:00", "commit": "0123456789ab"},
}


@fuzz(either(as_json(BASELINE)))
def test_baseline(data, folder):
    """What is accepted can be held against itself, or there is nothing to hold."""
    (folder / "baseline.json").write_bytes(data)
    baseline = load_baseline(folder / "baseline.json")
    assert baseline.file_name.isprintable() and "/" not in baseline.file_name
    pairs = [(each.inference, each.inference) for each in baseline.cases.values() if each.inference.median_ms]
    assert not pairs or ratio(pairs).value == 1


@fuzz(either(as_json(REPORT)), examples=250)
def test_report(data, folder):
    """A report that is accepted has forms that an XML reader and a terminal take, whatever a stranger wrote in it."""
    (folder / "report.json").write_bytes(data)
    report = load_report(folder)
    assert report.exit_code or not report.count(Verdict.FAIL) + report.count(Verdict.ERROR)
    document = ET.fromstring(to_junit(report))
    assert len(document.findall(".//testcase")) == len(report.comparisons)
    console = Console(width=120, file=io.StringIO())
    console.print(to_terminal(report))
    text = console.file.getvalue()
    assert text.replace("\n", "").isprintable(), text


@pytest.mark.parametrize(
    "kind", [Request, Bundle, Provenance, Report, Baseline, Rejections], ids=lambda kind: kind.__name__
)
def test_every_list_ends_at_its_first_wrong_item(kind):
    """Else a file of 5 MB takes 1.6 GB: see Many."""
    lists, waiting = [], [kind.__pydantic_core_schema__]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "variadic_item_index" in part or part.get("type") == "list":
                lists.append(part.get("fail_fast"))
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
    assert lists and all(lists), f"{lists.count(None)} of {len(lists)} go on"


def test_the_journals_seed_is_one(tmp_path):
    bundle = parse_json(BUNDLE, Bundle)
    journal = Journal(tmp_path, bundle.model_copy(update={"results": ()}))
    for result in bundle.results:
        journal.add(result)
    written = (tmp_path / JOURNAL_FILE).read_bytes()
    assert [json.loads(line) for line in written.splitlines()] == [json.loads(line) for line in LINES]


@pytest.mark.parametrize("name", ["bundle.json", "golden.json", "report.json"])
def test_the_seeds_are_right(tmp_path, name):
    """Else every one of their changes would be refused for the same reason."""
    (tmp_path / "bundle.json").write_bytes(BUNDLE)
    (tmp_path / "golden.json").write_bytes(as_json(PROVENANCE))
    (tmp_path / "report.json").write_bytes(as_json(REPORT))
    {"bundle.json": load_bundle, "golden.json": load_golden, "report.json": load_report}[name](tmp_path)
