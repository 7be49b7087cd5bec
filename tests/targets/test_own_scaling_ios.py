"""A Swift app that scales in its own way: green from there on when it is right, red where it is not."""

import pytest
from app_scaling import MODEL, rows_of
from conftest import REPO
from running import run_target
from swift_package import FOREIGN, host_context

from goldmask.contract.bundle import Request
from goldmask.contract.options import Options
from goldmask.project.case import fetch_case
from goldmask.project.model import fetch_model, load_spec, model_folder
from goldmask.targets import ios_host
from goldmask.verdict.compare import Verdict


@pytest.mark.parametrize(
    ("app", "verdict", "words"),
    [
        ("own-scaling", Verdict.PASS, "your scaling (opencv linear) differs from ours: "),
        ("own-nearest", Verdict.FAIL, "the pixels are not of 'opencv linear': up to"),
    ],
)
def test_an_app_that_scales_as_opencv_does_and_its_twin(swift, tmp_path, monkeypatch, app, verdict, words):
    monkeypatch.setattr(ios_host, "PACKAGE", FOREIGN)
    monkeypatch.setattr(ios_host, "PRODUCT", "sabotage")
    monkeypatch.setenv("SABOTAGE", app)
    spec = load_spec(REPO, MODEL)
    request = Request(
        schema=1,
        model=fetch_model(REPO, MODEL, spec).request(),
        options=Options(pipeline="lib_interpreter", taps=("resized", "tensor")),
        cases=tuple(
            fetch_case(case, model_folder(REPO, MODEL)) for case in spec.cases if case.id in ("square", "tiny", "noisy")
        ),
    )
    bundle = run_target("ios-host", request, tmp_path / "bundle", host_context(tmp_path))
    rows = rows_of(request, bundle, tmp_path / "bundle", tmp_path)
    assert bundle.result("square").scaling == "fixed" and rows["square"].verdict is Verdict.PASS
    assert rows["noisy"].verdict is verdict and words in rows["noisy"].reason, rows["noisy"].reason
    if verdict is Verdict.FAIL:
        assert rows["noisy"].stages.first_difference == "resized"
