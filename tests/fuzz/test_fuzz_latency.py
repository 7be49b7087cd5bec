"""Latencies of bundles and baselines: numbers that no run has, and those that no run can have."""

import json

import verdict_rows
from conftest import REPO
from fuzzing import fuzz
from hypothesis import strategies as st
from mutations import changed, odd_json

from goldmask.contract.bundle import load_bundle, to_json
from goldmask.project.budget import LatencySettings
from goldmask.verdict.baseline import Baseline, Provenance, made_of, with_baselines
from goldmask.verdict.latency import measured
from goldmask.workflows.baselines import load_baseline

SAMPLE = json.loads((REPO / "tests/samples/bundle.json").read_bytes())
ODD = (0, 5e-324, 1e-300, 1e-9, 0.5, 1, 10, 1e6, 1e9, 1e150, 1e308, 1.7e308, -1, True, None, "1")
SERIES = st.lists(st.sampled_from(ODD[:9]), max_size=40) | st.lists(st.sampled_from(ODD), max_size=5)
BASELINE, _ = made_of([verdict_rows.row()], "A processor", Provenance(recorded_at="2026-01-01T00:00:00+00:00"))


@st.composite
def bundles(draw: st.DrawFn) -> bytes:
    """A bundle whose first result has such series, of one length or of several."""
    names = ("preprocess_ms", "inference_ms", "postprocess_ms", "total_ms")
    same = draw(SERIES)
    latency = {name: draw(st.one_of(st.just(same), SERIES)) for name in draw(st.sets(st.sampled_from(names)))}
    latency |= {"init_ms": draw(st.sampled_from(ODD[:9])), "first_ms": draw(st.sampled_from(ODD[:9]))}
    first, *others = SAMPLE["results"]
    return json.dumps(SAMPLE | {"results": [first | {"latency": latency}, *others]}).encode()


@fuzz(bundles(), examples=100)
def test_bundle(data, folder):
    (folder / "bundle.json").write_bytes(data)
    bundle = load_bundle(folder)
    found = measured(bundle, bundle.results[0])
    assert found is not None and (found.inference is None) is (not found.inference_ms)


@fuzz(st.one_of(odd_json((to_json(BASELINE),)), changed((to_json(BASELINE),))))
def test_baseline(data, folder):
    (folder / "baseline.json").write_bytes(data)
    baseline = load_baseline(folder / "baseline.json")
    rows, notes = with_baselines([verdict_rows.row()], [baseline], LatencySettings(), (), "A processor")
    assert len(rows) == 1 and all(note.isprintable() for note in notes)


def test_the_seed_is_right(tmp_path):
    assert isinstance(BASELINE, Baseline)
    (tmp_path / "baseline.json").write_bytes(to_json(BASELINE))
    assert load_baseline(tmp_path / "baseline.json") == BASELINE
