"""The loop that reference runtimes share, with an engine that tells red from the rest: no runtime is needed for it."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import colours
from PIL import Image

from goldmask.contract import engine
from goldmask.contract.bundle import Bundle, Request, RequestCase, RuntimeInfo, load_bundle, margin_of, mask_of, save
from goldmask.contract.engine import Segmented, StageError, mask_from_output, native_log, write_bundle
from goldmask.contract.files import sha256_of
from goldmask.contract.tensors import OutputSpec

RUNTIME = RuntimeInfo(name="toy", version="1", delegate="cpu", threads=1)


class Toy:
    """An engine: class 1 where a pixel is red, a margin of 3 everywhere. `faults` say at which image it fails."""

    runtime = RUNTIME

    def __init__(self, faults: dict[int, str] | None = None) -> None:
        self.faults, self.images = faults or {}, 0

    def segment(self, pixels: np.ndarray, with_margin: bool) -> Segmented:
        self.images += 1
        if self.images in self.faults:
            raise StageError("inference", self.faults[self.images])
        mask = (pixels[..., 0] > 100).astype(np.uint8)
        margin = np.full(mask.shape, 3, np.float32) if with_margin else None
        return Segmented(mask, margin, "score", pixels, pixels.astype(np.float32), 1.0, float(self.images), 2.0)


@pytest.fixture(autouse=True)
def known_platform(monkeypatch):
    """What `platform.platform` says; it asks `uname -p`, which is another process."""
    monkeypatch.setattr(engine.platform, "platform", lambda: "Toy-1")


@pytest.fixture
def request_of(tmp_path):
    """Makes a request of `images` flags, whose files lie beside it."""
    (tmp_path / "toy.tflite").write_bytes(b"a model")

    def make(images: int = 2, **options: object) -> Request:
        cases = []
        for name in "abcdef"[:images]:
            path = tmp_path / f"{name}.png"
            Image.fromarray(np.roll(colours(), len(cases), axis=1)).save(path)
            cases.append({"id": name, "file": path.name, "sha256": sha256_of(path)})
        model = {
            "name": "toy",
            "file": "toy.tflite",
            "sha256": sha256_of(tmp_path / "toy.tflite"),
            "labels": ["a", "b"],
        }
        model["input"] = {"height": 8, "width": 8, "dtype": "float32", "mean": [0], "std": [1]}
        model["output"] = {"index": 0, "kind": "logits"}
        chosen = {"pipeline": "lib_interpreter", "threads": 1} | options
        return Request.model_validate({"schema": 1, "model": model, "options": chosen, "cases": cases})

    return make


def run(request: Request, base: Path, toy: Toy, **rest) -> Bundle:
    """A bundle in base/out."""
    return write_bundle(request, base, base / "out", lambda asked: toy, {"toys": "1"}, **rest)


def stages(bundle: Bundle) -> list[tuple[str, str]]:
    """(status, stage and message of an error) of every case."""
    return [
        (result.status, f"{result.error.stage}: {result.error.message}" if result.status == "error" else "")
        for result in bundle.results
    ]


def test_every_case_has_its_mask_in_order(request_of, tmp_path):
    heard = []
    bundle = run(request_of(3), tmp_path, Toy(), on_result=lambda result: heard.append(result.case))
    assert [result.case for result in bundle.results] == heard == ["a", "b", "c"]
    assert load_bundle(tmp_path / "out") == bundle
    assert (bundle.target.name, bundle.runtime, bundle.environment["toys"]) == ("python", RUNTIME, "1")
    for result in bundle.results:
        mask = mask_of(tmp_path / "out", result)
        assert mask.shape == (8, 8) and (mask[:4] == 1).all() and (mask[4:] == 0).all()
        assert result.mask_size == (8, 8) and result.taps == {} and result.memory_peak_mb > 1
    first, second, _ = bundle.results
    assert first.stages.decoded == first.stages.resized != first.stages.tensor
    assert first.stages.decoded != second.stages.decoded


def test_a_margin_is_kept_where_it_is_asked_for(request_of, tmp_path):
    (result,) = run(request_of(1, taps=["margin"]), tmp_path, Toy()).results
    margin, unit = margin_of(tmp_path / "out", result)
    assert unit == "score" and margin.min() == pytest.approx(3, rel=0.3)


def test_warm_up_is_not_measured(request_of, tmp_path):
    first, second = run(request_of(2, warmup=2, runs=3), tmp_path, Toy()).results
    assert (first.latency.first_ms, first.latency.inference_ms) == (1.0, (3.0, 4.0, 5.0))
    assert second.latency.inference_ms == (8.0, 9.0, 10.0) and second.latency.preprocess_ms == (1.0,) * 3


def test_a_least_duration_is_kept(request_of, tmp_path, monkeypatch):
    seconds = iter(range(1000))
    monkeypatch.setattr(engine.time, "perf_counter", lambda: float(next(seconds)))
    (result,) = run(request_of(1, min_duration_s=5), tmp_path, Toy()).results
    assert len(result.latency.inference_ms) == 5


def test_a_case_that_fails_does_not_stop_the_others(request_of, tmp_path):
    bundle = run(request_of(3), tmp_path, Toy({2: "no\nmemory"}))
    assert stages(bundle) == [("ok", ""), ("error", "inference: no memory"), ("ok", "")]
    assert not (tmp_path / "out/masks/b.png").exists()


def test_images_that_are_missing_other_ones_or_none(request_of, tmp_path):
    request = request_of(4)
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").write_bytes(b"another image")
    (tmp_path / "c.png").write_bytes(b"no image")
    cases = list(request.cases)
    cases[2] = RequestCase(id="c", file="c.png", sha256=sha256_of(tmp_path / "c.png"))
    bundle = run(request.model_copy(update={"cases": tuple(cases)}), tmp_path, Toy())
    (_, missing), (_, other), (_, text), last = stages(bundle)
    assert missing.startswith("decode: ") and "No such file" in missing
    assert "b.png is not the image that was asked for (sha256 differs)" in other
    assert text.startswith("decode: ") and "c.png" in text and last == ("ok", "")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (StageError("init", "no such delegate"), "no such delegate"),
        (ValueError("not a\n  model"), "not a model"),
        (RuntimeError(), "RuntimeError"),
        (OSError("gone"), "gone"),
    ],
)
def test_an_engine_that_does_not_open_is_an_error_of_every_case(request_of, tmp_path, error, message):
    def refuse(request: Request) -> Toy:
        raise error

    bundle = write_bundle(request_of(2), tmp_path, tmp_path / "out", refuse, {})
    assert stages(bundle) == [("error", f"init: {message}")] * 2
    assert (bundle.runtime.name, bundle.runtime.threads) == ("none", 1)


def test_another_model_than_asked_for_is_not_run(request_of, tmp_path):
    request, toy = request_of(1), Toy()
    (tmp_path / "toy.tflite").write_bytes(b"another model")
    ((status, message),) = stages(run(request, tmp_path, toy))
    assert status == "error" and "toy.tflite is not the model that was asked for (sha256 differs)" in message
    assert toy.images == 0


def test_a_bug_of_an_engine_is_not_hidden_in_the_bundle(request_of, tmp_path):
    class Broken(Toy):
        def segment(self, pixels, with_margin):
            return replace(super().segment(pixels, with_margin), mask=None)

    with pytest.raises(AttributeError):
        run(request_of(1), tmp_path, Broken())
    assert not (tmp_path / "out/bundle.json").exists()


def test_the_command_line_of_a_reference(request_of, tmp_path, monkeypatch, capsys):
    save(request_of(2), tmp_path / "request.json")
    monkeypatch.setattr(sys, "argv", ["toy.py", str(tmp_path / "request.json"), "--out", str(tmp_path / "out")])
    engine.main(lambda request: Toy({1: "no"}), ("pydantic",))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"case": "a", "status": "error"}, {"case": "b", "status": "ok"}]
    assert {"numpy", "pillow", "pydantic", "python"} <= set(load_bundle(tmp_path / "out").environment)


def test_scores_make_a_mask_and_a_margin():
    scores = np.zeros((1, 2, 2, 3), np.float32)
    scores[0, :, :, 2] = 4
    mask, margin, unit = mask_from_output(scores, OutputSpec(index=0, kind="logits"), True)
    assert (mask == 2).all() and (margin == 4).all() and unit == "score"
    mask, margin, unit = mask_from_output(scores.astype(np.int8), OutputSpec(index=0, kind="logits"), False)
    assert (mask == 2).all() and margin is None and unit == "step"


def test_class_indices_are_the_mask():
    mask, margin, _ = mask_from_output(np.array([[[0, 255]]], np.int32), OutputSpec(index=0, kind="classes"), True)
    assert mask.tolist() == [[0, 255]] and mask.dtype == np.uint8 and margin is None


@pytest.mark.parametrize(
    ("output", "kind", "message"),
    [
        (np.array([[[0, 256]]], np.int64), "classes", "the class map has values 0 to 256"),
        (np.array([[[-1, 3]]], np.int32), "classes", "the class map has values -1 to 3"),
        (np.full((1, 2, 2, 3), np.nan, np.float32), "logits", "NaN"),
    ],
)
def test_an_output_that_is_no_mask(output, kind, message):
    with pytest.raises(StageError, match=message) as caught:
        mask_from_output(output, OutputSpec(index=0, kind=kind), True)
    assert caught.value.stage == "postprocess"


def test_what_native_code_says_is_heard_and_still_shown(capfd):
    with native_log() as heard:
        os.write(2, f"INFO: {engine.XNNPACK_SIGN}\n".encode())
        assert engine.XNNPACK_SIGN in heard()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == f"INFO: {engine.XNNPACK_SIGN}\nafterwards\n"


def test_a_case_that_is_repeated_reports_its_runs(request_of, tmp_path, monkeypatch):
    seen: list[int] = []
    request = request_of(1, warmup=2, runs=3)
    run(request, tmp_path, Toy(), on_runs=seen.append)
    assert seen == []
    monkeypatch.setattr(engine, "REPORT_S", 0)
    bundle = run(request, tmp_path, Toy(), on_runs=seen.append)
    latency = bundle.results[0].latency
    assert seen == [1, 2, 3, 4, 5] and (len(latency.warmup_ms), len(latency.total_ms)) == (2, 3)
