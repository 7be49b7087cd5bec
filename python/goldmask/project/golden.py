"""Blessed bundles: a golden is a `python` bundle with margin maps and, in golden.json, where it comes from.

Only `bless` and `prune` write goldens. Everybody else reads them through `load_golden`, which holds the files
against the recorded hashes, and `problem`, which holds them against the model and the cases of today.
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from .. import __version__
from ..contract.bundle import (
    BUNDLE_FILE,
    MAX_JSON_BYTES,
    SCHEMA,
    Bundle,
    InputSpec,
    Orientation,
    Predicted,
    Request,
    RequestCase,
    Result,
    RuntimeInfo,
    SchemaVersion,
    files_of,
    load_bundle,
    save,
    to_json,
)
from ..contract.errors import FULL, MAKE_ROOM, GoldenError, RunError
from ..contract.files import read_file, sha256_of, write_atomically
from ..contract.options import RunOptions
from ..contract.schema import InvalidJson, Many, Name, Sha256, Strict, Text, parse_json
from ..machine import interrupts, scratch

SIDECAR = "golden.json"
# What differs from run to run.
OF_A_RUN = ("latency", "memory_init_mb", "memory_peak_mb", "memory_steady_mb")
RECORD_FIX = "./goldmask golden.record --mode all"


class Provenance(Strict):
    """golden.json: how the bundle beside it was made. The bundle itself names runtime, delegate, model and images."""

    schema_: SchemaVersion = Field(default=SCHEMA, alias="schema")
    tool: Text
    recorded_at: Text
    bundle_sha256: Sha256
    options: RunOptions
    input: InputSpec
    labels: Many[Text]
    orientations: dict[Name, Orientation] = Field(default={}, description="of the cases that replace their file's own")


@dataclass(frozen=True)
class Golden:
    """A golden on disk."""

    folder: Path
    bundle: Bundle
    provenance: Provenance


def is_golden(folder: Path) -> bool:
    """Whether a folder says that it is a golden; it may still be a damaged one, its golden.json a link to nowhere.

    Raises OSError for a folder that may not be looked into.
    """
    try:
        (folder / SIDECAR).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def load_golden(folder: Path) -> Golden:
    """Read a golden. Raises GoldenError where it is missing, or its bundle is not the one that was blessed."""
    repair(folder)
    sidecar = folder / SIDECAR
    try:
        if not is_golden(folder):
            raise GoldenError(f"there is no golden in {folder}", fix="./goldmask golden.record")
        provenance = parse_json(read_file(sidecar, MAX_JSON_BYTES), Provenance)
        bundle = load_bundle(folder)
        actual = sha256_of(folder / BUNDLE_FILE)
    except InvalidJson as error:
        raise GoldenError(f"{sidecar} is damaged: {error}", fix=RECORD_FIX) from error
    except OSError as error:
        raise GoldenError(f"{sidecar} is damaged: {error.strerror}", fix=RECORD_FIX) from error
    except RunError as error:
        raise GoldenError(f"the golden in {folder} is damaged: {error.what}", fix=RECORD_FIX) from error
    if actual != provenance.bundle_sha256:
        raise GoldenError(f"{folder / BUNDLE_FILE} was changed after it was recorded", fix=RECORD_FIX)
    return Golden(folder, bundle, provenance)


def problem(golden: Golden, request: Request, case: RequestCase) -> GoldenError | None:
    """Why a golden is no measure for a case any more, as one clause; None when it is."""
    result = golden.bundle.result(case.id)
    if result is None:
        return GoldenError(f"no golden of case {case.id} is recorded", fix="./goldmask golden.record")
    recorded = golden.provenance
    for so, stale in (
        (
            golden.bundle.model.sha256 == request.model.sha256,
            f"of model {golden.bundle.model.sha256}, the model is {request.model.sha256}",
        ),
        (golden.bundle.pipeline == request.options.pipeline, f"of pipeline {golden.bundle.pipeline}"),
        (recorded.input == request.model.input, "with another input size or normalisation"),
        (recorded.labels == request.model.labels, "with other labels"),
        (
            result.image_sha256 == case.sha256,
            f"of image {result.image_sha256}, the image is {case.sha256}",
        ),
        (recorded.orientations.get(case.id) == case.orientation, "with another orientation"),
    ):
        if not so:
            return GoldenError(f"stale: recorded {stale}", fix=RECORD_FIX)
    return None


def unused(golden: Golden, cases: Sequence[str]) -> tuple[str, ...]:
    """What is recorded but belongs to no case: names of cases, and files that the bundle does not name."""
    strangers = [result.case for result in golden.bundle.results if result.case not in cases]
    named = {BUNDLE_FILE, SIDECAR}
    named.update(*map(files_of, golden.bundle.results))
    files = (path.relative_to(golden.folder).as_posix() for path in golden.folder.rglob("*") if path.is_file())
    return (*strangers, *sorted(name for name in files if name not in named))


def bless(request: Request, source: Path, folder: Path, existing: Golden | None = None, *, merge: bool = False) -> bool:
    """Make the bundle in `source`, an answer to `request`, the golden in `folder`; False when it is that already.

    With `merge`, the other cases of `existing` stay; they come from the same runtime or GoldenError is raised.
    What differs from run to run (times, memory) is left out, so that recording the same masks again changes no
    byte. Raises RunError when a case has no mask: half a golden is none.
    """
    bundle = load_bundle(source)
    results: list[Result] = []
    files: dict[str, Path] = {}
    orientations: dict[str, int] = {}
    for case in request.cases:
        result = bundle.result(case.id)
        if not isinstance(result, Predicted):
            reason = f"{result.error.stage}: {result.error.message}" if result else "the bundle has no result of it"
            raise RunError(
                f"the golden of {request.model.name} through {request.options.pipeline} was not recorded, because "
                f"case {case.id} failed ({reason})",
                fix=f"cat {source / 'run.log'}",
            )
        results.append(result.model_copy(update=dict.fromkeys(OF_A_RUN)))
        files |= {name: source / name for name in files_of(result)}
        if case.orientation:
            orientations[case.id] = case.orientation
    if merge and existing:
        if not _same_runtime(existing.bundle.runtime, bundle.runtime):
            raise GoldenError(
                f"the goldens in {folder} come from {existing.bundle.runtime}, the new ones from {bundle.runtime}; "
                "one golden has one runtime",
                fix=RECORD_FIX,
            )
        for kept in existing.bundle.results:
            if bundle.result(kept.case) is None:
                results.append(kept)
                files |= {name: existing.folder / name for name in files_of(kept)}
                if kept.case in existing.provenance.orientations:
                    orientations[kept.case] = existing.provenance.orientations[kept.case]
    results.sort(key=lambda result: result.case)
    bundle = bundle.model_copy(update={"results": tuple(results), "conditions": None})
    provenance = Provenance(
        schema=SCHEMA,
        tool=f"goldmask {__version__}",
        recorded_at=datetime.now(UTC).isoformat(timespec="seconds"),
        bundle_sha256=_sha256(bundle),
        options=RunOptions.model_validate({key: getattr(request.options, key) for key in RunOptions.model_fields}),
        input=request.model.input,
        labels=request.model.labels,
        orientations=orientations,
    )
    if (
        existing
        and _same_runtime(existing.bundle.runtime, bundle.runtime)
        and _essence(existing.bundle, existing.provenance) == _essence(bundle, provenance)
    ):
        return False
    _write(folder, bundle, provenance, files)
    return True


def prune(golden: Golden, cases: Sequence[str]) -> tuple[str, ...]:
    """Remove what `unused` names; returns it."""
    removed = unused(golden, cases)
    if not any(result.case in cases for result in golden.bundle.results):
        _remove(golden.folder)
    elif removed:
        results = tuple(result for result in golden.bundle.results if result.case in cases)
        bundle = golden.bundle.model_copy(update={"results": results})
        provenance = golden.provenance.model_copy(update={"bundle_sha256": _sha256(bundle)})
        files = {name: golden.folder / name for result in results for name in files_of(result)}
        _write(golden.folder, bundle, provenance, files)
    return removed


def _sha256(bundle: Bundle) -> str:
    return hashlib.sha256(to_json(bundle)).hexdigest()


def _essence(bundle: Bundle, provenance: Provenance) -> tuple[object, ...]:
    """What makes two goldens of one runtime the same: not the hour, nor the machine, nor the version of this tool."""
    made = (provenance.options, provenance.input, provenance.labels, provenance.orientations)
    return (bundle.model, bundle.pipeline, bundle.results, *made)


def _same_runtime(one: RuntimeInfo, other: RuntimeInfo) -> bool:
    # Not every golden says how many nodes the delegate took: that would make another one of every older golden.
    if one.nodes is None or other.nodes is None:
        one, other = (each.model_copy(update={"nodes": None}) for each in (one, other))
    return one == other


def repair(folder: Path) -> None:
    """Put a golden back that a killed run had moved aside and not yet replaced. Raises GoldenError where it cannot.

    That run's own golden is given up: what nobody was told of is not blessed.
    """
    folder = Path(os.path.realpath(folder))
    aside = _aside(folder)
    scratch.clean(folder.parent)
    if not aside.exists():
        return
    try:
        with _alone(folder.parent), interrupts.held():
            if folder.exists():
                shutil.rmtree(aside, ignore_errors=True)
            elif aside.exists():
                aside.rename(folder)
    except OSError as error:
        raise GoldenError(
            f"the golden in {folder} is in {aside} and cannot be put back: {error.strerror}",
            fix=f"mv {aside} {folder}",
        ) from error


def folders_of(goldens: Path) -> list[Path]:
    """The goldens in a model's folder of them, by pipeline."""
    for aside in goldens.glob(".*.old"):
        repair(goldens / aside.name[1 : -len(".old")])
    return sorted(path for path in goldens.glob("[!.]*") if path.is_dir())


def golden_around(folder: Path) -> Path | None:
    """The golden that a folder is, is inside of, or has directly in it; None where results can be written."""
    real = Path(os.path.realpath(folder))
    inside = sorted(real.iterdir()) if real.is_dir() else []
    return next((each for each in (real, *real.parents, *inside) if os.path.lexists(each / SIDECAR)), None)


def _aside(folder: Path) -> Path:
    """Where a golden is for the moment in which another takes its place."""
    return folder.with_name(f".{folder.name}.old")


def _write(folder: Path, bundle: Bundle, provenance: Provenance, files: dict[str, Path]) -> None:
    """Write a golden beside its place, then put it there; a golden is never half old and half new."""
    folder = folder.resolve()  # a link stays one
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch.scratch_folder(folder.parent) as beside:
            new = beside / "new"
            for name, path in files.items():
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, new / name)
            save(bundle, new / BUNDLE_FILE)
            write_atomically(new / SIDECAR, to_json(provenance))
            repair(folder)
            if folder.exists() and not folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            with _alone(folder.parent), interrupts.held():
                aside = _aside(folder)
                if folder.exists():
                    folder.rename(aside)
                try:
                    new.rename(folder)
                except OSError:
                    if aside.exists():
                        aside.rename(folder)
                    raise
                if aside.exists():
                    aside.rename(beside / "old")  # whole, or gone with that folder
    except OSError as error:
        raise GoldenError(
            f"the golden in {folder} cannot be written: {error.strerror}",
            fix=MAKE_ROOM if error.errno in FULL else f"ls -ld {folder.parent}",
        ) from error


def _remove(folder: Path) -> None:
    """Remove a golden, and the folder of a model's goldens if it was the last."""
    real = folder.resolve()
    try:
        with scratch.scratch_folder(real.parent) as beside, _alone(real.parent):
            real.rename(beside / "old")
        if folder.is_symlink():
            folder.unlink()
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()
    except OSError as error:
        raise GoldenError(
            f"the golden in {folder} cannot be removed: {error.strerror}", fix=f"ls -ld {folder.parent}"
        ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other goldmask exchanges goldens in `folder` meanwhile, on file systems that have locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
