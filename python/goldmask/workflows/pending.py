"""Changes that pend: what the reference predicts today and is not golden, with what speaks for and against it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import numpy as np

from ..contract.bundle import Bundle, Predicted, Request, margin_of, mask_of
from ..contract.errors import ConfigError, GoldmaskError, UsageError, meant
from ..contract.files import write_atomically
from ..contract.image import decode
from ..contract.mask import read_mask
from ..contract.options import Pipeline
from ..machine.progress import Progress
from ..project import pending
from ..project.config import Compared, Config, Tolerances, tolerances_for
from ..project.gather import Assets, gather, ignores
from ..project.golden import Figures, Golden, problem, readable
from ..project.ignored import NOTHING, Ignored, highest_class, with_ignored
from ..project.model import golden_folder, load_spec, model_names
from ..project.pending import Kind
from ..report.overlay import overlay
from ..targets.target import REFERENCE
from ..verdict.metrics import Metrics, TruthScores, distinct, measure, truth_scores
from ..verdict.reason import unknown_class


@dataclass(frozen=True)
class Change:
    """A mask that pends, and the golden of today, if that has one of the case.

    `ignore` is left out of its figures; None where what is ignored cannot be had, and then nothing is counted.
    """

    store: Path
    model: str
    pipeline: Pipeline
    case: str
    kind: Kind
    proposed: Golden
    golden: Golden | None
    tolerances: Tolerances
    truth: Path | None = None
    ignore: Ignored | None = NOTHING

    @property
    def picture(self) -> Path:
        """The mask on its photograph."""
        return pending.picture_of(self.store, self.model, self.pipeline, self.case)

    @property
    def result(self) -> Predicted:
        """What pends."""
        result = self.proposed.bundle.result(self.case)
        assert isinstance(result, Predicted)
        return result

    @property
    def metrics(self) -> Metrics | None:
        """How the masks differ; None where they cannot be laid over each other, or nothing is there to compare with."""
        return None if isinstance(self._measured, str) else self._measured

    @cached_property
    def _measured(self) -> Metrics | str:
        """The metrics, or why there are none, as a clause."""
        unlike = "another size or other labels than the golden"
        before = self.golden.bundle.result(self.case) if self.golden else None
        if self.golden is None or not isinstance(before, Predicted) or before.mask_size != self.result.mask_size:
            return unlike
        labels = self.proposed.provenance.labels
        if self.golden.provenance.labels != labels:
            return unlike
        if self.ignore is None:
            return "what is ignored cannot be had, so nothing was compared"
        expected, actual = mask_of(self.golden.folder, before), mask_of(self.proposed.folder, self.result)
        ignored = self.ignore.pixels(expected)
        if ignored is not None and ignored.all():
            return "every pixel is ignored, so nothing was compared"
        highest = max(highest_class(mask, self.ignore.value) for mask in (expected, actual))
        if highest >= len(labels):
            return unknown_class("a mask", highest, len(labels))
        named, margin = with_ignored(labels, self.ignore.value), margin_of(self.golden.folder, before)
        return measure(expected, actual, margin, named, self.tolerances, ignored)

    @cached_property
    def scores(self) -> TruthScores | None:
        """mIoU with the ground truth, of the golden and of what pends; of that alone, twice, where it is new."""
        before = self.golden.bundle.result(self.case) if self.golden else None
        if self.truth is None or self.ignore is None or (self.metrics is None and self.kind != "new"):
            return None
        actual = expected = mask_of(self.proposed.folder, self.result)
        if self.golden and isinstance(before, Predicted):
            expected = mask_of(self.golden.folder, before)
        truth = read_mask(self.truth)
        if highest_class(truth, self.ignore.truth) >= len(self.proposed.provenance.labels):
            return None
        return truth_scores(truth, expected, actual, self.ignore.truth, self.ignore.pixels(expected))

    @property
    def areas(self) -> dict[str, float]:
        """The share of the mask that each class has, of those that it has."""
        mask = mask_of(self.proposed.folder, self.result)
        counts = np.bincount(mask.ravel(), minlength=len(self.proposed.provenance.labels))
        labels = distinct(self.proposed.provenance.labels)
        return {label: int(count) / mask.size for label, count in zip(labels, counts, strict=False) if count}

    @property
    def figures(self) -> Figures | None:
        """What goes into the provenance."""
        if self.metrics is None:
            return None
        return Figures.model_validate({name: getattr(self.metrics, name) for name in Figures.model_fields})

    @property
    def models(self) -> tuple[str, str] | None:
        """The sha256 of the model that the golden is of, and of the one that pends, where they are two."""
        was = self.golden.origin(self.case).model_sha256 if self.golden else ""
        now = self.proposed.origin(self.case).model_sha256
        return (was, now) if was and was != now else None

    def sentence(self) -> str:
        """What differs, as one sentence."""
        model = "model {}… → {}…; ".format(*(each[:12] for each in self.models)) if self.models else ""
        if self.kind == "new":
            return f"{model}no golden yet" + (
                f"; mIoU with the ground truth {self.scores.miou:.4f}" if self.scores else ""
            )
        if isinstance(metrics := self._measured, str):
            return f"{model}{metrics}"
        if not metrics.differing and metrics.ignored and self.kind == "changed":
            return f"{model}all {metrics.pixels:,} pixels equal; {metrics.ignored:,} more are ignored, and some differ"
        if not metrics.differing:
            return f"{model}the same mask, but not of the same model, runtime or stages"
        flips = f"{metrics.differing:,} pixels"
        if metrics.confident_flips is not None:
            flips = f"{metrics.confident_flips:,} confident flips, {metrics.tie_flips:,} tie flips"
        text = f"{model}{flips} of {metrics.pixels:,} pixels, mIoU {metrics.miou:.4f}"
        text += f"; {metrics.ignored:,} more are ignored" if metrics.ignored else ""
        if self.scores:
            was, now = self.scores.golden_miou, self.scores.miou
            word = "better" if now > was else "worse" if now < was else "the same"
            text += f"; mIoU with the ground truth {was:.4f} → {now:.4f} ({now - was:+.4f}, {word})"
        return text


def look(
    root: Path, config: Config, store: Path, models: Sequence[str] = (), cases: Sequence[str] = ()
) -> list[Change]:
    """What pends in a store and is not golden yet: of some models and cases, or of all.

    Cases are ids, or patterns as a shell has them. Raises UsageError for a model, or a case, that neither the project
    nor the store knows; GoldenError.
    """
    proposals = pending.proposals(store)
    _check_names(root, proposals, models, cases)
    found: list[Change] = []
    for model, proposed in proposals:
        if models and model not in models:
            continue
        golden = golden_of(root, model, proposed.bundle.pipeline)
        truths, ignored = _truths_and_ignored(root, model)
        for result in proposed.bundle.results:
            if cases and not any(fnmatchcase(result.case, pattern) for pattern in cases):
                continue
            if kind := pending.kind_of(proposed, golden, result.case):
                tolerances = tolerances_of(config, model, result.case, proposed.bundle)
                found.append(
                    Change(
                        store, model, proposed.bundle.pipeline, result.case, kind, proposed, golden, tolerances,
                        truths.get(result.case), ignored.get(result.case, NOTHING),
                    )
                )  # fmt: skip
    return found


def _check_names(
    root: Path, proposals: Sequence[tuple[str, Golden]], models: Sequence[str], cases: Sequence[str]
) -> None:
    """Raise UsageError for a name that is nobody's: a misspelt one would select nothing, and that would be silent."""
    known = dict.fromkeys([*model_names(root), *(model for model, _ in proposals)])
    for model in models:
        if model not in known:
            raise UsageError(f"there is no model {model!r}{meant(model, known)}", fix="./goldmask golden.pending")
    ids = {each.case: None for _, proposed in proposals for each in proposed.bundle.results}
    if all(any(fnmatchcase(case, pattern) for case in ids) for pattern in cases):
        return
    for name in model_names(root):
        with suppress(ConfigError):  # which whoever wants that model is told
            ids |= {case.id: None for case in load_spec(root, name).cases}
    for pattern in cases:
        if not any(fnmatchcase(case, pattern) for case in ids):
            raise UsageError(
                f"--case {pattern!r} matches no case{meant(pattern, ids)}", fix="./goldmask golden.pending"
            )


def pend(
    root: Path, stores: Sequence[Path], request: Request, source: Path, ignored: Mapping[str, Ignored] = {}
) -> None:
    """Have the results of a bundle pend in stores, each with its picture. Raises RunError where a case has no mask."""
    golden = golden_of(root, request.model.name, request.options.pipeline)
    for store in stores:
        proposed = pending.put(store, request, source)
        for case in request.cases:
            result = proposed.bundle.result(case.id)
            before = golden.bundle.result(case.id) if golden else None
            if isinstance(result, Predicted):
                now = mask_of(proposed.folder, result)
                was = mask_of(golden.folder, before) if golden and isinstance(before, Predicted) else None
                picture = pending.picture_of(store, request.model.name, request.options.pipeline, case.id)
                photograph = decode(Path(case.file), case.orientation)
                left_out = None if was is None else ignored.get(case.id, NOTHING).pixels(was)
                write_atomically(picture, overlay(photograph, now, was, left_out))


def settle_stale(store: Path, request: Request, cases: Sequence[str]) -> None:
    """Have cases pend no longer that are golden as they are, and pend of another model or image than today's."""
    folder = pending.proposal_folder(store, request.model.name, request.options.pipeline)
    there = readable(folder)
    if not there:
        return
    stale = [case.id for case in request.cases if case.id in cases and problem(there, request, case)]
    pending.settle(store, request.model.name, request.options.pipeline, stale)


def golden_of(root: Path, model: str, pipeline: str) -> Golden | None:
    """The golden of today; None where there is none, or a damaged one that can only be replaced."""
    return readable(golden_folder(root, model, pipeline))


def assets_of(root: Path, model: str) -> Assets:
    """A model and its cases of today. Raises what keeps them from this machine."""
    assets = gather(root, model, load_spec(root, model), Progress())
    if assets.missing or not assets.model:
        raise next(iter(assets.missing.values()))
    return assets


def _truths_and_ignored(root: Path, model: str) -> tuple[Mapping[str, Path], Mapping[str, Ignored | None]]:
    """The ground truths of today's cases, and what of each is ignored: None where that cannot be had."""
    try:
        spec = load_spec(root, model)
        assets = gather(root, model, spec, Progress())
    except GoldmaskError:
        return {}, {}
    unknown = {case.id: None for case in spec.cases if case.id in assets.missing and ignores(spec, case)}
    return assets.truths, assets.ignored | unknown


def tolerances_of(config: Config, model: str, case: str, bundle: Bundle) -> Tolerances:
    """The tolerances of a case in a bundle of the reference."""
    compared = Compared(
        model=model,
        case=case,
        pipeline=bundle.pipeline,
        target=REFERENCE,
        delegate=bundle.runtime.delegate,
        device=bundle.target.device,
    )
    return tolerances_for(config, compared)[0]
