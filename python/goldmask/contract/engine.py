"""The loop the reference runtimes share: request.json in, a bundle out. Runs inside their environments, not in ours.

A reference script (python/references/) brings an engine; everything that must be the same for all of them is here.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, TypedDict

from . import output_mask
from .bundle import (
    Bundle,
    DelegatedNodes,
    Failed,
    Failure,
    MarginUnit,
    ModelInfo,
    Predicted,
    Request,
    RequestCase,
    Result,
    RuntimeInfo,
    SoftFile,
    StageHashes,
    Tap,
    TargetInfo,
    load_request,
    save,
)
from .errors import GoldmaskError
from .files import read_file, sha256_of
from .image import MAX_IMAGE_BYTES, Pixels, decode
from .input_tensor import Tensor, stage_hash
from .journal import Journal
from .latency import Latency
from .mask import Margins, Mask, encode_margin, encode_mask
from .options import TapName
from .output_mask import Output
from .predictions import TensorEngine, write_predictions
from .soft import SCALE, Soft, encode_soft
from .soft_output import threshold_of
from .tensors import OutputSpec

XNNPACK_SIGN = "Created TensorFlow Lite XNNPACK delegate"
DELEGATE_OPERATOR = "DELEGATE"
# Between two lines about the runs of a case that is repeated.
REPORT_S = 10.0


class Operator(TypedDict):
    """A node of a model's graph, as a TFLite Interpreter's `_get_ops_details()` has it, with indices of tensors."""

    index: int
    op_name: str
    inputs: Sequence[int]
    outputs: Sequence[int]


class StageError(Exception):
    """A case failed in a named stage; the message goes into the bundle."""

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


@dataclass(frozen=True)
class Segmented:
    """One image through an engine. `margin` is None for class maps; `unit` is what it counts.

    `soft` is the soft mask that `mask` is made of, where the model says how sure it is.
    """

    mask: Mask
    margin: Margins | None
    unit: MarginUnit
    resized: Pixels | None
    tensor: Tensor | None
    preprocess_ms: float
    inference_ms: float
    postprocess_ms: float
    soft: Soft | None = None


class Engine(Protocol):
    """A loaded model."""

    runtime: RuntimeInfo

    def segment(self, pixels: Pixels, with_margin: bool) -> Segmented:
        """The mask of `pixels`. Raises StageError."""

    def segment_tensor(self, data: bytes, with_margin: bool) -> Segmented:
        """The mask of the model's input, little-endian. Raises StageError where the engine makes that itself."""


def main(open_engine: Callable[[Request], Engine], packages: tuple[str, ...]) -> None:
    """The command line of a reference script: `SCRIPT request.json --out DIR`.

    Each finished case is a JSON line on stdout. A case that fails becomes an error in the bundle; so does
    an engine that cannot be opened, for every case. `packages` are named with versions in the bundle.
    """
    parser = argparse.ArgumentParser(description="Runs a goldmask request.json and writes a bundle.")
    parser.add_argument("request", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder")
    parser.add_argument("--tensors", type=Path, help="predict these in place of the request's images; an .npy file")
    parser.add_argument("--scored", type=int, nargs="*", default=[], help="of which of them scores are kept")
    parser.add_argument("--budget", type=float, default=60, help="the seconds after which no further one is begun")
    arguments = parser.parse_args()
    request = load_request(arguments.request)
    if arguments.tensors:
        engine = open_engine(request)
        if not isinstance(engine, TensorEngine):
            parser.error("this runtime takes images, not tensors")
        write_predictions(engine, arguments.tensors, arguments.out, arguments.scored, arguments.budget)
        return
    environment = {name: version(name) for name in ("numpy", "pillow", *packages)}
    write_bundle(request, arguments.request.parent, arguments.out, open_engine, environment, _report, _report_runs)


def _report(result: Result) -> None:
    print(json.dumps({"case": result.case, "status": result.status}), flush=True)


def _report_runs(runs: int) -> None:
    print(json.dumps({"runs": runs}), flush=True)


def write_bundle(
    request: Request,
    base: Path,
    out: Path,
    open_engine: Callable[[Request], Engine],
    environment: dict[str, str],
    on_result: Callable[[Result], None] = lambda result: None,
    on_runs: Callable[[int], None] = lambda runs: None,
) -> Bundle:
    """Run every case of `request`, whose relative paths start at `base`, and write the bundle to `out`.

    While a case is repeated, `on_runs` hears every ten seconds how often, so that nobody takes it for hanging.
    """
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    runtime = RuntimeInfo(name="none", version="none", delegate="none", threads=request.options.threads)
    failure: Failure | None = None
    started = time.perf_counter()
    try:
        if sha256_of(base / request.model.file) != request.model.sha256:
            raise StageError("init", f"{request.model.file} is not the model that was asked for (sha256 differs)")
        engine = open_engine(request)
        loaded = _Loaded(_ms_since(started), _memory_now_mb())
        runtime = engine.runtime
    except (StageError, OSError, ValueError, RuntimeError, TypeError) as error:
        failure = Failure(stage="init", message=_one_line(error))
    bundle = Bundle(
        schema=1,
        target=TargetInfo(
            name="python", kind="host", platform=sys.platform, abi=platform.machine(), os=platform.platform()
        ),
        pipeline=request.options.pipeline,
        runtime=runtime,
        model=ModelInfo(name=request.model.name, sha256=request.model.sha256),
        started_at=started_at,
        environment={"python": platform.python_version(), **environment},
        results=(),
    )
    if failure:
        outcomes: Iterable[Result] = [_failed(case, failure) for case in request.cases]
    else:
        journal = Journal(out, bundle)
        outcomes = _run_cases(engine, request, base, out, loaded, journal, on_runs)
    results: list[Result] = []
    for result in outcomes:
        results.append(result)
        on_result(result)
    bundle = bundle.model_copy(update={"results": tuple(results)})
    save(bundle, out / "bundle.json")
    if not failure:
        journal.remove()
    return bundle


@dataclass(frozen=True)
class _Loaded:
    """How long loading the model took, and the memory of the process then."""

    init_ms: float
    memory_mb: float | None


@dataclass(frozen=True)
class _Prediction:
    """A case with its mask in memory."""

    case: RequestCase
    pixels: Pixels | None  # decoded and upright; None of a tensor
    last: Segmented
    threshold: float  # of a soft mask
    latency: Latency
    memory_init_mb: float | None
    memory_steady_mb: float | None


def _run_cases(
    engine: Engine,
    request: Request,
    base: Path,
    out: Path,
    loaded: _Loaded,
    journal: Journal,
    on_runs: Callable[[int], None],
) -> Iterator[Result]:
    """Every case in turn. One case's files are hashed, encoded and written while the next is predicted."""
    options = request.options
    # But where runs are repeated somebody wants to know how long they take: the machine is theirs alone.
    measuring = options.warmup + options.runs > 1 or options.min_duration_s > 0
    waiting: Future[Result] | None = None
    with ThreadPoolExecutor(max_workers=1) as finisher:
        for case in request.cases:
            future: Future[Result]
            try:
                predicted = _predict(engine, request, case, base, loaded, on_runs)
                future = finisher.submit(_finish, predicted, out, options.taps, journal)
            except StageError as error:
                failure = Failure(stage=error.stage, message=_one_line(error))
                future = finisher.submit(_keep, _failed(case, failure), journal)
            if measuring:
                wait([future])
            if waiting:
                yield waiting.result()
            waiting = future
        if waiting:
            yield waiting.result()


def _predict(
    engine: Engine,
    request: Request,
    case: RequestCase,
    base: Path,
    loaded: _Loaded,
    on_runs: Callable[[int], None],
) -> _Prediction:
    options = request.options
    path = base / case.file
    try:
        data = read_file(path, MAX_IMAGE_BYTES)
        if hashlib.sha256(data).hexdigest() != case.sha256:
            raise StageError("decode", f"{path.name} is not the image that was asked for (sha256 differs)")
        pixels = None if case.stage == "tensor" else decode(path, case.orientation, data)
    except (GoldmaskError, OSError) as error:
        raise StageError("decode", getattr(error, "what", str(error))) from error
    with_margin = "margin" in options.taps

    def segment() -> Segmented:
        return engine.segment_tensor(data, with_margin) if pixels is None else engine.segment(pixels, with_margin)

    runs: list[tuple[float, float, float, float]] = []
    started = now = reported = time.perf_counter()
    while len(runs) < options.warmup + options.runs or now - started < options.min_duration_s:
        if len(runs) == options.warmup:
            started = now
        began = now
        last = segment()
        now = time.perf_counter()
        runs.append((last.preprocess_ms, last.inference_ms, last.postprocess_ms, (now - began) * 1e3))
        if now - reported >= REPORT_S:
            on_runs(len(runs))
            reported = now = time.perf_counter()
    warmup = tuple(inference_ms for _, inference_ms, _, _ in runs[: options.warmup])
    preprocess, inference, postprocess, total = zip(*runs[options.warmup :], strict=True)
    latency = Latency(
        init_ms=loaded.init_ms,
        first_ms=(*warmup, *inference)[0],
        warmup_ms=warmup,
        preprocess_ms=preprocess,
        inference_ms=inference,
        postprocess_ms=postprocess,
        total_ms=total,
    )
    threshold = threshold_of(request.model.output)
    return _Prediction(case, pixels, last, threshold, latency, loaded.memory_mb, _memory_now_mb())


def _keep(result: Result, journal: Journal) -> Result:
    journal.add(result)
    return result


def _finish(predicted: _Prediction, out: Path, wanted: Sequence[TapName], journal: Journal) -> Result:
    case, last = predicted.case, predicted.last
    mask_file = f"masks/{case.id}.png"
    result = Predicted(
        case=case.id,
        image_sha256=case.sha256,
        status="ok",
        mask=mask_file,
        mask_sha256=_write(out / mask_file, encode_mask(last.mask)),
        mask_size=last.mask.shape[::-1],
        soft=_soft_file(predicted, out),
        stages=StageHashes(
            decoded=_sha256(predicted.pixels), resized=_sha256(last.resized), tensor=_sha256(last.tensor)
        ),
        latency=predicted.latency,
        memory_init_mb=predicted.memory_init_mb,
        memory_peak_mb=_memory_peak_mb(),
        memory_steady_mb=predicted.memory_steady_mb,
        taps=_taps(last, case, out, wanted),
    )
    return _keep(result, journal)


def _taps(last: Segmented, case: RequestCase, out: Path, wanted: Sequence[TapName]) -> dict[TapName, Tap]:
    taps: dict[TapName, Tap] = {}
    if last.margin is not None:
        file = f"taps/{case.id}.margin.png"
        taps["margin"] = Tap(file=file, sha256=_write(out / file, encode_margin(last.margin)), unit=last.unit)
    stages: tuple[tuple[TapName, Pixels | Tensor | None], ...] = (("resized", last.resized), ("tensor", last.tensor))
    for name, stage in stages:
        if name in wanted and stage is not None:
            file = f"taps/{case.id}.{name}.bin"
            taps[name] = Tap(file=file, sha256=_write(out / file, stage.tobytes()))
    return taps


def _soft_file(predicted: _Prediction, out: Path) -> SoftFile | None:
    if predicted.last.soft is None:
        return None
    file = f"soft/{predicted.case.id}.png"
    sha256 = _write(out / file, encode_soft(predicted.last.soft))
    return SoftFile(file=file, sha256=sha256, scale=SCALE, threshold=predicted.threshold)


def mask_from_output(output: Output, spec: OutputSpec, with_margin: bool) -> tuple[Mask, Margins | None, MarginUnit]:
    """(mask, margin or None, unit) of an output tensor of scores or classes. Raises StageError.

    A margin counts scores for float outputs, quantisation steps for integer ones; a class map has none.
    """
    unit: MarginUnit = "score" if output.dtype.kind == "f" else "step"
    try:
        mask, margin = output_mask.mask_from_output(output, spec)
    except ValueError as error:
        raise StageError("postprocess", str(error)) from error
    return mask, margin if with_margin else None, unit


def delegated_nodes(operators: Sequence[Operator], outputs: Iterable[int]) -> DelegatedNodes | None:
    """How much of a graph a delegate took, from a TFLite Interpreter's `_get_ops_details()` and its output tensors.

    That list keeps the nodes that a delegate replaced, and has its DELEGATE nodes behind them. What still runs is what
    the outputs depend on, where a tensor that a DELEGATE node makes is its, and no longer the replaced node's. None for
    a graph with nodes that no output depends on: whether those were replaced does not show.
    """
    nodes = [operator for operator in operators if operator["op_name"] != DELEGATE_OPERATOR]
    wanted = list(outputs)
    if not nodes or len(_needed(nodes, wanted)) < len(nodes):
        return None
    delegates = [operator for operator in operators if operator["op_name"] == DELEGATE_OPERATOR]
    left = _needed([*nodes, *delegates], wanted).intersection(node["index"] for node in nodes)
    return DelegatedNodes(delegated=len(nodes) - len(left), of=len(nodes))


def _needed(operators: Sequence[Operator], tensors: Iterable[int]) -> set[int]:
    """Indices of the operators that `tensors` depend on; of two that make the same tensor, the later one."""
    makers = {int(tensor): operator for operator in operators for tensor in operator["outputs"]}
    waiting, found = list(tensors), set[int]()
    while waiting:
        maker = makers.get(int(waiting.pop()))
        if maker is not None and maker["index"] not in found:
            found.add(maker["index"])
            waiting.extend(maker["inputs"])
    return found


@contextmanager
def native_log() -> Iterator[Callable[[], str]]:
    """What native code writes to stderr meanwhile: TFLite tells there, and only there, which delegate it took."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as capture:
        os.dup2(capture.fileno(), 2)
        try:
            yield lambda: os.pread(capture.fileno(), 1 << 20, 0).decode("utf-8", "replace")
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.write(2, os.pread(capture.fileno(), 1 << 20, 0))


def _failed(case: RequestCase, failure: Failure) -> Failed:
    return Failed(case=case.id, image_sha256=case.sha256, status="error", error=failure)


def _write(path: Path, data: bytes) -> str:
    # Not beside and renamed: bundle.json, written last, is what makes a bundle of these files.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _sha256(array: Pixels | Tensor | None) -> str | None:
    return None if array is None else stage_hash(array)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e3


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _memory_peak_mb() -> float:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)  # bytes on macOS, KiB on Linux


def _memory_now_mb() -> float | None:
    """What the process has in memory; None where that takes more than a file to learn, which is on macOS."""
    try:
        resident = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return None
    return resident * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
