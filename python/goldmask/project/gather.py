"""A model and its cases, brought to this machine as far as they can be had."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from ..contract.bundle import RequestCase
from ..contract.errors import EnvironmentMissing, GoldmaskError
from ..contract.image import upright_size
from ..machine.fetch import Progress as OnProgress
from ..machine.fetch import Source, fetch, repinned
from ..machine.progress import Progress
from ..machine.resources import typed
from .case import Case, fetch_case
from .clip import frames_before
from .ignored import Ignored
from .model import Model, ModelSpec, fetch_model, load_spec, model_folder


@dataclass(frozen=True)
class Assets:
    """A model and those of its cases that are on this machine; `missing` says why the others are not.

    A ground truth that cannot be had is one of the `notes`: its case can be judged without. `before` has the frame
    before each frame of a clip.
    """

    model: Model | None
    cases: tuple[RequestCase, ...]
    missing: dict[str, GoldmaskError]
    truths: dict[str, Path] = field(default_factory=dict)
    ignored: dict[str, Ignored] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    before: dict[str, str] = field(default_factory=dict)


def gather(root: Path, name: str, spec: ModelSpec, progress: Progress) -> Assets:
    """Fetch a model and its cases; what cannot be had is in `missing`, with the reason."""
    try:
        model = fetch_model(root, name, spec, progress.download)
    except EnvironmentMissing as error:
        return Assets(None, (), {case.id: error for case in spec.cases})
    cases: list[RequestCase] = []
    missing: dict[str, GoldmaskError] = {}
    truths: dict[str, Path] = {}
    ignored: dict[str, Ignored] = {}
    notes: list[str] = []
    folder = model_folder(root, name)
    value = model.request().output.ignore if spec.ignore is not None else None
    for case in spec.cases:
        try:
            fetched = fetch_case(case, folder, progress.download)
            # A region that cannot be had leaves open what counts: its case cannot be judged.
            ignored[case.id] = ignored_of(case, spec, value, folder, progress.download)
            cases.append(fetched)
        except EnvironmentMissing as error:
            missing[case.id] = error
            continue
        try:
            if case.truth:
                truths[case.id] = fetch(case.truth, folder, progress.download)
        except EnvironmentMissing as error:
            notes.append(f"{name} · {case.id} is not scored against its ground truth: {error.what}")
    notes += other_than_pinned(name, spec, folder)
    return Assets(model, tuple(cases), missing, truths, ignored, tuple(notes), frames_before(spec.cases))


def ignores(spec: ModelSpec, case: Case) -> bool:
    """Whether a model.toml leaves anything out of the counts of a case."""
    values = (spec.ignore, case.ignore)
    return any(value is not None for value in values) or bool(case.ignore_mask or case.ignore_polygons)


def find_ignored(root: Path, name: str, cases: Collection[str]) -> dict[str, Ignored]:
    """What is left out of every count of some of a declared model's cases.

    Only what that takes is fetched: nothing, where model.toml leaves nothing out. Raises as fetch_model, fetch_case and
    upright_size do, since what is ignored must not be guessed.
    """
    spec, folder = load_spec(root, name), model_folder(root, name)
    chosen = [case for case in spec.cases if case.id in cases and ignores(spec, case)]
    value = fetch_model(root, name, spec).request().output.ignore if chosen and spec.ignore is not None else None
    return {case.id: ignored_of(case, spec, value, folder) for case in chosen}


def ignored_of(
    case: Case, spec: ModelSpec, value: int | None, folder: Path, on_progress: OnProgress | None = None
) -> Ignored:
    """What is left out of every count of a case, and of the class map's pixels those of `value`.

    Raises as fetch does, and ImageError for an image without a size.
    """
    size = (1, 1)
    if case.ignore_polygons:
        size = upright_size(Path(fetch_case(case, folder, on_progress).file), case.orientation)
    return Ignored(
        value=value,
        truth=spec.ignore if case.ignore is None else case.ignore,
        mask=fetch(case.ignore_mask, folder, on_progress) if case.ignore_mask else None,
        polygons=case.ignore_polygons,
        size=size,
    )


def other_than_pinned(name: str, spec: ModelSpec, folder: Path) -> list[str]:
    """A sentence for each file beside a model.toml whose sha256 there is another."""
    sources: list[Source] = [spec.model, *spec.cases, *(case.truth for case in spec.cases if case.truth)]
    sources += [case.ignore_mask for case in spec.cases if case.ignore_mask]
    return [
        f"{name}: {source.file} is another file than model.toml pins, {source.pin[:12]}… → {actual[:12]}… "
        + typed(f"(./goldmask models.pin --model {name} declares it)")
        for source in sources
        if (actual := repinned(source, folder))
    ]
