"""The history of latencies: committed baselines, by git, or the reports of a folder."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import EnvironmentMissing, RunError, UsageError
from ..contract.files import write_atomically
from ..contract.schema import InvalidJson, parse_json
from ..machine import git
from ..machine.progress import Progress
from ..report.history import to_picture
from ..report.report import REPORT_FILE, load_report
from ..verdict.baseline import Baseline, key_of, runtime_of
from ..verdict.latency import Figure
from ..verdict.steps import History, Point, history, point_from
from .baselines import FOLDER

HISTORY_FILE = "history.json"
# Each is a process of git's; the newest are read.
MAX_VERSIONS = 500
FIELD, COMMIT = "\x1f", "\x1e"


@dataclass(frozen=True)
class Version:
    """One measurement of something: its figures by case, and where it stands in the history."""

    name: str
    figures: dict[str, Figure]
    at: str
    commit: str
    subject: str
    runtime: str


def read_git(root: Path, progress: Progress = Progress()) -> list[Version]:
    """The committed versions of latency/*.json, the oldest first. Raises EnvironmentMissing without git or a commit."""
    log = _git(root, "log", f"--format={COMMIT}%H{FIELD}%cI{FIELD}%s", "--name-only", "--diff-filter=AM", "--", FOLDER)
    wanted: list[tuple[str, str, str, str]] = []
    for entry in log.split(COMMIT)[1:]:
        head, *paths = filter(None, entry.splitlines())
        commit, at, subject = head.split(FIELD, 2)
        wanted += [(commit, at, subject, path) for path in paths if path.endswith(".json")]
    wanted = wanted[:MAX_VERSIONS][::-1]
    found: list[Version] = []
    for number, (commit, at, subject, path) in enumerate(wanted, start=1):
        progress.step("reading git", number, len(wanted))
        try:
            baseline = parse_json(_git(root, "show", f"{commit}:{path}").encode(), Baseline)
        except InvalidJson:  # of a goldmask that wrote something else
            continue
        figures = {case: each.inference for case, each in baseline.cases.items()}
        found.append(Version(_name(baseline), figures, at, commit, subject, baseline.runtime))
    progress.over("reading git")
    if not found:
        raise EnvironmentMissing(
            f"no baseline is committed in {FOLDER}/", fix=f"./goldmask bench.record; git add {FOLDER}; git commit"
        )
    return found


def read_reports(folders: Sequence[Path]) -> list[Version]:
    """The reports below some folders, by their time, or by their paths where they have none. Raises UsageError."""
    paths = sorted({path for folder in folders for path in folder.rglob(REPORT_FILE)})
    if not paths:
        raise UsageError(f"there is no {REPORT_FILE} below {', '.join(map(str, folders))}", fix="--folder DIR")
    loaded = [(load_report(path.parent), path.parent.name) for path in paths]
    loaded.sort(key=lambda each: each[0].environment.get("started_at", ""))  # which keeps the order of paths otherwise
    found: list[Version] = []
    for report, name in loaded:
        groups: dict[str, tuple[str, dict[str, Figure]]] = {}
        for row in report.comparisons:
            key, latency = key_of(row, ""), row.latency
            if key and latency and latency.inference and not latency.is_cold:
                groups.setdefault(str(key), (runtime_of(row), {}))[1][row.case] = latency.inference
        at, commit = report.environment.get("started_at", ""), report.environment.get("commit", "")
        found += [Version(key, figures, at, commit, name, runtime) for key, (runtime, figures) in groups.items()]
    return found


def histories(versions: Sequence[Version], limit: float) -> list[History]:
    """A history of each thing that was measured, over the cases that all of its versions have."""
    groups: dict[str, list[Version]] = {}
    for version in versions:
        groups.setdefault(version.name, []).append(version)
    found = []
    for name, group in groups.items():
        cases = sorted(set.intersection(*(set(each.figures) for each in group)))
        points = [point for each in group if (point := _point(each, cases))]
        if points:
            found.append(history(name, points, limit))
    return found


def write(found: Sequence[History], out: Path, on_picture: Callable[[Path], None]) -> None:
    """Write history.json, and a picture of each history, into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    data = {"schema": 1, "histories": [each.model_dump() for each in found]}
    write_atomically(out / HISTORY_FILE, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())
    for number, each in enumerate(found, start=1):
        path = out / f"history-{number}.png"
        to_picture(each).save(path)
        on_picture(path)


def _point(version: Version, cases: Sequence[str]) -> Point | None:
    return point_from(
        version.figures,
        cases,
        at=version.at,
        commit=version.commit,
        subject=version.subject,
        runtime=version.runtime,
    )


def _name(baseline: Baseline) -> str:
    computer = f" · {baseline.host}" if baseline.host else ""
    return f"{baseline.key}{computer}"


def _git(root: Path, *arguments: str) -> str:
    try:
        return git.output(root, *arguments)
    except git.GitFailed as error:
        raise EnvironmentMissing(f"git has no history here: {error.what}", fix="--folder DIR, of reports") from error
    except RunError as error:
        raise EnvironmentMissing(f"the history is git's: {error.what}", fix="--folder DIR, of reports") from error
