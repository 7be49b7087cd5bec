"""Every benchmark runs, small: what it measures is a release's business, that it can is every day's."""

import re
import sys
from pathlib import Path

import pytest
from conftest import REPO

from goldmask.machine import shell

BENCHMARKS = sorted((REPO / "benchmarks").glob("*.py"))
# What its summary must have been able to measure.
MEASURED = {
    "android_jvm": r"xnnpack +2 threads +\d+\.\d\d ms : +\d+\.\d\d ms",
    "check": r"overhead +-?\d+\.\d\d s",
    "compare": r"failing +\d+\.\d \( +30\) +\d+ +-?\d+\.\d\d : -?\d+\.\d\d",
    "diagnosis": r"undecidable \d+ of \d+; met",
    "latency": r"two clocks, A/A \| 500 \| 0\.0",
    "metrics": r"ratio \d+\.\d",
    "operators": r"found 1 of 1",
    "record": r"throughput ratio \d+\.\d\d",
    "side_by_side": r"inference [+-]\d+\.\d % .*, 2 pairs",
}
RING = {"android_jvm": pytest.mark.rig, "side_by_side": pytest.mark.rig}


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem, marks=RING.get(path.stem, pytest.mark.project)) for path in BENCHMARKS]
)
def test_a_benchmark_runs(path: Path, tmp_path, starter_model):
    done = shell.run([sys.executable, path, "--small"], log=tmp_path / "log", deadline_s=250, cwd=REPO)
    assert done.code == 0, done.stdout + done.log_tail(20)
    assert re.search(MEASURED[path.stem], done.stdout), done.stdout


def test_the_docs_name_every_benchmark():
    text = (REPO / "docs/development.md").read_text("utf-8")
    assert BENCHMARKS and all(f"benchmarks/{path.name}" in text for path in BENCHMARKS)
