"""How long a case took, how much memory it needed, under which conditions, and what speaks against the figures.

The flags are those of Jetpack Benchmark (androidx.benchmark, "benchmark errors"), and a few of our own: a latency with
one of them is advice (docs/latency.md).
"""

import re
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from .schema import Many, Strict, Text

# Eleven days, and a nanosecond: what is shorter is no time, as no clock sees it, and nothing is divided by it.
MAX_MS, LEAST_MS = 1e9, 1e-6


def seen(ms: float) -> float:
    """Milliseconds, 0 where no clock would see them."""
    return ms if ms >= LEAST_MS else 0.0


Milliseconds = Annotated[float, Field(ge=0, le=MAX_MS, allow_inf_nan=False), AfterValidator(seen)]
Megabytes = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# Where a bundle was made (`target.kind`).
Kind = Literal["host", "jvm", "emulator", "simulator", "device"]
# android.os.PowerManager.THERMAL_STATUS_*; of ProcessInfo.ThermalState nominal is none, fair is light.
Thermal = Literal["none", "light", "moderate", "severe", "critical", "emergency", "shutdown"]
LatencyFlag = Literal[
    "EMULATOR",
    "SIMULATOR",
    "HOST",
    "LOW-BATTERY",
    "LOW-POWER",
    "DEBUGGABLE",
    "THERMAL",
    "SOFTWARE-GPU",
    "UNSTABLE",
    "TOO-FEW",
]
FLAGS: tuple[LatencyFlag, ...] = get_args(LatencyFlag)
Mode = Literal["quick", "normal", "mlperf", "sustained"]
# Below this and not charging, phones slow down; Jetpack Benchmark's number.
LOW_BATTERY_PERCENT = 25
# Drivers that draw on the CPU: Mesa's, and those of emulators and browsers.
SOFTWARE_GPU = re.compile(r"llvmpipe|softpipe|lavapipe|swiftshader|software", re.IGNORECASE)


class Figures(NamedTuple):
    """How often each image is run: at least so many times, and for so many seconds."""

    warmup: int
    runs: int
    min_duration_s: float


# `mlperf` follows MLPerf's single-stream scenario: 1,024 queries and a minute at least, judged by the 90th percentile.
# `sustained` is how long a phone takes to become as hot as it gets.
MODES: dict[Mode, Figures] = {
    "quick": Figures(3, 10, 2),
    "normal": Figures(5, 50, 10),
    "mlperf": Figures(10, 1024, 60),
    "sustained": Figures(0, 50, 600),
}


class Latency(Strict):
    """Milliseconds. The lists have one entry for each measured run; `first_ms` is the first inference of all."""

    init_ms: Milliseconds
    first_ms: Milliseconds
    warmup_ms: Many[Milliseconds] | None = Field(default=None, description="inferences before the measured ones")
    preprocess_ms: Many[Milliseconds] = ()
    inference_ms: Many[Milliseconds] = ()
    postprocess_ms: Many[Milliseconds] = ()
    total_ms: Many[Milliseconds] | None = Field(
        default=None, description="each measured run as a whole; its stages' sum where it was not measured"
    )

    @model_validator(mode="after")
    def _one_of_each_run(self) -> Self:
        if self.total_ms is not None and len(self.total_ms) != len(self.inference_ms):
            raise ValueError(f"{len(self.total_ms)} total_ms cannot be of {len(self.inference_ms)} runs")
        return self

    @property
    def totals_ms(self) -> tuple[float, ...]:
        """Each measured run as a whole; nothing where a stage was not measured in every run."""
        stages = (self.preprocess_ms, self.inference_ms, self.postprocess_ms)
        if self.total_ms is not None:
            return self.total_ms
        if len({len(stage) for stage in stages}) > 1:
            return ()
        return tuple(map(sum, zip(*stages, strict=True)))


class Conditions(Strict):
    """Facts that decide whether a latency is valid; null is what nobody could tell."""

    debuggable: bool | None = Field(default=None, description="the app's build, or its configuration Debug on Apple's")
    emulator: bool | None = Field(default=None, description="whatever `target.kind` says")
    battery_percent: int | None = Field(default=None, ge=0, le=100)
    charging: bool | None = None
    low_power: bool | None = Field(default=None, description="a mode that saves power is on")
    thermal_before: Thermal | None = None
    thermal_after: Thermal | None = None
    gpu: Text | None = Field(default=None, description="the renderer, as its driver names it")
    governor: Text | None = Field(default=None, description="what decides the clock, fixed-performance for example")
    device: Text | None = Field(default=None, description="maker and model, as the system tells them")
    soc: Text | None = None


def flags_of(kind: Kind, delegate: str, conditions: Conditions) -> tuple[LatencyFlag, ...]:
    """What speaks against every latency that was measured there, with a delegate that ran.

    A device that does not tell its temperature may be hot.
    """
    left = 100 if conditions.battery_percent is None else conditions.battery_percent
    temperatures = {conditions.thermal_before, conditions.thermal_after}
    found: dict[LatencyFlag, bool] = {
        "EMULATOR": kind == "emulator" or conditions.emulator is True,
        "SIMULATOR": kind == "simulator",
        "HOST": kind in ("host", "jvm"),
        "LOW-BATTERY": left < LOW_BATTERY_PERCENT and not conditions.charging,
        "LOW-POWER": conditions.low_power is True,
        "DEBUGGABLE": conditions.debuggable is True,
        "THERMAL": bool(temperatures - {"none", None}) or (kind == "device" and None in temperatures),
        "SOFTWARE-GPU": delegate == "gpu" and bool(SOFTWARE_GPU.search(conditions.gpu or "")),
    }
    return tuple(flag for flag in FLAGS if found.get(flag))
