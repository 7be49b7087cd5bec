"""What pends: masks of the reference that are not the golden ones, until somebody accepts or rejects them.

A store is a folder, `build/pending` of a project or `pending` of a check's results: `bundles/<model>/<pipeline>/` is
what the golden would be, `pictures/` shows it on the photographs, `rejected.json` remembers which masks were rejected.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from ..contract.bundle import MAX_JSON_BYTES, SCHEMA, Predicted, Request, SchemaVersion
from ..contract.files import read_file, write_atomically
from ..contract.schema import InvalidJson, Many, Name, Sha256, Strict, Text, parse_json
from .golden import Golden, alone, folders_of, load_golden, now, propose, prune, readable, same_runtime

STORE = Path("build/pending")
REJECTED = "rejected.json"
Kind = Literal["new", "changed", "same mask"]


class Rejection(Strict):
    """A mask that somebody did not accept."""

    model: Name
    pipeline: Name
    case: Name
    mask_sha256: Sha256
    reason: Text
    by: Text = ""
    at: Text


class Rejections(Strict):
    """rejected.json."""

    schema_: SchemaVersion = Field(default=SCHEMA, alias="schema")
    masks: Many[Rejection] = ()


def store_in(folder: Path) -> Path:
    """The store of a folder that a check wrote its results to, of a CI run's artefact for example."""
    return folder / "pending" if (folder / "pending").is_dir() else folder


def proposal_folder(store: Path, model: str, pipeline: str) -> Path:
    """Where a store has what a golden would be."""
    return store / "bundles" / model / pipeline


def picture_of(store: Path, model: str, pipeline: str, case: str) -> Path:
    """Where a store has the picture of a mask that pends."""
    return store / "pictures" / f"{model}.{pipeline}.{case}.png"


def put(store: Path, request: Request, source: Path) -> Golden:
    """Have the results of a bundle pend, beside those that pend already. Raises RunError where a case has no mask."""
    store.mkdir(parents=True, exist_ok=True)
    with alone(store):
        proposed = propose(request, source, proposal_folder(store, request.model.name, request.options.pipeline))
        cases = {case.id for case in request.cases}
        _forget(store, request.model.name, request.options.pipeline, cases)
    return proposed


def discard(store: Path, model: str, pipeline: str, cases: Sequence[str]) -> None:
    """Have cases pend no longer; whoever calls this is `alone` with the store."""
    folder = proposal_folder(store, model, pipeline)
    if cases and folder.is_dir():
        proposed = load_golden(folder)
        prune(proposed, [each.case for each in proposed.bundle.results if each.case not in cases])
    for case in cases:
        picture_of(store, model, pipeline, case).unlink(missing_ok=True)


def settle(store: Path, model: str, pipeline: str, cases: Sequence[str]) -> None:
    """`discard`, by who is not alone with the store yet; nothing happens where nothing pends."""
    folder = proposal_folder(store, model, pipeline)
    if folder.is_dir():
        with alone(store):
            discard(store, model, pipeline, [case for case in cases if case in known(folder)])


def known(folder: Path) -> set[str]:
    """The cases that a proposal has; none where it is damaged or gone."""
    there = readable(folder)
    return {each.case for each in there.bundle.results} if there else set()


def proposals(store: Path) -> list[tuple[str, Golden]]:
    """All that pends: the model's name, and what its golden of a pipeline would be. Raises GoldenError."""
    models = sorted(path for path in (store / "bundles").glob("[!.]*") if path.is_dir())
    return [(model.name, load_golden(folder)) for model in models for folder in folders_of(model)]


def kind_of(proposed: Golden, golden: Golden | None, case: str) -> Kind | None:
    """How a proposed mask differs from the golden one; None where the golden has it already."""
    result = proposed.bundle.result(case)
    before = golden.bundle.result(case) if golden else None
    if golden is None or not isinstance(before, Predicted) or not isinstance(result, Predicted):
        return "new"
    if result.mask_sha256 != before.mask_sha256:
        return "changed"
    same = (
        result == before
        and same_runtime(proposed.bundle.runtime, golden.bundle.runtime)
        and proposed.origin(case) == golden.origin(case)
        and proposed.provenance.labels == golden.provenance.labels
        and proposed.provenance.orientations.get(case) == golden.provenance.orientations.get(case)
    )
    return None if same else "same mask"


def rejections(store: Path) -> Rejections:
    """What was rejected; nothing where that cannot be read any more."""
    try:
        return parse_json(read_file(store / REJECTED, MAX_JSON_BYTES), Rejections)
    except (OSError, InvalidJson):
        return Rejections(schema=SCHEMA)


def rejection_of(store: Path, model: str, pipeline: str, case: str, mask_sha256: str) -> Rejection | None:
    """The rejection of a mask."""
    wanted = (model, pipeline, case, mask_sha256)
    found = (
        each for each in rejections(store).masks if (each.model, each.pipeline, each.case, each.mask_sha256) == wanted
    )
    return next(found, None)


def reject(store: Path, model: str, pipeline: str, masks: dict[str, str], reason: str, by: str) -> None:
    """Remember that masks, by their cases, were rejected; whoever calls this is `alone` with the store."""
    _forget(store, model, pipeline, set(masks))
    new = tuple(
        Rejection(model=model, pipeline=pipeline, case=case, mask_sha256=mask, reason=reason, by=by, at=now())
        for case, mask in masks.items()
    )
    _save(store, (*rejections(store).masks, *new))


def _forget(store: Path, model: str, pipeline: str, cases: set[str]) -> None:
    before = rejections(store).masks
    left = tuple(each for each in before if (each.model, each.pipeline) != (model, pipeline) or each.case not in cases)
    if left != before:
        _save(store, left)


def _save(store: Path, masks: tuple[Rejection, ...]) -> None:
    data = Rejections(schema=SCHEMA, masks=masks).model_dump_json(by_alias=True, indent=2).encode()
    write_atomically(store / REJECTED, data + b"\n")
