"""What the statistics find and what they do not, on series whose truth is known: a small part of benchmarks/latency.py.

The series are seeded, so the outcome is the same every time.
"""

import importlib.util
import sys

import pytest
from conftest import REPO

PAIRS = 100


@pytest.fixture(scope="module")
def latency():
    """The benchmark as a module."""
    spec = importlib.util.spec_from_file_location("latency_benchmark", REPO / "benchmarks/latency.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("name", ["φ 0.0, 5 % slower", "φ 0.5, 5 % slower", "φ 0.0, A/A", "φ 0.5, A/A"])
def test_a_slowdown_is_found_and_none_is_made_up(latency, name):
    cell = next(cell for cell in latency.cells() if cell.name == name and cell.runs == 50)
    assert latency.broken(cell, latency.outcomes(cell, PAIRS)) == []


@pytest.mark.parametrize("name", ["φ 0.9, A/A", "drift, A/A", "two clocks, A/A"])
def test_what_is_not_stable_is_told_and_never_judged(latency, name):
    cell = next(cell for cell in latency.cells() if cell.name == name and cell.runs == 50)
    assert latency.broken(cell, latency.outcomes(cell, PAIRS)) == []


def test_a_requirement_that_is_not_met_is_told(latency, monkeypatch):
    """Their twin: a limit of 5 % finds a slowdown of 5 % in half the cases; without unrest, drift is a slowdown."""
    cell = next(cell for cell in latency.cells() if cell.name == "φ 0.0, 5 % slower")
    with monkeypatch.context() as patch:
        patch.setattr(latency, "change", lambda found: "slower" if found.value >= 1.05 else "unclear")
        (clause,) = latency.broken(cell, latency.outcomes(cell, PAIRS))
    assert clause.endswith("95 to 100 required") and 30 < float(clause.split()[1]) < 70
    drift = next(cell for cell in latency.cells() if cell.name == "drift, A/A")
    monkeypatch.setattr(latency, "unrest", lambda samples: ())
    assert any(
        clause.startswith("UNSTABLE 0.0 of 100") for clause in latency.broken(drift, latency.outcomes(drift, 10))
    )
