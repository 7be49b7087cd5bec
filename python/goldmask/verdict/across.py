"""What another model changed: one line a model, and a table of two models, from rows that compare across models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from .compare import Comparison
from .metrics import Metrics, TruthScores

SHORT = 12
MOST = 3


def changed(rows: Iterable[Comparison]) -> list[str]:
    """A sentence for each model and pipeline whose rows were compared with the goldens of another model."""
    groups: dict[tuple[str, str, str, str, str], list[Comparison]] = {}
    for row in rows:
        if row.across and row.metrics:
            key = (row.model, row.target, row.pipeline, row.across.golden, row.across.model)
            groups.setdefault(key, []).append(row)
    sentences = []
    for (model, target, pipeline, was, now), group in groups.items():
        figures = [(row.case, row.metrics) for row in group if row.metrics]
        differing = sum(bool(metrics.differing) for _, metrics in figures)
        text = (
            f"{model} · {target} · {pipeline}: model {was[:SHORT]}… → {now[:SHORT]}…: masks changed in {differing} of "
        )
        text += f"{len(figures)} cases"
        if differing:
            case, worst = min(figures, key=lambda each: each[1].miou)
            text += f", worst mIoU {worst.miou:.4f} ({case})"
            if areas := _areas(figures):
                text += f", areas {areas}"
        sentences.append(text)
    return sentences


def _areas(figures: Sequence[tuple[str, Metrics]]) -> str:
    """The classes whose area changed most, each in the case where it did."""
    most: dict[str, tuple[float, str]] = {}
    for case, metrics in figures:
        for label, change in metrics.area_change.items():
            size = float("inf") if change is None else abs(change)
            shown = f"{label} appears" if change is None else f"{label} {change:+.1%}"
            if size and (label not in most or size > most[label][0]):
                most[label] = size, f"{shown} ({case})"
    return ", ".join(text for _, text in sorted(most.values(), reverse=True)[:MOST])


@dataclass(frozen=True)
class Between:
    """Two models over the same cases. Means are of cases; `classes` has the mean IoU and boundary F of each class."""

    cases: int
    agreement: float
    miou: float
    boundary_f: float
    truth: TruthScores | None
    classes: dict[str, tuple[float, float]]
    worst: tuple[tuple[str, float], ...]


def between(rows: Iterable[Comparison]) -> Between | None:
    """The table of rows that compare two models; None where no row has metrics."""
    rows = [row for row in rows if row.metrics]
    figures = [row.metrics for row in rows if row.metrics]
    if not figures:
        return None
    truths = [row.truth for row in rows if row.truth]
    labels = dict.fromkeys(label for each in figures for label in each.class_iou)
    truth = None
    if truths:
        truth = TruthScores(miou=fmean(t.miou for t in truths), golden_miou=fmean(t.golden_miou for t in truths))
    return Between(
        cases=len(figures),
        agreement=fmean(each.agreement for each in figures),
        miou=fmean(each.miou for each in figures),
        boundary_f=fmean(each.boundary_f for each in figures),
        truth=truth,
        classes={
            label: (
                fmean(each.class_iou[label] for each in figures if label in each.class_iou),
                fmean(each.class_boundary_f[label] for each in figures if label in each.class_boundary_f),
            )
            for label in labels
        },
        worst=tuple(
            sorted(((row.case, row.metrics.miou) for row in rows if row.metrics), key=lambda each: each[1])[:MOST]
        ),
    )


def lines(was: str, now: str, table: Between) -> list[str]:
    """The table as text, a line each."""
    text = [
        f"{now} against {was}: {table.cases} cases, agreement {table.agreement:.3%}, mIoU {table.miou:.4f}, "
        f"boundary F {table.boundary_f:.4f}"
    ]
    if table.truth:
        better = table.truth.miou - table.truth.golden_miou
        text.append(
            f"  mIoU with the ground truth: {was} {table.truth.golden_miou:.4f}, {now} {table.truth.miou:.4f} "
            f"({better:+.4f})"
        )
    text += [f"  {label}: IoU {iou:.4f}, boundary F {f_score:.4f}" for label, (iou, f_score) in table.classes.items()]
    worst = ", ".join(f"{case} {miou:.4f}" for case, miou in table.worst)
    return [*text, f"  worst cases, mIoU: {worst}"]
