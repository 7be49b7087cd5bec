"""`golden.review`, `golden.accept`, `golden.reject` and `golden.pending`."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ..contract.errors import ExitCode, UsageError
from ..machine.git import user_name
from ..project.config import load_config
from ..project.pending import STORE, store_in
from ..workflows.accept import Decided, accept, at_a_desk, reject
from ..workflows.pending import Change, look
from .console import out, tell
from .folders import root

Decide = Callable[[Path, Sequence[Change], str, str], list[Decided]]
KEYS = "[a]ccept  [r]eject  [s]kip  accept a[l]l that are left  [q]uit"


def list_pending(models: list[str], cases: list[str], source: str) -> ExitCode:
    """`golden.pending`: what waits for a decision."""
    changes = _changes(models, cases, source)
    for change in changes:
        tell(f"{change.model} {change.pipeline} {change.case}: {change.sentence()}")
        tell(f"picture: {change.picture}")
    if not changes:
        tell("nothing pends")
        return ExitCode.OK
    tell(f"{len(changes)} pending (exit {ExitCode.GOLDEN:d})")
    return ExitCode.GOLDEN


def accept_pending(models: list[str], cases: list[str], everything: bool, reason: str, source: str) -> ExitCode:
    """`golden.accept`."""
    return _decide("golden.accept", accept, models, cases, everything, reason, source)


def reject_pending(models: list[str], cases: list[str], everything: bool, reason: str, source: str) -> ExitCode:
    """`golden.reject`."""
    return _decide("golden.reject", reject, models, cases, everything, reason, source)


def review_pending(models: list[str], cases: list[str], reason: str, source: str) -> ExitCode:
    """`golden.review`: one after the other, in a terminal."""
    at_a_desk("golden.review")
    if not sys.stdin.isatty():
        raise UsageError("golden.review needs a terminal", fix="./goldmask golden.accept --case ID --reason TEXT")
    changes = _changes(models, cases, source)
    by, decided = user_name(root()), 0
    for number, change in enumerate(changes, start=1):
        _show(change, f"{number} of {len(changes)}")
        key = _key()
        if key == "q":
            break
        if key == "s":
            continue
        reason = reason or _ask("reason: ")
        chosen = changes[number - 1 :] if key == "l" else [change]
        decided += _print((reject if key == "r" else accept)(root(), chosen, reason, by))
        if key == "l":
            break
    left = _changes(models, cases, source)
    tell(f"{decided} decided, {len(left)} still pending" if changes else "nothing pends")
    return ExitCode.GOLDEN if left else ExitCode.OK


def _decide(
    task: str, decide: Decide, models: list[str], cases: list[str], everything: bool, reason: str, source: str
) -> ExitCode:
    at_a_desk(task)
    if not (models or cases or everything):
        raise UsageError(f"{task} needs to know which masks", fix=f"./goldmask {task} --all --reason TEXT")
    if not reason.strip():
        raise UsageError(f"{task} needs a reason, which is kept", fix=f"./goldmask {task} … --reason TEXT")
    changes = _changes(models, cases, source)
    if not changes:
        tell("nothing pends" + (" of these" if models or cases else ""))
        return ExitCode.OK
    _print(decide(root(), changes, reason, user_name(root())))
    return ExitCode.OK


def _changes(models: list[str], cases: list[str], source: str) -> list[Change]:
    """What pends in the project, or in a folder of results."""
    if source and not Path(source).is_dir():
        raise UsageError(f"--from {source!r} is no folder", fix="--from <the results of a check>")
    store = store_in(Path(source)) if source else root() / STORE
    return look(root(), load_config(root()), store, models, cases)


def _print(decided: Sequence[Decided]) -> int:
    for each in decided:
        tell(f"{each.outcome:14} {each.change.model} {each.change.pipeline} {each.change.case}")
    return len(decided)


def _show(change: Change, which: str) -> None:
    out.print()
    tell(f"{which}: {change.model} · {change.pipeline} · {change.case}", "bold")
    tell(change.sentence())
    if change.metrics and change.metrics.differing:
        table = Table("class", "IoU", "boundary F", "area", box=None, header_style="bold")
        for label, iou in change.metrics.class_iou.items():
            grown = change.metrics.area_change[label]
            area = "appears" if grown is None else f"{grown:+.1%}"
            table.add_row(*map(Text, (label, f"{iou:.4f}", f"{change.metrics.class_boundary_f[label]:.4f}", area)))
        out.print(table)
    tell(f"picture: {change.picture}")


def _key() -> str:
    while True:
        answer = _ask(f"{KEYS}: ").strip().lower()[:1]
        if answer and answer in "arslq":
            return answer


def _ask(prompt: str) -> str:
    """A line from the terminal; its end is a `q`."""
    try:
        return input(prompt)
    except EOFError:
        return "q"
