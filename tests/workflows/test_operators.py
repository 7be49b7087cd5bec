"""Faults in models are found at their operator, on runtimes in this process and in the reference environments."""

import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from conftest import REPO

from goldmask.contract.submodels import SubModels
from goldmask.contract.tensor_runs import run_all
from goldmask.machine.progress import Progress
from goldmask.project.graph import load_graph
from goldmask.project.options import TargetOptions
from goldmask.workflows import operator_runs
from goldmask.workflows.bench import Side
from goldmask.workflows.operator_input import inputs_of
from goldmask.workflows.operator_runs import Running
from goldmask.workflows.operators import compare_operators

pytestmark = pytest.mark.project

SEEDS = range(20)
MODELS = {name: REPO / f"models/shapes/{name}.tflite" for name in ("shapes", "shapes_int8")}


@dataclass
class Context:
    """As much of a target's context as is looked at."""

    options: TargetOptions


@dataclass
class InProcess:
    """A session whose runtime is TensorFlow's in this process; `before` looks at each request, and may change it."""

    context: Context
    change: object = None
    names: list[str] = field(default_factory=list)

    def run_tensors(self, request, out):
        from tensorflow.lite.python import interpreter as tflite

        from interpreter import run_model

        self.names += [run.name for run in request.runs]

        def run(model: Path, inputs):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # TensorFlow's interpreter says that it moves to another package
                runtime, values = run_model(request, tflite, "TensorFlow Lite Interpreter", "2.21.0", model, inputs)
            return runtime, self.change(model.stem, values) if self.change else values

        return run_all(request, out, out, run)


@pytest.fixture
def cutting(monkeypatch):
    """Sub-models written in this process, by the schema that TensorFlow carries."""
    from tensorflow.lite.python import schema_py_generated as schema

    monkeypatch.syspath_prepend(REPO / "python/references")

    def write(cuts, out, logs):
        for cut_model in cuts.models:
            model = SubModels(Path(cut_model.model).read_bytes(), schema)
            for each in cut_model.cuts:
                (out / each.file).write_bytes(model.cut(each.cut))

    monkeypatch.setattr(operator_runs, "write_submodels", write)


def side(name: str, model: Path, out: Path, change=None, **given) -> Running:
    options = TargetOptions(delegate="cpu", threads=1, **given)
    text = Side(name, "", str(model), "python", "lib_interpreter", {})
    session = InProcess(Context(options), change)
    return Running(text, load_graph(model), session, out / name.lower(), options.threads, options.delegate)


def found_between(a: Path, b: Path, out: Path, **options):
    sides = side("A", a, out), side("B", b, out)
    inputs, _ = inputs_of(REPO, str(a), sides[0].graph, "", "", Progress())
    return compare_operators(sides, inputs, **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fault_is_found_at_its_operator(cutting, tmp_path, seed):
    from deeplab.faults import put_fault

    model = MODELS["shapes_int8" if seed % 5 == 4 else "shapes"]
    fault = put_fault(model.read_bytes(), seed)
    (tmp_path / "faulty.tflite").write_bytes(fault.data)
    found = found_between(model, tmp_path / "faulty.tflite", tmp_path)
    assert found.first == fault.number, (fault.what, found.lines("random numbers"))
    most = math.log2(len(found.sides[0].graph.operators)) + 2
    assert all(running.runs <= most for running in found.sides)
    # What the files say is held against what the runs say; options of operators are not read.
    assert list(found.files) == ([] if fault.what == "no activation" else [fault.number])
    assert found.alone.exceeds(found.limits.own)


def test_sides_that_are_the_same_have_no_first_operator(cutting, tmp_path):
    """The twin of the tests above: the same model twice, in three runs a side."""
    found = found_between(MODELS["shapes"], MODELS["shapes"], tmp_path)
    assert (found.first, found.notes, [running.runs for running in found.sides]) == (None, [], [3, 3])
    assert found.lines("x")[0] == "no operator differs (57 operators, x, 3 runs a side)"
    assert len(found.rows) == 57 and all(row.output.share == 0 for row in found.rows)


def runs_with(tmp_path, change, threshold=None, model="shapes"):
    """Sides on one model, of which B's values are changed by `change(name of the run, values)`."""
    sides = side("A", MODELS[model], tmp_path), side("B", MODELS[model], tmp_path, change)
    inputs, _ = inputs_of(REPO, str(MODELS[model]), sides[0].graph, "", "", Progress())
    return compare_operators(sides, inputs, threshold)


def nudged(values, amount):
    return [each + np.float32(amount) if each.dtype == np.float32 else each for each in values]


def test_what_the_run_with_all_outputs_shows_alone_is_not_believed(cutting, tmp_path):
    """A delegate that differs only where it must hand out every tensor."""
    found = runs_with(tmp_path, lambda name, values: nudged(values, 1.0) if name == "trace" else values)
    assert found.first is None and "does not confirm that" in found.notes[0]


def test_what_only_prefixes_show_is_bisected(cutting, tmp_path):
    """From the 20th operator on, and never with all outputs; the bound is that of bisection, and the whole model."""

    def change(name, values):
        kind, _, count = name.partition("-")
        return nudged(values, 1.0) if kind == "prefix" and int(count) >= 20 else values

    found = runs_with(tmp_path, change)
    assert found.first == 19 and not found.search.traced
    assert "together with the operators before it" in found.notes[-1]
    assert found.sides[1].runs <= math.ceil(math.log2(57)) + 4


def test_a_side_that_cannot_run_an_operator_is_found_there(cutting, tmp_path):
    def change(name, values):
        kind, _, count = name.partition("-")
        if kind == "trace" or int(count) >= 12:
            raise RuntimeError("the delegate knows no such operator")
        return values

    found = runs_with(tmp_path, change)
    assert found.first == 11
    assert "side B does not run with all intermediate outputs" in found.notes[0]
    assert "side B does not run the model up to it: the delegate knows no such operator" in found.lines("x")


def test_too_many_outputs_are_not_kept_at_once(cutting, tmp_path, monkeypatch):
    from deeplab.faults import put_fault

    monkeypatch.setattr(operator_runs, "MAX_TRACE_BYTES", 1 << 20)
    fault = put_fault(MODELS["shapes"].read_bytes(), 0)
    (tmp_path / "faulty.tflite").write_bytes(fault.data)
    found = found_between(MODELS["shapes"], tmp_path / "faulty.tflite", tmp_path)
    assert found.first == fault.number and "bisected without them" in found.notes[0]
    assert found.sides[0].runs <= math.log2(57) + 2


def test_a_threshold_is_what_may_differ(cutting, tmp_path):
    change = lambda name, values: nudged(values, 1e-3)  # noqa: E731 - two cases of one change
    assert runs_with(tmp_path, change).first == 0
    assert runs_with(tmp_path, change, threshold=0.5).first is None
