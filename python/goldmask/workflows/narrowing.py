"""A check of some cases only: those that match patterns, or that failed the last time; and how to type that again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

from ..contract.errors import ConfigError, EnvironmentMissing, UsageError, meant
from ..project.config import Config
from ..project.model import load_spec
from ..project.options import OPTIONS
from ..report.report import Report
from ..targets.target import find_target, target_of
from ..verdict.compare import FAILING
from .selection import FAIL_FAST, Row, Selection, select

# Of more cases than these, and of rows that no few flags name, --last-failed says it.
MAX_CASES = 10
# An error lists no more cases than these.
MAX_LISTED = 20


@dataclass(frozen=True)
class CheckFlags:
    """What was typed behind `check`; `options` are the flags of targets' options, by parameter."""

    suite: str = "default"
    models: Sequence[str] = ()
    pipelines: Sequence[str] = ()
    targets: Sequence[str] = ()
    cases: Sequence[str] = ()
    last_failed: bool = False
    fail_fast: bool = False
    out: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    across: bool = False
    against: str = ""
    variants: str = ""


def select_failed(
    root: Path, config: Config, flags: CheckFlags, given: Mapping[str, object], report: Report, file: Path
) -> Selection:
    """What failed in the report of an earlier run, which is in `file`, narrowed to what was named; all of it must run.

    Raises EnvironmentMissing where nothing failed, UsageError where what failed is no longer declared or none of it
    was named, and as `select`.
    """
    failed = _failed(report)
    if not failed:
        raise EnvironmentMissing(f"nothing failed in {file}, so there is nothing to run again", fix="./goldmask check")
    named = (flags.models, flags.pipelines, flags.targets)
    rows = [row for row in failed if all(row[index] in names for index, names in enumerate(named) if names)]
    models, pipelines, targets = (names or _column(rows, index) for index, names in enumerate(named))
    selection = select(config, flags.suite, models, pipelines, targets, given)
    if not rows:
        names = ", ".join(name for each in named for name in each)
        raise UsageError(f"nothing of {names} failed in {file}", fix="./goldmask check --last-failed")
    for model, _, _, case in rows:
        if case not in _ids(root, model):
            raise UsageError(
                f"{case} of {model} failed in {file}, and its model.toml has no such case now", fix="./goldmask check"
            )
    note = f"--last-failed: of {len(report.comparisons):,} rows only the {len(rows):,} that had failed ran again"
    if left := sum(row.reason == FAIL_FAST for row in report.comparisons):
        note += f", and not the {left:,} that --fail-fast had left out"
    models, pipelines, targets = (_column(rows, index) for index in range(3))
    selection = replace(selection, models=tuple(models), targets=tuple(targets), rows=frozenset(rows), notes=(note,))
    return replace(selection, pipelines=tuple(each for each in selection.pipelines if each in pipelines))


def with_cases(root: Path, selection: Selection, patterns: Sequence[str], named: Sequence[str] = ()) -> Selection:
    """A selection of only those cases whose ids match one of `patterns`, as a shell matches the names of files.

    Raises UsageError for a pattern that no case matches, and where one of the `named` models has no case that does.
    """
    try:
        cases = {name: _ids(root, name) for name in selection.models}
    except ConfigError:
        return selection  # the check tells it, after it has taken the last report away
    known = list(dict.fromkeys(case for ids in cases.values() for case in ids))
    for pattern in patterns:
        if not any(fnmatchcase(case, pattern) for case in known):
            what = f"--case {pattern!r} matches no case of {', '.join(cases)}{meant(pattern, known)}"
            raise UsageError(what, fix=_example(known))
    either = " or ".join(patterns)
    rows = set()
    for name, ids in cases.items():
        matching = [case for case in ids if any(fnmatchcase(case, pattern) for pattern in patterns)]
        if not matching and name in named:
            raise UsageError(f"--case {either} matches no case of {name}", fix=_example(ids))
        rows |= set(filter(lambda row: selection.takes(*row), _rows(name, selection, matching)))
    if not rows:
        raise UsageError(f"--case {either} matches nothing that had failed", fix="./goldmask check --last-failed")
    note = f"--case: only cases that match {either} were compared"
    models = tuple(name for name in selection.models if any(row[0] == name for row in rows))
    return replace(selection, models=models, rows=frozenset(rows), notes=(*selection.notes, note))


def again(report: Report, flags: CheckFlags) -> tuple[str, ...]:
    """The words behind the program's name that check what failed once more, as it was; none where nothing failed.

    Named where a few names say just that; else --last-failed, which reads the report.
    """
    failed = _failed(report)
    if not failed:
        return ()
    columns = [_column(failed, index) for index in range(4)]
    argv = ["check", *(["--suite", flags.suite] if flags.suite != "default" else [])]
    if len(columns[3]) <= MAX_CASES and set(failed) == set(product(*columns)):
        for flag, names in zip(("--model", "--pipeline", "--target", "--case"), columns, strict=True):
            argv += [word for name in names for word in (flag, name)]
    else:
        argv.append("--last-failed")
    argv += ["--across"] if flags.across else []
    for flag, typed in (("--against", flags.against), ("--variants", flags.variants)):
        argv += [flag, typed] if typed else []
    used = frozenset().union(*(find_target(name).options for name in columns[2]))
    for option in OPTIONS.values():
        value = flags.options.get(option.parameter)
        if value in (None, False, "", [], ()) or option.name not in used:
            continue
        values = value if isinstance(value, list | tuple) else [value]
        argv += [option.flag] if option.switch else [word for each in values for word in (option.flag, str(each))]
    return (*argv, *(["--out", flags.out] if flags.out else []))


def _failed(report: Report) -> list[Row]:
    """The rows that failed, each once."""
    failed = [row for row in report.comparisons if row.verdict in FAILING]
    return list(dict.fromkeys((row.model, row.pipeline, target_of(row.target), row.case) for row in failed))


def _rows(model: str, selection: Selection, cases: Iterable[str]) -> Iterable[Row]:
    return product([model], selection.pipelines, selection.targets, cases)


def _column(rows: Iterable[Row], index: int) -> list[str]:
    return list(dict.fromkeys(row[index] for row in rows))


def _ids(root: Path, model: str) -> list[str]:
    return [case.id for case in load_spec(root, model).cases]


def _example(cases: Sequence[str]) -> str:
    return f"--case {'|'.join(cases[:MAX_LISTED])}{'|…' if len(cases) > MAX_LISTED else ''}"
