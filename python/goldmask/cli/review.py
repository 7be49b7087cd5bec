"""`golden.review`, `golden.accept`, `golden.reject` and `golden.pending`."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.text import Text

from ..contract.errors import ExitCode, GoldenError, RunError, UsageError
from ..machine.git import user_name
from ..project.config import load_config
from ..project.pending import STORE, store_in
from ..workflows.accept import Decided, Listener, accept, at_a_desk, reject
from ..workflows.pending import Change, look
from .console import new_table, out, tell
from .folders import from_here, root
from .keys import Keyboard, interactive
from .pictures import Pictures

Decide = Callable[[Path, Sequence[Change], str, str, Listener], list[Decided]]
KEYS = "[a]ccept  [r]eject  [s]kip  accept a[l]l that are left  [q]uit"


def list_pending(models: list[str], cases: list[str], source: str) -> ExitCode:
    """`golden.pending`: what waits for a decision."""
    changes = _changes(models, cases, source)
    for change in changes:
        tell(f"{change.model} {change.pipeline} {change.case}: {change.sentence()}")
        tell(f"picture: {from_here(change.picture)}")
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
    if not interactive():
        raise UsageError(
            "golden.review needs a terminal",
            fix="./goldmask golden.pending, then ./goldmask golden.accept --case ID --reason TEXT",
        )
    changes = _changes(models, cases, source)
    if not changes:
        tell("nothing pends" + (" of these" if models or cases else ""))
        return ExitCode.OK
    desk = _Desk(reason)
    for number, change in enumerate(changes, start=1):
        if desk.left:
            break
        try:
            _show(change, f"{number} of {len(changes)}", desk.pictures)
        except RunError as error:  # another reviewer may decide meanwhile; a key then tells what became of it
            tell(error.what, "yellow")
        desk.decide(changes[number - 1 :])
    left = _changes(models, cases, source)
    tell(f"{desk.decided} decided, {len(left)} still pending")
    return ExitCode.GOLDEN if left else ExitCode.OK


class _Desk:
    """Who reviews: what was decided so far, and the reasons; `left` once nothing more is to be shown."""

    def __init__(self, reason: str) -> None:
        self.keyboard, self.pictures = Keyboard(), Pictures()
        self.decided, self.left = 0, False
        self._by = user_name(root())
        self._given = reason.strip()
        self._reasons = {"a": self._given, "r": self._given}

    def decide(self, changes: Sequence[Change]) -> None:
        """Ask for a key until the first of the changes is decided, skipped, or the review ended."""
        while True:
            key = self.keyboard.key(f"{KEYS}: ", "arslq")
            if key in "sq":
                self.left = key == "q"
                return
            verb = "r" if key == "r" else "a"
            if reason := self._reason(verb):
                break
            tell("no reason, so nothing is decided", "yellow")
        chosen = changes if key == "l" else changes[:1]
        self.left = key == "l"
        try:
            (reject if verb == "r" else accept)(root(), chosen, reason, self._by, self._count)
        except GoldenError as error:
            tell(f"{error}", "yellow")

    def _reason(self, verb: str) -> str:
        """Asked for once where masks are accepted, and of each that is rejected, where Enter takes the last one."""
        last = self._reasons[verb]
        if last and (verb == "a" or self._given):
            return last
        typed = self.keyboard.line(f"reason [{last}]: " if last else "reason: ")
        if typed is None:
            return ""
        self._reasons[verb] = typed or last
        return self._reasons[verb]

    def _count(self, decided: Decided) -> None:
        self.decided += decided.outcome in ("accepted", "rejected")
        _tell(decided)


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
    decide(root(), changes, reason, user_name(root()), _tell)
    return ExitCode.OK


def _changes(models: list[str], cases: list[str], source: str) -> list[Change]:
    """What pends in the project, or in a folder of results."""
    if source and not Path(source).is_dir():
        raise UsageError(f"--from {source!r} is no folder", fix="--from <the results of a check>")
    store = store_in(Path(source)) if source else root() / STORE
    return look(root(), load_config(root()), store, models, cases)


def _tell(decided: Decided) -> None:
    change = decided.change
    tell(f"{decided.outcome:14} {change.model} {change.pipeline} {change.case}")


def _show(change: Change, which: str, pictures: Pictures) -> None:
    out.print()
    tell(f"{which}: {change.model} · {change.pipeline} · {change.case}", "bold")
    pictures.show(change.picture)
    tell(f"picture: {from_here(change.picture)}")
    tell(change.sentence())
    if change.metrics and change.metrics.differing:
        table = new_table("class", "IoU", "boundary F", "area")
        for label, iou in change.metrics.class_iou.items():
            grown = change.metrics.area_change[label]
            area = "appears" if grown is None else f"{grown:+.1%}"
            table.add_row(*map(Text, (label, f"{iou:.4f}", f"{change.metrics.class_boundary_f[label]:.4f}", area)))
        out.print(table)
    elif change.kind == "new":
        table = new_table("class", "area")
        for label, share in change.areas.items():
            table.add_row(Text(label), Text(f"{share:.1%}"))
        out.print(table)
