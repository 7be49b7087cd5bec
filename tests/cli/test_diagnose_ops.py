"""`diagnose --ops` from the command line: what it finds, what it leaves, and what it refuses."""

import json
import re
from pathlib import Path

import pytest
from conftest import REPO, run_program
from faulty import FAULTY, SHAPES, with_other_weights

from goldmask.cli.diagnose import run_diagnose
from goldmask.cli.operators import diagnose_operators
from goldmask.contract.errors import UsageError
from goldmask.machine import shell
from goldmask.machine.resources import REFERENCES
from goldmask.machine.uv import find_uv
from goldmask.workflows.operators_folder import open_operators

pytestmark = pytest.mark.project


def diagnose(*words, out: Path):
    return run_program(REPO, "diagnose", "--ops", *words, "--out", out)


def test_other_weights_are_found_and_reproduced(tmp_path):
    faulty = with_other_weights(tmp_path / "faulty.tflite")
    ran = diagnose("--model", "shapes", "--b", f"model={faulty}", "--case", "squ*", out=tmp_path / "out")
    assert ran.code == 10, ran.text
    assert f"the first operator that differs is #{FAULTY} DEPTHWISE_CONV_2D" in ran.text
    assert "image square, 6 runs a side" in ran.text and "the two files differ there in its weights" in ran.text
    found = json.loads((tmp_path / "out/operators.json").read_text("utf-8"))
    assert found["first"]["number"] == FAULTY and found["runs"] == {"A": 6, "B": 6} and found["bound"] == 7
    assert found["first"]["before"]["largest"]["share"] == 0 < found["first"]["alone"]["largest"]["share"]
    assert found["worst"][0]["number"] == FAULTY and len(found["worst"]) == 1, "by themselves, all others agree"
    assert len(found["growth"]) == 57 and (tmp_path / "out/operators.png").stat().st_size > 1000
    # In the environment that the script's header asks for, which is here already.
    script = REFERENCES / "interpreter.py"
    where = shell.run([find_uv(), "python", "find", "--script", script], log=tmp_path / "log", deadline_s=60)
    out = tmp_path / "out/reproduce"
    for name in "ab":
        again = out / f"reproduce-{name}.py"
        assert "ai-edge-litert==" in again.read_text("utf-8")
        done = shell.run([where.stdout.strip(), again], log=tmp_path / "log", deadline_s=120)
        assert (done.code, done.stdout.splitlines()[-1]) == (0, "reproduced"), done.log_tail()
    # The twin: where the sides' values are exchanged, it makes what the other side made.
    (out / "a-0.npy").rename(out / "c.npy")
    (out / "b-0.npy").rename(out / "a-0.npy")
    (out / "c.npy").rename(out / "b-0.npy")
    done = shell.run([where.stdout.strip(), again], log=tmp_path / "log", deadline_s=120)
    assert (done.code, done.stdout.splitlines()[-1]) == (1, "NOT reproduced")


def test_the_same_model_has_no_such_operator(tmp_path):
    """The twin, on two thread counts, with random numbers for an input."""
    ran = diagnose("--model", SHAPES, "--b", "threads=1", "--verbose", out=tmp_path / "out")
    assert ran.code == 0, ran.text
    assert "no operator differs (57 operators, random numbers of seed 0, 3 runs a side)" in ran.text
    assert "#56 RESIZE_BILINEAR" in ran.text, "--verbose shows every row"
    assert not (tmp_path / "out/reproduce").exists()


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({}, "--ops compares two sides"),
        ({"b": "target=android-device"}, "makes masks and does not hand out tensors"),
        ({"b": "pipeline=lib_task_api"}, "operators run with lib_interpreter"),
        ({"b": "delegate=cpu", "threshold": "much"}, "is not a share of a tensor's range"),
        ({"b": "delegate=cpu", "threshold": "-1"}, "is not a share of a tensor's range"),
        ({"b": "delegate=cpu", "threshold": "inf"}, "is not a share of a tensor's range"),
        ({"b": "delegate=cpu", "case": "nothing"}, "'nothing' is no case of shapes"),
        ({"b": "delegate=cpu", "case": "a", "image": "b.png"}, "--case and --image both name the input"),
        ({"b": "model=missing.tflite"}, "there is no model missing.tflite"),
        ({"b": "model=shapes-int8"}, "these are different graphs"),
        ({"b": "delegate=cpu", "model": str(SHAPES), "case": "square"}, "declares no cases"),
    ],
)
def test_mistakes_are_one_sentence(monkeypatch, tmp_path, flags, why):
    monkeypatch.chdir(REPO)
    given = {"a": "", "b": "", "model": "", "target": "", "case": "", "image": "", "threshold": ""} | flags
    with pytest.raises(UsageError, match=re.escape(why)):
        diagnose_operators({}, given, str(tmp_path / "out"))


def test_flags_of_one_way_to_diagnose_are_refused_by_the_other(tmp_path):
    given = {"a": "", "b": "delegate=cpu"}
    with pytest.raises(UsageError, match="--golden has no effect with --ops"):
        diagnose_operators({"golden": "shapes"}, given, str(tmp_path))
    with pytest.raises(UsageError, match="--b is for diagnose --ops"):
        run_diagnose("shapes", "shapes", str(tmp_path), by_operator=given)


def test_a_folder_of_others_is_left_alone(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/notes.txt").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="is not from a run of goldmask"):
        open_operators(tmp_path)
    assert (tmp_path / "a/notes.txt").read_text("utf-8") == "mine"
