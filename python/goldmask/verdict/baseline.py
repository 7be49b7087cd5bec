"""Baselines: what a model took before on such a device, and if it takes longer today. Nothing is run or written."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from ..contract.bundle import SCHEMA, SchemaVersion
from ..contract.errors import ExitCode
from ..contract.latency import LatencyFlag
from ..contract.schema import Count, Many, Name, Strict, Text
from ..project.budget import ELSEWHERE, LatencySettings
from .budget import OF_SERIES, judged_by_latency, void
from .compare import Comparison, Judged
from .latency import Change, Figure, Measured, MeasuredOn, Ratio, change, ratio

RECORD = "./goldmask bench.record"
# The target whose time is the host's.
REFERENCE = "python"
# A series in which one of these was found is no baseline.
NO_BASELINE: tuple[LatencyFlag, ...] = ("UNSTABLE", "TOO-FEW", "THERMAL", "LOW-BATTERY", "LOW-POWER")


class CaseFigures(Strict):
    """One case: inference, and the whole run where it was measured."""

    inference: Figure
    total: Figure | None = None


class Provenance(Strict):
    """Where a baseline comes from."""

    recorded_at: Text
    commit: Text = Field(default="", description="of the project, as git describes it")
    goldmask: Text = ""


class Baseline(Strict):
    """latency/*.json: the figures of a model through a pipeline on a class of devices."""

    schema_: SchemaVersion = Field(default=SCHEMA, alias="schema")
    target: Text
    model: Text
    pipeline: Text
    runtime: Text
    delegate: Text
    threads: Count
    measured_on: MeasuredOn
    host: Text = Field(default="", description="the computer, of what is no device")
    flags: Many[LatencyFlag] = ()
    cases: dict[Name, CaseFigures] = Field(min_length=1)
    provenance: Provenance

    @property
    def key(self) -> "Key":
        """What it is a baseline of."""
        measured_on = self.measured_on
        of = (self.target, self.model, self.pipeline, self.delegate, self.threads)
        return Key(*of, measured_on.kind, measured_on.device, measured_on.soc, measured_on.abi, self.host)

    @property
    def file_name(self) -> str:
        """A name that says what it is a baseline of, and is of no other."""
        measured_on = self.measured_on
        parts = (self.model, self.pipeline, self.target, measured_on.device, self.delegate, f"{self.threads} threads")
        readable = re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-")[:80]
        return f"{readable}-{hashlib.sha256(repr(self.key).encode()).hexdigest()[:8]}.json"


@dataclass(frozen=True)
class Key:
    """A device class with a model, a pipeline and how it ran: figures of two keys are never compared."""

    target: str
    model: str
    pipeline: str
    delegate: str
    threads: int
    kind: str
    device: str
    soc: str
    abi: str
    host: str

    def __str__(self) -> str:
        what = f"{self.model} · {self.pipeline} · {self.target}{f' · {self.device}' if self.device else ''}"
        return f"{what} · {self.delegate}, {self.threads} threads"


@dataclass(frozen=True)
class Beside:
    """A group of rows beside its baseline: what changed, and the flags that make it advice."""

    change: Change
    sentence: str
    against: Many[LatencyFlag] = ()


def key_of(row: Comparison, host: str) -> Key | None:
    """What a row would be a baseline of; None where nothing was measured."""
    measured_on = row.latency.measured_on if row.latency else None
    if measured_on is None or row.threads.ran is None:
        return None
    computer = "" if measured_on.kind == "device" else host
    ran = (row.target, row.model, row.pipeline, row.delegate.ran or "", row.threads.ran)
    return Key(*ran, measured_on.kind, measured_on.device, measured_on.soc, measured_on.abi, computer)


def runtime_of(row: Comparison) -> str:
    """Name and version of a row's runtime."""
    return row.runtime.partition(",")[0]


def made_of(rows: Sequence[Comparison], host: str, provenance: Provenance) -> tuple[Baseline | None, tuple[str, ...]]:
    """The baseline that rows of one key make, if they make one, and what is not in it, as clauses.

    Cases that are UNSTABLE or TOO-FEW are left out. A mask that is wrong, or a device that is warm, is no baseline at
    all.
    """
    wrong = [f"{row.case}: {row.reason}" for row in rows if row.exit_code not in (ExitCode.OK, ExitCode.LATENCY)]
    measured = [(row, row.latency) for row in rows if row.latency and row.latency.inference]
    if wrong or not measured:
        return None, tuple(wrong[:1]) or ("nothing was measured",)
    left_out = {row.case: why for row, latency in measured if (why := _unfit(latency))}
    known = [(row, latency) for row, latency in measured if row.case not in left_out]
    clauses = tuple(f"{case} is {why}" for case, why in left_out.items())
    if not known or any(set(latency.flags) & ({*NO_BASELINE} - {*OF_SERIES}) for _, latency in measured):
        return None, clauses
    row, latency = known[0]
    measured_on = latency.measured_on or MeasuredOn(kind="host")
    made = Baseline(
        schema=SCHEMA,
        target=row.target,
        model=row.model,
        pipeline=row.pipeline,
        runtime=runtime_of(row),
        delegate=row.delegate.ran or "",
        threads=row.threads.ran or 0,
        measured_on=measured_on,
        host="" if measured_on.kind == "device" else host,
        flags=latency.flags,
        cases={
            row.case: CaseFigures(inference=each.inference, total=each.total)
            for row, each in known
            if each.inference is not None
        },
        provenance=provenance,
    )
    return made, clauses


def _unfit(latency: Measured) -> str:
    """Which flags keep a latency out of a baseline, and why; nothing where none does."""
    bad = " ".join(flag for flag in latency.flags if flag in NO_BASELINE)
    return f"{bad} ({'; '.join(latency.unrest)})" if latency.unrest else bad


def with_baselines(
    rows: Sequence[Comparison],
    baselines: Sequence[Baseline],
    settings: LatencySettings,
    suppress: Sequence[LatencyFlag],
    host: str,
) -> tuple[list[Comparison], list[str]]:
    """The rows with what their baselines say, and notes of what is stale or faster. A slower group fails as a whole."""
    known = {baseline.key: baseline for baseline in baselines}
    groups: dict[Key, list[int]] = {}
    for index, row in enumerate(rows):
        key = key_of(row, host)
        if isinstance(row, Judged) and key in known:
            groups.setdefault(key, []).append(index)
    judged, notes = list(rows), []
    ignored = [flag for flag in suppress if flag not in ELSEWHERE] + list(settings.gate_on)
    for key, indices in groups.items():
        group = [judged[index] for index in indices]
        if why := stale(known[key], group):
            notes.append(f"latency of {key}: the baseline is stale, not comparable: {why}; {RECORD}")
            continue
        found = beside(known[key], group, settings.limit, ignored)
        if found is None:
            continue
        if found.change == "faster" and not found.against:
            notes.append(f"latency of {key}: {found.sentence}; to keep it: {RECORD}")
        for index in indices:
            judged[index] = _judged(judged[index], found)
    return judged, notes


def stale(baseline: Baseline, rows: Sequence[Comparison]) -> str:
    """Why rows cannot be held against a baseline of their key, as a clause; empty where they can."""
    row = rows[0]
    measured_on, old = row.latency.measured_on if row.latency else None, baseline.measured_on
    if runtime_of(row) != baseline.runtime:
        return f"it is of {baseline.runtime}, and {runtime_of(row)} ran"
    if measured_on is None:
        return ""
    if measured_on.governor != old.governor:
        return f"its governor was {old.governor or 'unknown'}, and now is {measured_on.governor or 'unknown'}"
    if measured_on.kind == "device" and measured_on.os != old.os:
        return f"it is of {old.os}, and this is {measured_on.os}"
    validity = {flag for each in rows if each.latency for flag in each.latency.flags} - {*NO_BASELINE}
    if validity != set(baseline.flags):
        was, now = " ".join(baseline.flags) or "no flag", " ".join(sorted(validity)) or "no flag"
        return f"it has {was}, and this run {now}"
    return ""


def beside(
    baseline: Baseline, rows: Sequence[Comparison], limit: float, ignored: Sequence[LatencyFlag]
) -> Beside | None:
    """Rows of a key beside its baseline; None where nothing was measured, or no case is in both.

    The worse of inference and total counts. Cases that are UNSTABLE are left out while others are left.
    """
    both = [row for row in rows if row.case in baseline.cases]
    known = [
        (row.latency, baseline.cases[row.case]) for row in both if row.latency and "TOO-FEW" not in row.latency.flags
    ]
    steady = [(latency, old) for latency, old in known if "UNSTABLE" not in latency.flags]
    if known and not steady:
        why = "; ".join(known[0][0].unrest)
        return Beside("unclear", f"not held against the baseline: {why}", ("UNSTABLE",))
    since = f"beside {baseline.provenance.commit or baseline.provenance.recorded_at}"
    found: list[tuple[Change, str, tuple[LatencyFlag, ...]]] = []
    series: tuple[Literal["inference", "total"], ...] = ("inference", "total")
    for name in series:
        pairs = _pairs(name, steady)
        if not pairs:
            continue
        flags = {flag for latency, _ in steady for flag in latency.flags}
        against = void(sorted(flags), f"{name}_median_ms", ignored)
        changed = ratio(pairs)
        found.append((change(changed, limit), f"{name} {_told(changed, limit)} {since}", against))
    if not found:
        return None
    # What is not valid has no say while anything is.
    valid = [each for each in found if not each[2]] or found
    order: tuple[Change, ...] = ("slower", "faster", "unclear", "same")
    return Beside(*min(valid, key=lambda each: order.index(each[0])))


def host_figures(rows: Iterable[Comparison], baselines: Iterable[Baseline]) -> Mapping[tuple[str, str, str], float]:
    """The median inference on a computer, by (model, pipeline, case): of this run, or else of the baselines."""
    found: dict[tuple[str, str, str], float] = {}
    for baseline in baselines:
        if baseline.target == REFERENCE:
            for case, figures in baseline.cases.items():
                found[baseline.model, baseline.pipeline, case] = figures.inference.median_ms
    for row in rows:
        latency = row.latency
        if row.target == REFERENCE and latency and latency.inference and not latency.is_cold:
            found[row.model, row.pipeline, row.case] = latency.inference.median_ms
    return found


def with_host_ratio(row: Comparison, host: Mapping[tuple[str, str, str], float]) -> Comparison:
    """The row with device ÷ host, where it is not the host's own and both were measured warm."""
    latency, computer = row.latency, host.get((row.model, row.pipeline, row.case))
    if not isinstance(row, Judged) or latency is None or latency.inference is None or latency.is_cold or not computer:
        return row
    if row.target == REFERENCE:
        return row
    found = latency.model_copy(update={"host_ratio": latency.inference.median_ms / computer})
    return row.model_copy(update={"latency": found})


def _pairs(
    name: Literal["inference", "total"], cases: Sequence[tuple[Measured, CaseFigures]]
) -> list[tuple[Figure, Figure]]:
    pairs = [(old.inference, new.inference) if name == "inference" else (old.total, new.total) for new, old in cases]
    return [(old, new) for old, new in pairs if old and new and old.median_ms and new.median_ms]


def _told(found: Ratio, limit: float) -> str:
    parts: dict[Change, str] = {
        "slower": f"is slower, limit {limit:.0%}:",
        "faster": "is faster:",
        "same": "is the same:",
        "unclear": f"may have changed, or not, limit {limit:.0%}:",
    }
    return f"{parts[change(found, limit)]} {found.change}"


def _judged(row: Comparison, found: Beside) -> Comparison:
    """A row of a group with its baseline's word."""
    if not isinstance(row, Judged) or row.latency is None:
        return row
    advice = f"advice only ({' '.join(found.against)}): " if found.against else ""
    sentence = advice + found.sentence
    row = row.model_copy(update={"latency": row.latency.model_copy(update={"baseline": sentence})})
    reasons = [sentence] if found.change == "slower" else []
    return judged_by_latency(row, reasons, failing=found.change == "slower" and not found.against)
