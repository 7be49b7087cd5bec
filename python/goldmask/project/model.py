"""A pinned .tflite and its cases: models/<name>/model.toml, or any segmentation model by its path."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from ..contract.bundle import InputSpec, InputType, OutputSpec, RequestModel
from ..contract.errors import ConfigError, UsageError
from ..contract.files import name_of, sha256_of
from ..contract.mask import MAX_CLASSES
from ..contract.options import Pipeline
from ..contract.schema import Name, Strict, first_problem
from ..machine.fetch import Progress, Source, fetch
from .case import Case
from .config import load_toml
from .tflite import Signature, inspect

# What image models without metadata are almost always trained with: pixels in [-1, 1].
ASSUMED_NORMALIZATION = ((127.5,), (127.5,))


class DeclaredInput(Strict):
    """[input]: `height`, `width` and `dtype` are held against the file; `mean` and `std` replace its metadata's."""

    height: int | None = Field(default=None, ge=1)
    width: int | None = Field(default=None, ge=1)
    dtype: InputType | None = None
    mean: tuple[float, ...] | None = Field(default=None, min_length=1, max_length=3)
    std: tuple[float, ...] | None = Field(default=None, min_length=1, max_length=3)

    @model_validator(mode="after")
    def _normalisation(self) -> "DeclaredInput":
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std go together")
        if 2 in (len(self.mean or ()), len(self.std or ())):
            raise ValueError("give one mean and std, or three")
        if 0 in (self.std or ()):
            raise ValueError("a std of 0 divides by zero")
        return self


class Variant(Strict):
    """The same network in another precision, with the cases, labels and pipelines of its model."""

    model: Source
    input: DeclaredInput = DeclaredInput()


class ModelSpec(Strict):
    """A model.toml. `labels` replace the file's own; variant `v` of model `m` goes by the name `m-v`."""

    schema_: Literal[1] = Field(alias="schema")
    summary: str
    model: Source
    pipelines: tuple[Pipeline, ...] = Field(default=("lib_interpreter", "lib_task_api"), min_length=1)
    labels: tuple[str, ...] = Field(default=(), max_length=MAX_CLASSES)
    input: DeclaredInput = DeclaredInput()
    variants: dict[Name, Variant] = Field(default={})
    provenance: dict[str, str | int | float] = Field(default={}, description="how the model was made; for people")
    cases: tuple[Case, ...] = Field(min_length=1)

    @field_validator("cases")
    @classmethod
    def _unique(cls, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        ids = [case.id for case in cases]
        twice = sorted({case for case in ids if ids.count(case) > 1})
        if twice:
            raise ValueError(f"case id {twice[0]!r} is used twice")
        return cases


@dataclass(frozen=True)
class Model:
    """A model on disk, inspected, ready to be asked for in a request."""

    name: str
    path: Path
    sha256: str
    signature: Signature
    labels: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalization_from: str  # "model.toml", "metadata" or "assumed"

    def request(self) -> RequestModel:
        """What a target must know of the model."""
        image = self.signature.input
        return RequestModel(
            name=self.name,
            file=str(self.path),
            sha256=self.sha256,
            labels=self.labels,
            input=InputSpec(
                height=image.shape[1],
                width=image.shape[2],
                dtype=self.signature.input_type,
                mean=self.mean,
                std=self.std,
            ),
            output=OutputSpec(
                index=self.signature.output_index,
                kind=self.signature.output_kind,
                scale=self.signature.output.scale,
            ),
        )


def model_folder(root: Path, name: str) -> Path:
    """Where a declared model, or the model of a variant, lives. Raises ConfigError with the known names."""
    return _locate(root, name)[0]


def goldens_folder(root: Path, name: str) -> Path:
    """Where a declared model's goldens live, in a folder for each pipeline."""
    folder, variant = _locate(root, name)
    return folder / (f"goldens-{variant}" if variant else "goldens")


def golden_folder(root: Path, name: str, pipeline: str) -> Path:
    """Where a declared model's goldens for a pipeline live."""
    return goldens_folder(root, name) / pipeline


def model_names(root: Path) -> list[str]:
    """All declared models, each followed by its variants."""
    return [name for name, _, _ in _declared(root)]


def _declared(root: Path) -> list[tuple[str, Path, str | None]]:
    """(name, folder, variant or None) of everything in models/."""
    found: list[tuple[str, Path, str | None]] = []
    for path in sorted(root.glob("models/*/model.toml")):
        found.append((path.parent.name, path.parent, None))
        try:
            variants = tomllib.loads(path.read_text("utf-8")).get("variants", {})
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue  # load_spec says what is wrong with it, to whoever wants this model
        if isinstance(variants, dict):
            found += [(f"{path.parent.name}-{variant}", path.parent, variant) for variant in variants]
    return found


def _locate(root: Path, name: str) -> tuple[Path, str | None]:
    for known, folder, variant in _declared(root):
        if known == name:
            return folder, variant
    names = ", ".join(model_names(root)) or "none"
    raise ConfigError(
        f"there is no model {name!r} in {root / 'models'} (there are: {names})", fix="./goldmask models.list"
    )


def load_spec(root: Path, name: str) -> ModelSpec:
    """A declared model's model.toml, with the variant's file where `name` is one's. Raises ConfigError."""
    folder, variant = _locate(root, name)
    spec = load_toml(folder / "model.toml", ModelSpec)
    if variant is None:
        return spec
    chosen = spec.variants[variant]
    return spec.model_copy(update={"model": chosen.model, "input": chosen.input})


def fetch_model(root: Path, name: str, spec: ModelSpec, on_progress: Progress | None = None) -> Model:
    """A declared model's verified file, inspected. Raises as fetch and inspect do."""
    path = fetch(spec.model, model_folder(root, name), on_progress)
    return _described(name, path, spec.model.sha256, inspect(path), spec)


def model_from_path(path: Path) -> Model:
    """Any segmentation .tflite by its path. Raises UsageError."""
    if not path.is_file():
        raise UsageError(f"there is no model {path}", fix="./goldmask models.list")
    signature = inspect(path)  # before hashing: a file that is no model is refused at once
    return _described(name_of(path, "model"), path.resolve(), sha256_of(path), signature)


def find_model(root: Path, name_or_path: str, on_progress: Progress | None = None) -> Model:
    """A model by name or by path: what looks like a path, or is a file and no known name, is one. Raises UsageError."""
    if not name_or_path:
        raise UsageError("this needs a model, by name or by path", fix="--model NAME|PATH.tflite")
    path = Path(name_or_path)
    if path.suffix == ".tflite" or len(path.parts) > 1:
        return model_from_path(path)
    if name_or_path not in model_names(root) and path.is_file():
        return model_from_path(path)
    return fetch_model(root, name_or_path, load_spec(root, name_or_path), on_progress)


def _described(name: str, path: Path, sha256: str, signature: Signature, spec: ModelSpec | None = None) -> Model:
    declared = spec.input if spec else DeclaredInput()
    for key, actual in zip(
        ("height", "width", "dtype"), (*signature.input.shape[1:3], signature.input.dtype), strict=True
    ):
        if getattr(declared, key) not in (None, actual):
            raise ConfigError(
                f"the model.toml of {name} declares an input {key} of {getattr(declared, key)}, the file has {actual}",
                fix=f"./goldmask models.info --model {path}",
            )
    if declared.mean and declared.std:
        mean, std, origin = declared.mean, declared.std, "model.toml"
    elif signature.mean and signature.std:
        mean, std, origin = signature.mean, signature.std, "metadata"
        try:
            DeclaredInput(mean=mean, std=std)
        except ValidationError as error:
            raise UsageError(
                f"{path}: its metadata's normalisation is unusable: {first_problem(error)}",
                fix="declare mean and std under [input] in a model.toml",
            ) from error
    else:
        (mean, std), origin = ASSUMED_NORMALIZATION, "assumed"
    return Model(
        name=name,
        path=path,
        sha256=sha256,
        signature=signature,
        labels=_labels(spec.labels if spec else (), signature, path),
        mean=mean,
        std=std,
        normalization_from=origin,
    )


def _labels(declared: Sequence[str], signature: Signature, path: Path) -> tuple[str, ...]:
    """One label for each class the output can name; invented ones where nobody named them."""
    if declared and signature.classes and len(declared) != signature.classes:
        raise ConfigError(
            f"{path} scores {signature.classes} classes, its model.toml names {len(declared)} labels",
            fix="name one label for each class, in order",
        )
    labels = list(declared or signature.labels)
    count = signature.classes or len(labels) or MAX_CLASSES
    return tuple((labels + [f"class_{index}" for index in range(len(labels), count)])[:count])
