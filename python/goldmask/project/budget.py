"""`[[budgets]]` and `[latency]` of goldmask.toml: which latencies are too long, and where that counts."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field

from ..contract.latency import LatencyFlag
from ..contract.schema import Strict

FigureName = Literal[
    "inference_median_ms",
    "inference_p90_ms",
    "total_median_ms",
    "total_p90_ms",
    "first_ms",
    "init_ms",
    "memory_peak_mb",
]
# One pattern or several; * stands for anything, and case does not count.
Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Patterns = Pattern | tuple[Pattern, ...]


class Budget(Strict):
    """A limit of one figure, for what its patterns match; those left out match everything."""

    figure: FigureName
    limit: float = Field(gt=0, description="milliseconds, or megabytes of memory")
    source: str = Field(min_length=10, description="who says so, and where")
    model: Patterns = "*"
    pipeline: Patterns = "*"
    delegate: Patterns = Field(default="*", description="the one that ran")
    threads: int | None = Field(default=None, ge=1, le=64, description="as many as ran")
    device: Patterns = Field(default="*", description="its model, as bundles name it")
    soc: Patterns = "*"
    abi: Patterns = "*"

    def of_model(self, model: str, pipeline: str) -> bool:
        """Whether it is for a model through a pipeline."""
        return matches(self.model, model) and matches(self.pipeline, pipeline)

    def of_device(self, device: str, soc: str, abi: str) -> bool:
        """Whether it is for a class of devices."""
        return matches(self.device, device) and matches(self.soc, soc) and matches(self.abi, abi)

    def of_run(self, delegate: str, threads: int | None) -> bool:
        """Whether it is for how a model was run."""
        return matches(self.delegate, delegate) and self.threads in (None, threads)

    def __str__(self) -> str:
        return f"{self.figure} at most {self.limit:g}"


class LatencySettings(Strict):
    """How latencies are held against baselines."""

    limit: float = Field(default=0.03, gt=0, le=10, description="a slowdown of less is none, however significant")
    gate_on: tuple[Literal["EMULATOR", "SIMULATOR", "HOST"], ...] = Field(
        default=(), description="a baseline gates there too, of the same virtual device on the same kind of computer"
    )


def matches(patterns: Patterns, value: str) -> bool:
    """Whether any of the patterns matches."""
    several = (patterns,) if isinstance(patterns, str) else patterns
    return any(fnmatchcase(value.lower(), each.lower()) for each in several)


# Where the processor is another one than that of any phone: no absolute figure means anything there.
ELSEWHERE: tuple[LatencyFlag, ...] = ("EMULATOR", "SIMULATOR", "HOST")
