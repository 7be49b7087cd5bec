"""Committed baselines of latency: reading them, and recording those of a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..contract.bundle import to_json
from ..contract.errors import ConfigError
from ..contract.files import read_file, write_atomically
from ..contract.schema import InvalidJson, parse_json
from ..machine import git
from ..machine.host_class import host_class
from ..report.report import Report
from ..verdict.baseline import Baseline, Key, Provenance, key_of, made_of
from ..verdict.compare import Comparison

FOLDER = "latency"
MAX_BASELINE_BYTES = 4 << 20


@dataclass(frozen=True)
class Recorded:
    """A baseline that was written, or none; `left_out` says what is not in it, or why there is none."""

    key: Key
    path: Path | None = None
    baseline: Baseline | None = None
    left_out: tuple[str, ...] = ()


def load_baselines(root: Path) -> list[Baseline]:
    """All baselines of a project. Raises ConfigError for a file that is none."""
    return [load_baseline(path) for path in sorted((root / FOLDER).glob("*.json"))]


def load_baseline(path: Path) -> Baseline:
    """One baseline. Raises ConfigError."""
    try:
        return parse_json(read_file(path, MAX_BASELINE_BYTES), Baseline)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix=f"ls -l {path}") from error
    except InvalidJson as error:
        raise ConfigError(f"{path} is no baseline: {error}", fix=f"rm {path}; ./goldmask bench.record") from error


def record_baselines(root: Path, report: Report) -> list[Recorded]:
    """Write a baseline for each device class, model, pipeline, delegate and threads of a report, where it makes one."""
    host = host_class()
    groups: dict[Key, list[Comparison]] = {}
    for row in report.comparisons:
        if key := key_of(row, host):
            groups.setdefault(key, []).append(row)
    provenance = Provenance(
        recorded_at=datetime.now(UTC).isoformat(timespec="seconds"), commit=git.describe(root), goldmask=__version__
    )
    return [_record(root, key, rows, host, provenance) for key, rows in groups.items()]


def _record(root: Path, key: Key, rows: Sequence[Comparison], host: str, provenance: Provenance) -> Recorded:
    made, left_out = made_of(rows, host, provenance)
    if made is None:
        return Recorded(key, left_out=left_out)
    path = root / FOLDER / made.file_name
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, to_json(made))
    return Recorded(key, path, made, left_out)
