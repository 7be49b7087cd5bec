"""TensorFlow Lite's own benchmark_model on a device, beside what the app measured there.

The tool feeds random numbers and measures inference alone; an app decodes, resizes and draws as well. So its figure is
what the app's `inference_ms` could be, and a large gap between the two is the app's.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..contract.bundle import RuntimeInfo
from ..contract.errors import RunError, UsageError, excerpt, one_line
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
NUMBER = r"[-+.0-9a-zA-Z]{1,40}"
# As StatWithPercentiles of TensorFlow's stats_calculator.h prints them; runs of one and the same time are as one run.
STATISTICS = re.compile(
    rf"\bcount=(?P<runs>\d{{1,9}})"
    rf"(?: curr=(?P<only>{NUMBER})(?:\(all same\))?"
    rf"| first={NUMBER} curr={NUMBER} min=(?P<min>{NUMBER}) max=(?P<max>{NUMBER}) avg=(?P<mean>{NUMBER})"
    rf" std=(?P<std>{NUMBER}))"
    rf"(?: p5={NUMBER} median=(?P<median>{NUMBER}) p95=(?P<p95>{NUMBER}))?\s*$"
)
# The profiles of single operators end in statistics of their own.
OF_PROFILES = ("Timings (microseconds):", "Memory (bytes):")
# The last line of TensorFlow Lite 2.3 to LiteRT 1, in microseconds.
SUMMARY = re.compile(
    rf"Inference timings in us: Init: (?P<init>{NUMBER}), First inference: (?P<first>{NUMBER}), "
    rf"Warmup \(avg\): {NUMBER}, Inference \(avg\): (?P<mean>{NUMBER})"
)
# The last lines of LiteRT 2 (benchmark_litert_model.h), in milliseconds with two decimals, one table for a signature.
TABLE = "BENCHMARK RESULTS"
ROW = re.compile(rf"\b(\w[\w ]*?(?: \(\w+\))?): +({NUMBER})(?: ms)?(?: \((\d{{1,9}}) runs\))?\s*$")
ROWS = {
    "Model initialization": "init",
    "Warmup (first)": "first",
    "Inference (avg)": "mean",
    "Inference (min)": "min",
    "Inference (max)": "max",
    "Inference (std)": "std",
}
MAX_LINE = 1000
THREADS = re.compile(r"threads used for CPU inference: \[(\d{1,9})\]")
# What it says of delegates, and which of the flags above it does not know: LiteRT 2 has no --use_xnnpack.
DELEGATE = re.compile(r"^.*(?:\b[dD]elegate\b|Unconsumed cmdline flags).*$", re.MULTILINE)
COMPLAINT = re.compile(r"^(?:ERROR|FATAL|F\d{4} |CANNOT LINK EXECUTABLE|.*error while loading)")
# The profile of the measured runs, in whose rows a version more or less of the tool has a column at the left.
REGULAR_RUNS = "Operator-wise Profiling Info for Regular Benchmark Runs:"
RUN_ORDER, NEXT_TABLE = "= Run Order =", "Timings (microseconds):"
OPERATOR = re.compile(
    rf"^\s*(?P<type>\S.{{0,80}}?)(?:\s+{NUMBER}){{1,2}}\s+(?P<avg>{NUMBER})\s+{NUMBER}%\s+{NUMBER}%\s+{NUMBER}"
    r"\s+(?P<times>\d{1,9})\s+\S.*$"
)
US_PER_MS = 1000
# It rounds the average to six digits in one line, and in another not at all or to a hundredth of a millisecond.
ROUNDED, ROUNDED_MS = 0.01, 0.006


@dataclass(frozen=True)
class Timing:
    """Milliseconds of `runs` inferences after the warm-up. Old tools print no median and 95th percentile: then None."""

    init_ms: float
    first_ms: float
    runs: int
    mean_ms: float
    std_ms: float
    min_ms: float
    max_ms: float
    median_ms: float | None
    p95_ms: float | None = None


@dataclass(frozen=True)
class Operator:
    """A type of operators in the model's graph: how many there are, and the milliseconds of all in one inference."""

    type: str
    count: int
    ms: float


@dataclass(frozen=True)
class Measured:
    """What benchmark_model said: its timing, the threads that it used, its own words about delegates, its operators."""

    timing: Timing
    threads: int | None
    delegate_words: tuple[str, ...]
    binary_sha256: str
    operators: tuple[Operator, ...] = ()

    def to_data(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)


def parse(text: str) -> Timing:
    """benchmark_model's last statistics and its summary. Raises RunError where it printed none, or nonsense."""
    lines = [line[:MAX_LINE] for line in text.splitlines()]
    counted = [
        match for line in lines if not any(argv in line for argv in OF_PROFILES) and (match := STATISTICS.search(line))
    ]
    summary = SUMMARY.search(text)
    if summary and counted:
        # The first statistics are the warm-up's, the last those of the measurement.
        timing = _of_statistics(counted[-1], _ms(summary["init"]), _ms(summary["first"]))
        return _agreed(timing, _ms(summary["mean"]))
    if text.count(TABLE) > 1:
        raise RunError("benchmark_model measured several signatures, and does not say which one an app runs")
    if TABLE in text and (rows := _rows(lines)):
        table = Timing(
            rows["init"], rows["first"], int(rows["runs"]), rows["mean"], rows["std"], rows["min"], rows["max"], None
        )
        return _agreed(_of_statistics(counted[-1], table.init_ms, table.first_ms) if counted else table, table.mean_ms)
    output = complaint(text)
    raise RunError(
        f"benchmark_model printed no timings{f': {output}' if output else ''}",
        fix="use a benchmark_model of TensorFlow Lite 2.3 or later",
    )


def _of_statistics(found: re.Match[str], init_ms: float, first_ms: float) -> Timing:
    runs = int(found["runs"])
    if found["only"]:
        only = _ms(found["only"])
        return Timing(init_ms, first_ms, runs, only, 0.0, only, only, only, only)
    median_ms = _ms(found["median"]) if found["median"] else None
    mean_ms, std_ms, min_ms, max_ms = (_ms(found[name]) for name in ("mean", "std", "min", "max"))
    p95_ms = _ms(found["p95"]) if found["p95"] else None
    return Timing(init_ms, first_ms, runs, mean_ms, std_ms, min_ms, max_ms, median_ms, p95_ms)


def _rows(lines: Sequence[str]) -> dict[str, float] | None:
    """LiteRT 2's table, in milliseconds, and `runs`; None where a row is missing."""
    rows: dict[str, float] = {}
    for line in lines:
        if (match := ROW.search(line)) and (name := ROWS.get(match[1])):
            rows[name] = _ms(match[2], 1)
            rows |= {"runs": int(match[3])} if match[3] and name == "mean" else {}
    return rows if rows.keys() == {*ROWS.values(), "runs"} else None


def _agreed(timing: Timing, average_ms: float) -> Timing:
    """The timing, if it is one and its average is the summary's. Raises RunError."""
    least, most = timing.min_ms * (1 - ROUNDED) - ROUNDED_MS, timing.max_ms * (1 + ROUNDED) + ROUNDED_MS
    same = math.isclose(timing.mean_ms, average_ms, rel_tol=ROUNDED, abs_tol=ROUNDED_MS)
    if timing.runs < 1 or not least <= timing.mean_ms <= most or not same:
        raise RunError("benchmark_model contradicts itself: its average is not that of its statistics")
    return timing


def operators_in(text: str) -> tuple[Operator, ...]:
    """What each type of operators takes in the measured runs, the slowest first; nothing without a profile."""
    _, _, profile = text.partition(REGULAR_RUNS)
    table = profile.partition(RUN_ORDER)[2].partition(NEXT_TABLE)[0].partition("==== ")[0]
    found: dict[str, Operator] = {}
    for line in table.splitlines()[1:]:
        if match := OPERATOR.match(line[:MAX_LINE]):
            name = one_line(match["type"])
            old = found.get(name, Operator(name, 0, 0.0))
            found[name] = Operator(name, old.count + int(match["times"]), old.ms + _ms(match["avg"], 1))
    return tuple(sorted(found.values(), key=lambda operator: -operator.ms))


def complaint(text: str) -> str:
    """What it says is wrong: its errors, or else the first and the last lines of all."""
    errors = [line for line in text.splitlines() if COMPLAINT.match(line)]
    return excerpt("\n".join(errors) or text)


def _ms(number: str, per_ms: int = US_PER_MS) -> float:
    """Milliseconds of a number as C++ prints it, for example `2.95034e+06`; of microseconds unless told otherwise."""
    try:
        value = float(number) / per_ms
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise RunError(f"benchmark_model printed {number!r} as a time")
    return value


def run(
    device: Device,
    binary: Path,
    model: Path,
    ran: RuntimeInfo,
    options: RunOptions,
    log: Path,
    profile: bool = False,
) -> Measured:
    """Push and run `binary` with a model as the app ran it: the threads and the delegate that really `ran`.

    `profile` times each operator as well, which makes all of it a little slower.
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
    argv = [
        program,
        f"--graph={graph}",
        f"--num_threads={ran.threads}",
        f"--warmup_runs={max(1, options.warmup)}",
        f"--num_runs={options.runs}",
        f"--min_secs={options.min_duration_s:g}",
        f"--max_secs={PHASE_S}",
        *DELEGATES[ran.delegate],
        *(["--enable_op_profiling=true"] if profile else []),
    ]
    output = device.shell(argv, deadline_s=DEADLINE_S)
    text = (output.stdout + output.stderr).decode("utf-8", "replace")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(text, "utf-8")
    if output.code:
        why = complaint(text)
        raise RunError(
            f"benchmark_model failed on {device.serial} (exit code {output.code}){f': {why}' if why else ''}",
            fix=f"cat {log}",
        )
    try:
        timing = parse(text)
    except RunError as error:
        raise RunError(f"{error.what} on {device.serial}", fix=f"cat {log}") from error
    used = THREADS.search(text)
    words_about = tuple(dict.fromkeys(one_line(line) for line in DELEGATE.findall(text)))[:8]
    return Measured(timing, int(used[1]) if used else None, words_about, sha256, operators_in(text))
