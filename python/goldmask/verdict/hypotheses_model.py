"""By model: another file than the golden's ran, or the class numbers are those of another model's labels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..contract.mask import Mask
from .diagnosis import Diagnosis, cause_of
from .hypotheses_mask import Postprocessing, Prediction
from .hypothesis import Fix, Hypothesis, Stage


@dataclass(frozen=True)
class KnownModel:
    """A model or a variant that is declared; `family` is the model that it is a variant of, or its own name.

    `sha256` and `labels` are empty where nothing that is here says them.
    """

    name: str
    family: str
    sha256: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class OtherFile(Hypothesis):
    """Another file was loaded than the one that the golden is of."""

    stage = "model"


@dataclass(frozen=True)
class OtherLabels(Postprocessing):
    """Class numbers are those of another list of labels."""

    stage: ClassVar[Stage] = "model"


@dataclass(frozen=True)
class Ran:
    """What a golden and a bundle say of their models: the golden's `model`, and the bytes and types of input of both.

    Types are empty where they are not known.
    """

    model: str
    golden_sha256: str
    sha256: str
    golden_dtype: str = ""
    dtype: str = ""


def by_model(ran: Ran, known: Sequence[KnownModel], agreement: str) -> Diagnosis | None:
    """Which other file ran, by what is declared; None where it is the golden's own.

    `agreement` is how the masks compare, as a clause.
    """
    if ran.sha256 == ran.golden_sha256:
        return None
    evidence = f"the golden is of model {ran.golden_sha256[:12]}…, the bundle of {ran.sha256[:12]}…; {agreement}"
    found = _other_file(ran, known)
    return Diagnosis(
        cause=found.cause, evidence=evidence, found_by="model", certainty="certain", causes=(cause_of(found),)
    )


def _other_file(ran: Ran, known: Sequence[KnownModel]) -> OtherFile:
    same = [each for each in known if ran.sha256 == each.sha256]
    if any(each.name == ran.model for each in same):
        record = f"no line of the app: ./goldmask golden.record --model {ran.model}"
        cause = f"the golden is of another file of {ran.model} than the declared one, which ran"
        return OtherFile("golden-of-another-file", cause, Fix(record, record, record))
    fix = _load(ran)
    families = {each.name: each.family for each in known}
    mine = families.get(ran.model, ran.model)
    if relatives := [each.name for each in same if each.family == mine]:
        cause = f"the model ran in another precision: {relatives[0]} instead of {ran.model}"
        return OtherFile("another-precision", cause, fix)
    if same:
        return OtherFile("another-model", f"another model ran: {same[0].name} instead of {ran.model}", fix)
    if ran.golden_dtype and ran.dtype and ran.golden_dtype != ran.dtype:
        types = f"a file that takes {ran.dtype} instead of {ran.golden_dtype}, and that no model.toml declares"
        return OtherFile("another-precision", f"the model ran in another precision: {types}", fix)
    return OtherFile("unknown-model", "another model's file ran, which no model.toml declares", fix)


def _load(ran: Ran) -> Fix:
    """The line that loads a model."""
    file = f"{ran.model}.tflite"
    which = f"with sha256 {ran.golden_sha256[:12]}…"
    return Fix(
        kotlin=f'FileUtil.loadMappedFile(context, "{file}"), the file {which}',
        swift=f'Bundle.main.path(forResource: "{ran.model}", ofType: "tflite"), the file {which}',
        python=f'Interpreter(model_path="{file}"), the file {which}',
    )


def other_labels(labels: Sequence[str], known: Iterable[KnownModel]) -> tuple[OtherLabels, ...]:
    """The hypotheses that a class has the number which another model's `labels` give it.

    Lists without a label in common with this one, or with the same numbers for all of those, are none.
    """
    found: dict[tuple[int, ...], OtherLabels] = {}
    fix = Fix(*[f"the labels are those of the model's own file, in this order: {', '.join(labels[:4])}, …"] * 3)
    mine = {label: index for index, label in enumerate(labels) if list(labels).count(label) == 1}
    for each in known:
        theirs = {label: index for index, label in enumerate(each.labels) if index < 256 and label in mine}
        table = tuple(theirs.get(label, -1) for label in labels)
        if any(theirs[label] != mine[label] for label in theirs) and table not in found:
            moved = [
                f"{label} {mine[label]} → {theirs[label]}"
                for label in mine
                if theirs.get(label, mine[label]) != mine[label]
            ]
            text = ", ".join(moved[:4]) + (", …" if len(moved) > 4 else "")
            cause = f"class numbers are those of the labels of {each.name}: {text}"
            found[table] = OtherLabels(f"labels-of-{each.name}", cause, fix, apply=_renumbered(table))
    return tuple(found.values())


def _renumbered(table: tuple[int, ...]) -> Callable[[Prediction], Mask | None]:
    """Classes that the other list does not have, -1 in `table`, can have no number there."""

    def renumber(found: Prediction) -> Mask | None:
        numbers = np.full(256, -1)
        numbers[: len(table)] = table
        mask = numbers[found.mask]
        return None if (mask < 0).any() else mask.astype(np.uint8)

    return renumber
