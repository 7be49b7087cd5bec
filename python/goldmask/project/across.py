"""Goldens of another model, or of another commit, as what today's masks are compared with on purpose."""

import tarfile
from pathlib import Path

from ..contract.bundle import Request, RequestCase
from ..contract.errors import GoldenError
from ..machine import git
from .golden import Golden
from .model import golden_folder

GOLDENS = ":(glob)models/*/goldens*/**"


def comparable(golden: Golden, request: Request, case: RequestCase) -> bool:
    """Whether a golden is of another model, and all else that a mask depends on but normalisation is as today."""
    result, origin = golden.bundle.result(case.id), golden.origin(case.id)
    size, size_now = ((each.height, each.width) for each in (origin.input, request.model.input))
    return (
        result is not None
        and origin.model_sha256 != request.model.sha256
        and size == size_now
        and golden.bundle.pipeline == request.options.pipeline
        and golden.provenance.labels == request.model.labels
        and result.image_sha256 == case.sha256
        and golden.provenance.orientations.get(case.id) == case.orientation
    )


def goldens_of(root: Path, ref: str, into: Path, *, merge_base: bool) -> str:
    """Put the goldens that a commit has into a folder, as they lie in a project; returns the commit's sha1.

    With `merge_base` it is the commit from which today's and `ref` went different ways. Raises GoldenError.
    """
    commit = git.commit_of(root, ref, merge_base=merge_base)
    archive = into / "goldens.tar"
    if not commit or not git.archive(root, commit, GOLDENS, archive):
        what = f"there is no commit {ref!r} in {root}" if not commit else f"{ref} ({commit[:12]}) has no goldens"
        raise GoldenError(what, fix="git fetch --unshallow, or --against <another commit>")
    with tarfile.open(archive) as files:
        files.extractall(into, filter="data")
    archive.unlink()
    return commit


def golden_in(project: Path, root: Path, name: str, pipeline: str) -> Path:
    """Where a model's golden for a pipeline lies in `root`, which is `project` or has its goldens of another commit."""
    return root / golden_folder(project, name, pipeline).relative_to(project)
