"""Accepting and rejecting what pends: the only way in which a mask becomes golden."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from ..contract.errors import GoldenError, UsageError
from ..project import golden as goldens
from ..project import pending
from ..project.golden import Acceptance, alone, load_golden, problem, readable
from ..project.model import golden_folder
from .check import request_for
from .pending import Change, assets_of, golden_of

Outcome = Literal["accepted", "rejected", "golden already", "gone"]
Listener = Callable[["Decided"], object]


@dataclass(frozen=True)
class Decided:
    """What became of a change. `golden already` and `gone` are the work of another reviewer, or of a newer run."""

    change: Change
    outcome: Outcome


def at_a_desk(what: str) -> None:
    """Raise UsageError in CI, where nobody looks at a mask."""
    if os.environ.get("CI"):
        raise UsageError(
            f"{what} has no place in CI, which only checks (CI is set)",
            fix="./goldmask golden.review --from <the results of this run>, at a desk",
        )


def accept(
    root: Path, changes: Sequence[Change], reason: str, by: str, on_decided: Listener = lambda decided: None
) -> list[Decided]:
    """Make masks that pend golden, with the reason in their provenance.

    Raises GoldenError for one that is of another model or image than today's, and where a golden cannot take some of
    its cases without the others; what was accepted before that stays accepted, and `on_decided` has heard of it.
    """
    decided: list[Decided] = []
    for (store, model, pipeline), group in _grouped(changes):
        assets = assets_of(root, model)
        assert assets.model
        request = request_for(assets.model, assets.cases, group[0].pipeline, group[0].proposed.provenance.options)
        today = {case.id: case for case in request.cases}
        folder = pending.proposal_folder(store, model, pipeline)
        with alone(store):
            still, outcomes = _still_there(root, folder, group)
            proposed = load_golden(folder) if still else None
            for change in still if proposed else ():
                if change.case not in today:
                    raise GoldenError(f"{model} has no case {change.case} any more", fix="./goldmask golden.reject")
                if proposed and (error := problem(proposed, request, today[change.case])):
                    raise GoldenError(
                        f"what pends of {model} · {change.case} is not of today's files ({error.what})",
                        fix="./goldmask golden.record --mode failed",
                    )
            if proposed:
                about = {
                    each.case: Acceptance(reason=reason, by=by, at=goldens.now(), figures=each.figures)
                    for each in still
                }
                goldens.accept(proposed, about, golden_folder(root, model, pipeline), list(today))
                # A kill between these two leaves a mask that pends and is golden: it is not shown any more.
                pending.discard(store, model, pipeline, list(about))
        decided += _tell(outcomes + [Decided(each, "accepted") for each in still], on_decided)
    return decided


def reject(
    root: Path, changes: Sequence[Change], reason: str, by: str, on_decided: Listener = lambda decided: None
) -> list[Decided]:
    """Have masks pend no longer, and remember that they were rejected; `on_decided` hears of each."""
    decided: list[Decided] = []
    for (store, model, pipeline), group in _grouped(changes):
        folder = pending.proposal_folder(store, model, pipeline)
        with alone(store):
            still, outcomes = _still_there(root, folder, group)
            pending.reject(store, model, pipeline, {each.case: each.result.mask_sha256 for each in still}, reason, by)
            pending.discard(store, model, pipeline, [each.case for each in still])
        decided += _tell(outcomes + [Decided(each, "rejected") for each in still], on_decided)
    return decided


def _tell(decided: list[Decided], on_decided: Listener) -> list[Decided]:
    for each in decided:
        on_decided(each)
    return decided


def _grouped(changes: Sequence[Change]) -> Iterator[tuple[tuple[Path, str, str], list[Change]]]:
    def key(change: Change) -> tuple[Path, str, str]:
        return change.store, change.model, change.pipeline

    for each, group in groupby(sorted(changes, key=key), key):
        yield each, list(group)


def _still_there(root: Path, folder: Path, group: Sequence[Change]) -> tuple[list[Change], list[Decided]]:
    """Those that pend as they were shown, and what became of the others meanwhile."""
    there = readable(folder)
    still, others = [], []
    golden = golden_of(root, group[0].model, group[0].pipeline)
    for change in group:
        if pending.kind_of(change.proposed, golden, change.case) is None:
            others.append(Decided(change, "golden already"))
        elif there and there.bundle.result(change.case) == change.result:
            still.append(change)
        else:
            others.append(Decided(change, "gone"))
    return still, others
