"""Blessed bundles: a golden is a `python` bundle with margin maps and, in golden.json, where it comes from.

Only `accept` and `prune` write goldens; `propose` writes what one would be. Everybody else reads them through
`load_golden`, which holds the files against the recorded hashes, and `problem`, which holds them against the model and
the cases of today.
"""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
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
from ..contract.schema import Count, InvalidJson, Many, Name, Sha256, Strict, Text, parse_json
from ..contract.tensors import InputSpec
from ..machine import interrupts, scratch

SIDECAR = "golden.json"
# What differs from run to run.
OF_A_RUN = ("latency", "memory_init_mb", "memory_peak_mb", "memory_steady_mb")
RECORD_FIX = "./goldmask golden.record --mode all"


class Figures(Strict):
    """How a mask differed from the golden that it replaced."""

    pixels: Count
    differing: Count
    confident_flips: Count | None
    agreement: float
    miou: float


class Acceptance(Strict):
    """Who accepted a mask, when and why; no figures where there was nothing to compare it with."""

    reason: Text
    by: Text = Field(default="", description="git's user.name; empty where there is none")
    at: Text
    figures: Figures | None = None


class Origin(Strict):
    """Which model made a mask, and how its input was normalised."""

    model_sha256: Sha256
    input: InputSpec


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
    origins: dict[Name, Origin] = Field(
        default={}, description="of the cases that are of another model than the bundle"
    )
    accepted: dict[Name, Acceptance] = Field(default={}, description="who accepted which mask, and why")


@dataclass(frozen=True)
class Golden:
    """A golden on disk."""

    folder: Path
    bundle: Bundle
    provenance: Provenance

    def origin(self, case: str | None) -> Origin:
        """What made a case's mask; of None, what made all that are not an exception."""
        general = Origin(model_sha256=self.bundle.model.sha256, input=self.provenance.input)
        return self.provenance.origins.get(case, general) if case else general

    def as_of(self, case: str) -> Bundle:
        """The bundle, with the model that made a case's mask."""
        model = self.bundle.model.model_copy(update={"sha256": self.origin(case).model_sha256})
        return self.bundle if model == self.bundle.model else self.bundle.model_copy(update={"model": model})


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
    recorded, origin = golden.provenance, golden.origin(case.id)
    for so, stale in (
        (
            origin.model_sha256 == request.model.sha256,
            f"of model {origin.model_sha256}, the model is {request.model.sha256}",
        ),
        (golden.bundle.pipeline == request.options.pipeline, f"of pipeline {golden.bundle.pipeline}"),
        (origin.input == request.model.input, "with another input size or normalisation"),
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


def propose(request: Request, source: Path, folder: Path) -> Golden:
    """Write the bundle in `source`, an answer to `request`, to `folder` as the golden that it would be.

    What differs from run to run (times, memory) is left out, so that the same masks are the same bytes. Cases that
    `folder` proposes already stay where they are of the same model and runtime. Raises RunError when a case has no
    mask: half a golden is none.
    """
    bundle = load_bundle(source)
    results: list[Result] = []
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
    made = Golden(
        source,
        bundle.model_copy(update={"results": tuple(results), "conditions": None}),
        Provenance(
            schema=SCHEMA,
            tool=f"goldmask {__version__}",
            recorded_at=now(),
            bundle_sha256=_sha256(bundle),
            options=RunOptions.model_validate({key: getattr(request.options, key) for key in RunOptions.model_fields}),
            input=request.model.input,
            labels=request.model.labels,
            orientations={case.id: case.orientation for case in request.cases if case.orientation},
        ),
    )
    before = readable(folder)
    if before and (unlike(before, made) or before.origin(None) != made.origin(None)):
        before = None
    return _merge(made, before, folder)


def accept(proposed: Golden, accepted: Mapping[str, Acceptance], folder: Path, declared: Sequence[str]) -> None:
    """Make proposed masks those of the golden in `folder`; the other cases of the golden stay as they are.

    Raises GoldenError where they cannot: a golden has one runtime and one list of labels. Cases that are no longer
    `declared` are left out then.
    """
    model = folder.parent.parent
    with alone(model):
        existing = (
            readable(folder) if set(declared) <= set(accepted) else load_golden(folder) if folder.exists() else None
        )
        kept = existing and narrowed(
            existing, [each.case for each in existing.bundle.results if each.case not in accepted]
        )
        if kept and (why := unlike(kept, proposed)):
            if left := [each.case for each in kept.bundle.results if each.case in declared]:
                raise GoldenError(
                    f"the goldens in {folder} {why}; {', '.join(left)} would stay as they are, and one golden has one "
                    "runtime and one list of labels",
                    fix=f"{RECORD_FIX}, and accept all",
                )
            kept = None
        chosen = narrowed(proposed, tuple(accepted))
        about = {**(kept.provenance.accepted if kept else {}), **accepted}
        provenance = chosen.provenance.model_copy(update={"accepted": about})
        _merge(Golden(chosen.folder, chosen.bundle, provenance), kept, folder)


def narrowed(golden: Golden, cases: Sequence[str]) -> Golden:
    """A golden with some of its cases only; its files are where they were."""
    results = tuple(each for each in golden.bundle.results if each.case in cases)
    provenance = golden.provenance
    only = {
        name: {case: value for case, value in getattr(provenance, name).items() if case in cases}
        for name in ("orientations", "accepted", "origins")
    }
    return Golden(
        golden.folder, golden.bundle.model_copy(update={"results": results}), provenance.model_copy(update=only)
    )


def unlike(golden: Golden, other: Golden) -> str:
    """Why cases of two goldens cannot be in one, as the end of a sentence; empty where they can."""
    runtimes = [golden.bundle.runtime, other.bundle.runtime]
    if golden.bundle.model.sha256 != other.bundle.model.sha256:  # of whose nodes a delegate takes others
        runtimes = [each.model_copy(update={"nodes": None}) for each in runtimes]
    if not same_runtime(*runtimes):
        return f"come from {golden.bundle.runtime}, the new ones from {other.bundle.runtime}"
    if golden.provenance.labels != other.provenance.labels:
        return "have other labels than the new ones"
    return "" if golden.bundle.pipeline == other.bundle.pipeline else "are of another pipeline"


def readable(folder: Path) -> Golden | None:
    """A golden that is there and whole; None where it is not, or is damaged."""
    try:
        return load_golden(folder)
    except GoldenError:
        return None


def _merge(golden: Golden, kept: Golden | None, folder: Path) -> Golden:
    """Write a golden to `folder` with the other cases of `kept`, each with the model and the input that it is of."""
    results = {each.case: each for each in golden.bundle.results}
    files = {name: golden.folder / name for each in results.values() for name in files_of(each)}
    origins: dict[str, Origin] = {}
    orientations = dict(golden.provenance.orientations)
    for each in kept.bundle.results if kept else ():
        if kept and each.case not in results:
            results[each.case] = each
            files |= {name: kept.folder / name for name in files_of(each)}
            if (origin := kept.origin(each.case)) != golden.origin(None):
                origins[each.case] = origin
            if each.case in kept.provenance.orientations:
                orientations[each.case] = kept.provenance.orientations[each.case]
    bundle = golden.bundle.model_copy(update={"results": tuple(results[case] for case in sorted(results))})
    provenance = golden.provenance.model_copy(
        update={"bundle_sha256": _sha256(bundle), "orientations": orientations, "origins": origins}
    )
    _write(folder, bundle, provenance, files)
    return Golden(folder, bundle, provenance)


def now() -> str:
    """The time as goldens have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def prune(golden: Golden, cases: Sequence[str]) -> tuple[str, ...]:
    """Remove what `unused` names; returns it."""
    removed = unused(golden, cases)
    if not any(result.case in cases for result in golden.bundle.results):
        _remove(golden.folder)
    elif removed:
        left = narrowed(golden, cases)
        provenance = left.provenance.model_copy(update={"bundle_sha256": _sha256(left.bundle)})
        files = {name: golden.folder / name for result in left.bundle.results for name in files_of(result)}
        _write(golden.folder, left.bundle, provenance, files)
    return removed


def _sha256(bundle: Bundle) -> str:
    return hashlib.sha256(to_json(bundle)).hexdigest()


def same_runtime(one: RuntimeInfo, other: RuntimeInfo) -> bool:
    """Whether two goldens come from one runtime."""
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
        with alone(folder.parent), interrupts.held():
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
            with alone(folder.parent), interrupts.held():
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
        with scratch.scratch_folder(real.parent) as beside, alone(real.parent):
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
def alone(folder: Path) -> Iterator[None]:
    """No other goldmask exchanges goldens in `folder` meanwhile, on file systems that have locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
