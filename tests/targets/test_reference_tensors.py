"""The references on a model's input tensor instead of an image."""

import numpy as np
import pytest
from conftest import REPO
from running import context_of, run_target

from goldmask.contract.bundle import Request, RequestCase
from goldmask.contract.files import sha256_of
from goldmask.contract.options import Options
from goldmask.project.model import fetch_model, load_spec

pytestmark = pytest.mark.project

SIDE = 129


@pytest.mark.parametrize(
    ("pipeline", "values", "stage"),
    [
        ("lib_interpreter", 3 * SIDE * SIDE, ""),
        ("lib_interpreter", 3 * SIDE * SIDE - 1, "199,688 bytes are no float32 tensor of 1 × 129 × 129 × 3"),
        ("lib_task_api", 3 * SIDE * SIDE, "the Task Library takes images and no tensors"),
    ],
)
def test_a_reference_takes_a_tensor_of_the_models_size(tmp_path, pipeline, values, stage):
    path = tmp_path / "any.bin"
    path.write_bytes(np.zeros(values, np.float32).tobytes())
    request = Request(
        schema=1,
        model=fetch_model(REPO, "shapes", load_spec(REPO, "shapes")).request(),
        options=Options(pipeline=pipeline, taps=("resized", "tensor")),
        cases=(RequestCase(id="any", file=str(path), sha256=sha256_of(path), stage="tensor"),),
    )
    (result,) = run_target("python", request, tmp_path / "out", context_of(REPO, tmp_path / "logs")).results
    if stage:
        assert (result.status, result.error.stage) == ("error", "preprocess") and stage in result.error.message
    else:
        assert result.stages.tensor == sha256_of(path) == sha256_of(tmp_path / "out" / result.taps["tensor"].file)
        assert result.stages.decoded is result.stages.resized is None
