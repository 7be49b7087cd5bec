"""Operators on `android-jvm`: a fault is found and reproduced there, and else it agrees with the reference."""

import json
import re

import pytest
from conftest import REPO, run_program
from faulty import FAULTY, with_other_weights

from goldmask.machine import shell

pytestmark = pytest.mark.rig


def test_another_runtime_and_a_fault_are_reproduced_by_a_script(tmp_path):
    faulty = with_other_weights(tmp_path / "faulty.tflite")
    words = ("--model", "shapes", "--a", "delegate=cpu", "--b", f"target=android-jvm,runtime=2.9.0,model={faulty}")
    ran = run_program(REPO, "diagnose", "--ops", *words, "--out", tmp_path / "out")
    assert ran.code == 10, ran.text
    found = json.loads((tmp_path / "out/operators.json").read_text("utf-8"))
    assert found["first"]["number"] == FAULTY and found["sides"]["B"]["ran"]["version"] == "2.9.0"
    others = [row["own"]["share"] for row in found["growth"] if row["number"] != FAULTY]
    assert len(others) == 56 and max(others) < 1e-5, "the app's runtime agrees with the reference elsewhere"
    script = tmp_path / "out/reproduce/reproduce-b.sh"
    done = shell.run([script], log=tmp_path / "log", deadline_s=120)
    assert (done.code, done.stdout) == (0, "reproduced\n"), done.log_tail()
    # The twin: it sees that the model makes something else.
    text = script.read_text("utf-8")
    script.write_text(re.sub(r"\$folder/model-b\.tflite", "$folder/model-a.tflite", text), "utf-8")
    assert shell.run([script], log=tmp_path / "log", deadline_s=120).code == 1
