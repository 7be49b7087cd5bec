"""Rows of a report whose latency is known, for tests of what is concluded from it."""

import numpy as np

from goldmask.contract.bundle import DelegatedNodes
from goldmask.contract.errors import ExitCode
from goldmask.contract.latency import LatencyFlag
from goldmask.verdict.compare import Delegation, Judged, Threads, Verdict
from goldmask.verdict.latency import Measured, MeasuredOn, figure
from goldmask.verdict.metrics import measure_equal

METRICS = measure_equal(np.zeros((4, 4), np.uint8), ("red", "green"), has_margins=True)
# About 10 ms, each run unlike the one before.
STEADY = tuple((10 + 0.3 * np.random.default_rng(0).standard_normal(60)).tolist())


def latency(
    inference_ms: tuple[float, ...] = STEADY,
    flags: tuple[LatencyFlag, ...] = (),
    measured_on: dict[str, str] | None = None,
    preprocess_ms: tuple[float, ...] | None = None,
) -> Measured:
    """The latency of a row; pre- and post-processing take a millisecond each."""
    one = (1.0,) * len(inference_ms)
    before = one if preprocess_ms is None else preprocess_ms
    total = tuple(ms + 2 for ms in inference_ms) if before else ()
    where = {"kind": "device", "device": "Pixel 4", "soc": "SM8150", "abi": "arm64-v8a", "os": "Android 10"}
    return Measured(
        init_ms=12,
        first_ms=30,
        preprocess_ms=before,
        inference_ms=inference_ms,
        postprocess_ms=one,
        flags=flags,
        inference=figure(inference_ms),
        total=figure(total),
        memory_peak_mb=80,
        measured_on=MeasuredOn.model_validate(where | (measured_on or {})),
    )


def row(
    *,
    case: str = "flag",
    model: str = "tiny",
    target: str = "android-device",
    verdict: Verdict = Verdict.PASS,
    exit_code: ExitCode = ExitCode.OK,
    reason: str = "all equal",
    runtime: str = "Interpreter 2.16.1, xnnpack, 2 threads",
    delegate: str = "xnnpack",
    threads: int = 2,
    **rest: object,
) -> Judged:
    """A row of a model on a Pixel 4."""
    return Judged.model_validate(
        {
            "model": model,
            "case": case,
            "target": target,
            "pipeline": "lib_interpreter",
            "verdict": verdict,
            "reason": reason,
            "exit_code": exit_code,
            "metrics": METRICS,
            "latency": latency(**rest),
            "runtime": runtime,
            "delegate": Delegation(ran=delegate, nodes=DelegatedNodes(delegated=70, of=70)),
            "threads": Threads(ran=threads),
        }
    )
