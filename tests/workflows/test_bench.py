"""`bench`: sides as they are typed, blocks in turn, and what is told when a side fails. The target is a toy."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from conftest import make_project

from goldmask.cli import bench as cli
from goldmask.contract.bundle import (
    Bundle,
    Failed,
    Failure,
    ModelInfo,
    Predicted,
    RuntimeInfo,
    TargetInfo,
)
from goldmask.contract.errors import ExitCode, RunError, UsageError
from goldmask.contract.latency import Latency
from goldmask.project.config import load_config
from goldmask.targets.target import Session, Target
from goldmask.workflows import bench as workflow
from goldmask.workflows.bench import bench, side_of

COMMON = {"model": "tiny", "target": "python", "pipeline": "lib_interpreter"}


@dataclass
class Machine:
    """What all sessions of the toy share: who is running, who ran, how long each delegate takes, what goes wrong."""

    times: dict[str, float] = field(default_factory=lambda: {"xnnpack": 10.0, "cpu": 10.0})
    ran: list[str] = field(default_factory=list)
    running: int = 0
    open: int = 0
    fault: str = ""
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))


class ToySession(Session):
    """Takes as long as the machine says, with a spread of 1 %."""

    machine: Machine

    def __enter__(self):
        self.machine.open += 1
        self.closing.callback(self.left)
        return self

    def left(self) -> None:
        self.machine.open -= 1

    def prepare(self, pipeline) -> None:
        assert pipeline == "lib_interpreter"

    def predict(self, request, out, on_case) -> Bundle:
        machine, options = self.machine, request.options
        assert not machine.running, "sides never run at once"
        machine.running += 1
        machine.ran.append(options.delegate)
        ms = machine.times[options.delegate] * (1 + 0.01 * machine.generator.standard_normal(options.runs))
        one = (1.0,) * options.runs
        case = request.cases[0]
        latency = Latency(init_ms=1, first_ms=20, preprocess_ms=one, inference_ms=tuple(ms), postprocess_ms=one)
        known = {"case": case.id, "image_sha256": case.sha256}
        mask = {"mask": "masks/a.png", "mask_sha256": "0" * 64, "mask_size": (8, 8)}
        result = Predicted(status="ok", **known, **mask, latency=None if machine.fault == "no times" else latency)
        if machine.fault == "error":
            result = Failed(status="error", **known, error=Failure(stage="inference", message="no memory"))
        machine.running -= 1
        return Bundle(
            schema=1,
            target=TargetInfo(name="python", kind="host", platform="linux", abi="x86_64", os="Toy"),
            pipeline="lib_interpreter",
            runtime=RuntimeInfo(name="toy", version="1", delegate=options.delegate, threads=options.threads),
            model=ModelInfo(name="tiny", sha256="0" * 64),
            started_at="2026-01-01T00:00:00+00:00",
            results=(result,),
        )


class Toy(Target):
    """In the place of `python`."""

    name = "python"
    options = frozenset({"threads", "delegate", "warmup", "runs", "min_duration_s"})
    delegates = ("xnnpack", "cpu")

    def needs(self, context):
        return iter(())

    def session(self, context):
        return ToySession(self, context)


@pytest.fixture
def machine(monkeypatch) -> Machine:
    shared = Machine()
    monkeypatch.setattr(ToySession, "machine", shared, raising=False)
    monkeypatch.setattr(workflow, "find_target", lambda name: Toy())
    return shared


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    return made


def run(project, a="delegate=xnnpack", b="delegate=cpu", pairs=20, seed=0):
    sides = (side_of("A", a, COMMON, {}), side_of("B", b, COMMON, {}))
    return bench(project.folder, load_config(project.folder), sides, (), project.folder / "out", pairs, seed)


@pytest.mark.parametrize(("cpu_ms", "word"), [(10.0, "same"), (11.0, "slower"), (9.0, "faster")])
def test_sides_are_measured_in_turn_until_it_is_known(project, machine, cpu_ms, word):
    machine.times["cpu"] = cpu_ms
    found = run(project)
    assert found.change == word and 8 <= len(found.blocks) < 40 and machine.open == 0
    for index in range(0, len(machine.ran), 4):
        four = machine.ran[index : index + 4]
        assert four[0] == four[3] != four[1] == four[2]
    data = json.loads((project.folder / "out/bench.json").read_text("utf-8"))
    assert data["change"] == word and data["seed"] == 0 and len(data["blocks"]) == len(found.blocks)
    assert data["sides"]["B"] == {
        "asked": "delegate=cpu", "model": "tiny", "target": "python", "ran": "toy 1, cpu, 2 threads",
    }  # fmt: skip
    assert found.inference.value == pytest.approx(cpu_ms / 10, 0.01)
    assert found.total.value == pytest.approx((cpu_ms + 2) / 12, 0.01)


def test_a_limit_of_pairs_ends_what_stays_unclear(project, machine):
    machine.times = {"xnnpack": 10.0, "cpu": 10.3}
    machine.generator = type("Wild", (), {"standard_normal": lambda self, n: np.full(n, next(wild))})()
    wild = iter([30.0, -30.0, 10.0, -20.0, 25.0, 5.0, -10.0, 12.0] * 9)
    found = run(project, pairs=5)
    assert found.change == "unclear" and len(found.blocks) == 10


@pytest.mark.parametrize(
    ("fault", "why"),
    [("error", r"side [AB] \(.*\) failed on flag: inference: no memory"), ("no times", "measured nothing of flag")],
)
def test_a_side_that_fails_ends_it_and_its_session(project, machine, fault, why):
    machine.fault = fault
    with pytest.raises(RunError, match=why):
        run(project)
    assert machine.open == 0 and len(machine.ran) == 1


def test_sides_as_they_are_typed():
    side = side_of("B", "delegate=cpu, threads=4,model=other", COMMON, {"threads": 1, "runs": 9})
    assert (side.model, side.target, side.given) == ("other", "python", {"threads": 4, "runs": 9, "delegate": "cpu"})
    assert side_of("A", "", COMMON, {}).given == {}
    assert side_of("A", "target=android-jvm,runtime=2.14.0", COMMON, {}).target == "android-jvm"
    assert side_of("A", "project=../before", COMMON, {}).project == "../before"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("delegat=cpu", r"--a 'delegat' is not known \(did you mean delegate\?\)"),
        ("delegate", "--a 'delegate': delegate has no value"),
        ("threads=many", "--threads 'many' is not a whole number"),
        ("target=pyhton", r"--target 'pyhton' is not known \(did you mean python\?\)"),
        ("pipeline=lib", "--pipeline 'lib' is not known"),
        ("device=0123", "--device has no effect on python"),
    ],
)
def test_a_side_that_cannot_be_is_told(text, why):
    with pytest.raises(UsageError, match=why):
        side_of("A", text, COMMON, {})


@pytest.mark.parametrize(
    ("cpu_ms", "line"),
    [
        (12.0, r"B is slower: total +16.*, inference +2.*pairs of blocks"),
        (10.0, r"A and B take the same time, within 3%: total "),
    ],
)
def test_the_outcome_is_one_line(project, machine, monkeypatch, capsys, cpu_ms, line):
    machine.times["cpu"] = cpu_ms
    monkeypatch.setattr(cli.out, "width", 300)
    code = cli.a_against_b("", "delegate=cpu", COMMON, [], 20, "", {"seed": "3"})
    shown = capsys.readouterr().out
    assert code == ExitCode.OK and "the order of blocks is that of --seed 3" in shown
    assert line.split(":")[0] in shown and "figures: build/bench/bench.json" in shown
    assert "toy 1, cpu, 2 threads" in shown


def test_one_side_is_no_comparison(project):
    for words, why in ((("", ""), "bench compares two sides"), (("delegate=cpu", ""), "--pairs 1 is too few")):
        with pytest.raises(UsageError, match=why):
            cli.a_against_b(*words, COMMON, [], 1, "", {})


@pytest.mark.project
def test_the_real_program_benches_two_delegates(project):
    words = ("--model", "tiny", "--a", "delegate=xnnpack", "--b=delegate=cpu", "--pairs", "2")
    ran = project.run("bench", *words, "--runs", "2", "--min-duration-s", "0.01", "--seed", "1")
    assert ran.code == 0 and "2 pairs of blocks" in ran.text, ran.text
    data = json.loads((project.folder / "build/bench/bench.json").read_text("utf-8"))
    assert [block["side"] for block in data["blocks"]] in (list("ABBA"), list("BAAB"))
    assert {side["asked"] for side in data["sides"].values()} == {"delegate=xnnpack", "delegate=cpu"}
