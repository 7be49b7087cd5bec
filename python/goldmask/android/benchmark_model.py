"""TensorFlow Lite's own benchmark_model on a device, beside what the app measured there.

The tool feeds random numbers and measures inference alone; an app decodes, resizes and draws as well. So its figure is
what the app's `inference_ms` could be, and a large gap between the two is the app's.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import Any

from ..contract.bundle import Latency, RuntimeInfo
from ..contract.errors import RunError, UsageError, printable
from ..contract.files import sha256_of
from ..contract.options import RunOptions
from .adb import STORE, Device

DELEGATES = {
    "cpu": ("--use_xnnpack=false",),
    "xnnpack": ("--use_xnnpack=true",),
    "gpu": ("--use_gpu=true",),
    "nnapi": ("--use_nnapi=true",),
}
# Of the app and of the tool, where the project asks for no more; 50 is the tool's own default.
WARMUP, RUNS = 3, 50
# Each of its two phases, warm-up and measurement, stops by itself after so long.
PHASE_S = 120
DEADLINE_S = 2 * PHASE_S + 60
NUMBER = r"([-+.0-9a-zA-Z]+)"
FEW = re.compile(rf"\bcount=(\d+) curr={NUMBER}\s*$", re.MULTILINE)
STATISTICS = re.compile(
    rf"\bcount=(\d+) first={NUMBER} curr={NUMBER} min={NUMBER} max={NUMBER} avg={NUMBER} std={NUMBER}"
    rf"(?: p5={NUMBER} median={NUMBER} p95={NUMBER})?"
)
SUMMARY = re.compile(
    rf"Inference timings in us: Init: {NUMBER}, First inference: {NUMBER}, "
    rf"Warmup \(avg\): {NUMBER}, Inference \(avg\): {NUMBER}"
)
THREADS = re.compile(r"threads used for CPU inference: \[(\d+)\]")
DELEGATE = re.compile(r"^.*\b(?:delegate|Delegate)\b.*$", re.MULTILINE)
US_PER_MS = 1000
# It rounds the average to six digits in one line and in the other not at all.
SAME = 0.01


@dataclass(frozen=True)
class Timing:
    """Milliseconds of `runs` inferences after the warm-up. Old tools print no median, and then it is None."""

    init_ms: float
    first_ms: float
    runs: int
    mean_ms: float
    std_ms: float
    min_ms: float
    max_ms: float
    median_ms: float | None


@dataclass(frozen=True)
class Measured:
    """What benchmark_model said: its timing, the threads that it used, and its own words about delegates."""

    timing: Timing
    threads: int | None
    delegate_words: tuple[str, ...]
    binary_sha256: str

    def to_data(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)


def timing_of(latencies: Sequence[Latency]) -> Timing:
    """An app's cases in the same form; `init` and `first` are the first case's. Raises RunError without any run."""
    runs = [ms for latency in latencies for ms in latency.inference_ms]
    if not runs:
        raise RunError("the app measured no inference after its warm-up", fix="./goldmask android.benchmark --help")
    first = latencies[0]
    return Timing(
        first.init_ms, first.first_ms, len(runs), fmean(runs), pstdev(runs), min(runs), max(runs), median(runs)
    )


def parse(text: str) -> Timing:
    """benchmark_model's last statistics and its summary. Raises RunError where it printed none, or nonsense."""
    summary = SUMMARY.search(text)
    counted = [*STATISTICS.finditer(text), *FEW.finditer(text)]
    if not summary or not counted:
        raise RunError(
            "benchmark_model printed no timings", fix="use a benchmark_model of TensorFlow Lite 2.3 or later"
        )
    # The first statistics are the warm-up's, the last those of the measurement.
    last = max(counted, key=lambda match: match.start())
    runs = int(last[1])
    if last.re is FEW:  # with a single run it prints just that
        only = _ms(last[2])
        mean_ms, std_ms, min_ms, max_ms, median_ms = only, 0.0, only, only, only
    else:
        min_ms, max_ms, mean_ms, std_ms = (_ms(last[group]) for group in (4, 5, 6, 7))
        median_ms = _ms(last[9]) if last[9] else None
    init_ms, first_ms, _, average_ms = map(_ms, summary.groups())
    ordered = min_ms <= mean_ms * (1 + SAME) and mean_ms <= max_ms * (1 + SAME)
    if runs < 1 or not ordered or not math.isclose(mean_ms, average_ms, rel_tol=SAME):
        raise RunError("benchmark_model contradicts itself: its average is not that of its statistics")
    return Timing(init_ms, first_ms, runs, mean_ms, std_ms, min_ms, max_ms, median_ms)


def _ms(microseconds: str) -> float:
    """Milliseconds of a number as C++ prints it, `2.95034e+06` say."""
    try:
        value = float(microseconds) / US_PER_MS
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise RunError(f"benchmark_model printed {microseconds[:40]!r} as a time")
    return value


def run(device: Device, binary: Path, model: Path, ran: RuntimeInfo, options: RunOptions, log: Path) -> Measured:
    """Push and run `binary` with a model as the app ran it: the threads and the delegate that really `ran`.

    What it prints goes to `log`. Raises UsageError for a binary or a delegate that it cannot be, RunError where it
    fails or prints no timings, and as adb.
    """
    if not binary.is_file():
        raise UsageError(
            f"--binary {str(binary)!r} is no file", fix="get benchmark_model for the device's ABI (docs/benchmark.md)"
        )
    if ran.delegate not in DELEGATES:
        raise UsageError(f"benchmark_model has no delegate {ran.delegate!r}", fix=f"--delegate {'|'.join(DELEGATES)}")
    sha256 = sha256_of(binary)
    program, graph = f"{STORE}/{sha256}", f"{STORE}/{sha256_of(model)}.tflite"
    device.keep({Path(program).name: binary, Path(graph).name: model})
    device.checked(["chmod", "755", program])
    words = [
        program,
        f"--graph={graph}",
        f"--num_threads={ran.threads}",
        f"--warmup_runs={max(1, options.warmup)}",
        f"--num_runs={options.runs}",
        f"--min_secs={options.min_duration_s:g}",
        f"--max_secs={PHASE_S}",
        *DELEGATES[ran.delegate],
    ]
    said = device.shell(words, deadline_s=DEADLINE_S)
    text = (said.stdout + said.stderr).decode("utf-8", "replace")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(text, "utf-8")
    if said.code:
        raise RunError(
            f"benchmark_model failed on {device.serial} (exit code {said.code}): {said.reason}", fix=f"cat {log}"
        )
    try:
        timing = parse(text)
    except RunError as error:
        raise RunError(f"{error.what} on {device.serial}", fix=f"cat {log}") from error
    used = THREADS.search(text)
    words_about = tuple(dict.fromkeys(printable(line) for line in DELEGATE.findall(text)))[:8]
    return Measured(timing, int(used[1]) if used else None, words_about, sha256)
