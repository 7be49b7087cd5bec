"""Declaring the same network in another precision: a variant of a model, with that model's images."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.errors import UsageError
from ..contract.files import name_of
from ..contract.schema import NAME
from ..machine.fetch import Progress
from ..project.config import FILE_NAME
from ..project.model import Model, ModelSpec, fetch_model, load_spec, model_names, toml_of
from ..project.model_toml import add_to_suite, add_variant, set_labels
from ..project.normalisation import can_hold, fits_uint8
from ..project.tflite import inspect
from .add import SUITE, Copies
from .declaration import read_with

# Of [input] and [output] what may differ between precisions, or is decided apart.
OWN_INPUT = {"dtype", "mean", "std", "range", "assumed"}


@dataclass(frozen=True)
class AddedVariant:
    """What `declare_variant` declared: its whole name, the model that it is of, and its file as it is read."""

    name: str
    base: str
    toml: Path
    model: Model
    in_suite: bool


def declare_variant(
    root: Path,
    file: Path,
    base: str,
    name: str = "",
    declared: Mapping[str, Any] = {},
    on_progress: Progress | None = None,
) -> AddedVariant:
    """Declare `file` as a variant of the model `base`; it is read and normalised as that is, but for `declared`.

    Raises UsageError where it is another network: of another size or with other classes, or where the name is taken.
    """
    toml, variant_of = toml_of(root, base)
    if variant_of:
        raise UsageError(f"{base} is a variant itself", fix=f"--variant-of {toml.parent.name}")
    spec = load_spec(root, base)
    original = fetch_model(root, base, spec, on_progress)
    name = _free_name(root, base, spec, file, name)
    tables = _read_as(original, spec, file, declared)
    model = read_with(file, {"labels": list(original.labels)} | tables)
    if model.input.shape != original.input.shape:
        raise UsageError(
            f"{file} has an image of {list(model.input.shape)}, {base} of {list(original.input.shape)}; a variant is "
            "the same network in another precision",
            fix=f"./goldmask models.add {file} --image FILE …",
        )
    if not spec.labels and model.description.labels != original.labels:
        set_labels(toml, original.labels)
    copies = Copies(toml.parent)
    table = copies.table(file)
    copies.make()
    add_variant(toml, name, {"model": table} | {key: value for key, value in tables.items() if value})
    return AddedVariant(f"{base}-{name}", base, toml, model, add_to_suite(root / FILE_NAME, SUITE, f"{base}-{name}"))


def _free_name(root: Path, base: str, spec: ModelSpec, file: Path, given: str) -> str:
    """The variant's name: what its file's name has behind its model's, `int8` of road_int8.tflite."""
    name = given or name_of(Path(re.sub(rf"^{re.escape(base)}[-_. ]?(?=.)", "", name_of(file, "variant"))), "variant")
    if not re.fullmatch(NAME, f"{base}-{name}"):
        raise UsageError(f"--name {name!r} is no name for a variant: {base}-{name}", fix="--name int8")
    if name in spec.variants or f"{base}-{name}" in model_names(root):
        raise UsageError(f"there is a model '{base}-{name}' already", fix="another --name")
    return name


def _read_as(original: Model, spec: ModelSpec, file: Path, declared: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """[input] and [output] of a variant: those of its model, but for what is `declared` and what its file says."""
    for key in declared.keys() - {"input", "output"}:
        raise UsageError(f"a variant has {key} of its model", fix=f"leave {key} out")
    tables = {
        "input": spec.input.model_dump(mode="json", exclude_unset=True, exclude=OWN_INPUT) | declared.get("input", {}),
        "output": spec.output.model_dump(mode="json", exclude_unset=True) | declared.get("output", {}),
    }
    names = [tensor.name for tensor in inspect(file).outputs]
    if "name" not in declared.get("output", {}) and tables["output"].get("name") not in names:
        tables["output"].pop("name", None)
    alone = read_with(file, tables)
    if alone.normalisation_from == "assumed" and original.assumption:
        tables["input"] |= {"mean": list(alone.mean), "std": list(alone.std), "assumed": True}
    elif alone.normalisation_from in ("assumed", "quantisation") and not original.assumption:
        normalisation = original.mean, original.std
        if not can_hold(alone.input, normalisation):
            mean, std = (" ".join(f"{value:g}" for value in values) for values in normalisation)
            raise UsageError(
                f"{file}: input {alone.input} cannot hold what (pixel - {mean}) / {std} makes of pixels, as in the "
                "model that it is to be a variant of",
                fix="--mean and --std, if it takes pixels otherwise than that model",
            )
        if alone.input.dtype != "uint8" or not fits_uint8(alone.input, normalisation):
            tables["input"] |= {"mean": list(original.mean), "std": list(original.std)}
    return tables
