"""Files of values, and runs of models on them."""

import json

import numpy as np
import pytest

from goldmask.contract.bundle import RuntimeInfo
from goldmask.contract.errors import RunError
from goldmask.contract.tensor_runs import (
    Cut,
    CutModel,
    Cuts,
    ModelRun,
    SubModel,
    TensorRequest,
    TensorResults,
    ValuesFile,
    load,
    load_values,
    run_all,
    save,
    save_values,
)

RUNTIME = RuntimeInfo(name="a runtime", version="1", delegate="cpu", threads=1)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8", "int64", "bool"])
def test_values_come_back_as_they_were(tmp_path, dtype):
    values = np.arange(6).reshape(1, 2, 3).astype(dtype)
    file = save_values(values[:, :, ::-1], tmp_path / "values.bin")
    assert (file.file, file.dtype, file.shape) == ("values.bin", dtype, (1, 2, 3))
    assert np.array_equal(load_values(file, tmp_path), values[:, :, ::-1])


def test_files_of_another_size_are_refused(tmp_path):
    file = save_values(np.zeros(3, np.float32), tmp_path / "values.bin")
    (tmp_path / "values.bin").write_bytes(bytes(11))
    with pytest.raises(RunError, match=r"has 11 bytes, and float32\[3\] has 12"):
        load_values(file, tmp_path)
    with pytest.raises(RunError, match="cannot be read"):
        load_values(file.model_copy(update={"file": "missing.bin"}), tmp_path)


@pytest.mark.parametrize("shape", [(-1, 3), (1 << 20, 1 << 20)])
def test_a_shape_that_no_tensor_has_is_refused(shape):
    with pytest.raises(ValueError, match="4 GB"):
        ValuesFile(file="values.bin", dtype="float32", shape=shape)


def test_json_comes_back_and_other_json_is_refused(tmp_path):
    part = SubModel(file="a.tflite", cut=Cut(operators=(0,), outputs=(1,)))
    cuts = Cuts(models=(CutModel(model="m.tflite", cuts=(part,)),))
    save(cuts, tmp_path / "cuts.json")
    assert load(tmp_path / "cuts.json", Cuts) == cuts
    with pytest.raises(RunError, match="is not what goldmask writes: "):
        load(tmp_path / "cuts.json", TensorResults)
    with pytest.raises(RunError, match="cannot be read"):
        load(tmp_path / "missing.json", Cuts)


def test_a_run_that_fails_has_its_reason_and_the_others_go_on(tmp_path):
    def run(model, inputs):
        if model.name == "bad.tflite":
            raise RuntimeError("no such\noperator")
        return RUNTIME, [2 * inputs[0]]

    file = save_values(np.ones(2, np.float32), tmp_path / "input.bin")
    missing = file.model_copy(update={"file": "missing.bin"})
    runs = [
        ModelRun(name=name, model=f"{name}.tflite", inputs=(given,))
        for name, given in (("bad", file), ("good", file), ("blind", missing))
    ]
    request = TensorRequest(threads=1, delegate="cpu", runs=tuple(runs))
    found = run_all(request, tmp_path, tmp_path / "out", run)
    assert [(each.name, each.error) for each in found.runs][:2] == [("bad", "no such operator"), ("good", "")]
    assert "missing.bin cannot be read" in found.runs[2].error
    (output,) = found.runs[1].outputs
    assert load_values(output, tmp_path / "out").tolist() == [2.0, 2.0]
    assert load(tmp_path / "out/values.json", TensorResults) == found
    assert json.loads((tmp_path / "out/values.json").read_text("utf-8"))["runs"][1]["runtime"]["name"] == "a runtime"
