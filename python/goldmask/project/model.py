"""A pinned .tflite and its cases: models/<name>/model.toml, or any segmentation model by its path."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from ..contract.bundle import RequestModel, SchemaVersion
from ..contract.errors import ConfigError, UsageError, meant
from ..contract.files import name_of, sha256_of
from ..contract.mask import MAX_CLASSES, MAX_LABELS
from ..contract.options import Pipeline
from ..contract.schema import NAME, Name, Strict, first_problem
from ..contract.tensors import IgnoredValue, InputSpec, OutputSpec, Steps
from ..machine.fetch import Progress, Source, fetch
from .case import Case
from .clip import Clip, frames_of
from .declared import DeclaredInput, DeclaredOutput, Normalisation
from .normalisation import can_hold, fits_uint8, holds_most, quantised_normalisation
from .reading import ImageReading, Reading, read
from .tflite import Description, Tensor, inspect
from .toml import load_toml, read_toml

# What image models without metadata are almost always trained with: pixels in [-1, 1].
# The pipelines that normalise pixels by what goldmask says; the Task Library asks the model's own metadata.
ASSUMING = ("lib_interpreter",)
ASSUMED_NORMALIZATION = ((127.5,), (127.5,))
AS_THEY_ARE = ((0.0,), (1.0,))
Origin = Literal["model.toml", "metadata", "quantisation", "assumed"]


class Variant(Strict):
    """The same network in another precision, with the cases, labels and pipelines of its model."""

    model: Source
    signature: str | None = None
    input: DeclaredInput = DeclaredInput()
    output: DeclaredOutput = DeclaredOutput()


class ModelSpec(Strict):
    """A model.toml. `labels` replace the file's own; variant `v` of model `m` goes by the name `m-v`.

    `ignore` is the value of pixels of which a class map, and the cases' ground truths, say nothing.
    """

    schema_: SchemaVersion = Field(alias="schema")
    summary: str
    model: Source
    pipelines: tuple[Pipeline, ...] = Field(default=("lib_interpreter", "lib_task_api"), min_length=1)
    labels: tuple[str, ...] = Field(default=(), max_length=MAX_LABELS)
    ignore: IgnoredValue | None = None
    signature: str | None = Field(default=None, description="which to run, of a file that has several")
    input: DeclaredInput = DeclaredInput()
    output: DeclaredOutput = DeclaredOutput()
    variants: dict[Name, Variant] = Field(default={})
    provenance: dict[str, str | int | float] = Field(default={}, description="how the model was made; for people")
    cases: tuple[Case, ...] = Field(default=(), description="one at least, or a clip")
    clips: tuple[Clip, ...] = ()

    @model_validator(mode="after")
    def _has_cases(self) -> Self:
        if not (self.cases or self.clips):
            raise ValueError("cases: a model needs one at least, or a clip")
        return self

    @field_validator("cases")
    @classmethod
    def _unique(cls, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        if twice := _twice(cases):
            raise ValueError(f"case id {twice!r} is used twice")
        return cases


def _twice(cases: Sequence[Case]) -> str:
    """The first id that two cases have; empty where none has."""
    counts = Counter(case.id for case in cases)
    return min((case for case, count in counts.items() if count > 1), default="")


@dataclass(frozen=True)
class Model:
    """A model on disk, described and read, ready to be asked for in a request."""

    name: str
    path: Path
    sha256: str
    description: Description
    reading: Reading
    labels: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalisation_from: Origin
    steps: Steps = "pixels"
    ignore: int | None = None
    threshold: float | None = None

    @property
    def input(self) -> Tensor:
        """The image tensor."""
        return self.reading.image.tensor

    @property
    def output(self) -> Tensor:
        """The tensor the mask is made of."""
        return self.reading.output

    @property
    def assumption(self) -> str:
        """What nobody has said of this model and was assumed, as a sentence; empty where nothing was."""
        if self.normalisation_from != "assumed":
            return ""
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"{self.name} does not say how to normalise pixels; (pixel - {mean}) / {std} was assumed"

    def request(self) -> RequestModel:
        """What a target must know of the model."""
        return RequestModel(
            name=self.name,
            file=str(self.path),
            sha256=self.sha256,
            labels=self.labels,
            input=self._input_spec(),
            output=self._output_spec(),
            constants=self.reading.constants,
            signature=self.reading.signature,
        )

    def _input_spec(self) -> InputSpec:
        image = self.reading.image
        return InputSpec(
            height=image.height,
            width=image.width,
            dtype=image.type,
            mean=self.mean,
            std=self.std,
            index=image.index,
            layout=image.layout,
            channels=image.channels,
            fourth=image.fourth,
            steps=self.steps,
            name=image.tensor.alias if self.reading.signature else None,
        )

    def _output_spec(self) -> OutputSpec:
        reading, output = self.reading, self.output
        return OutputSpec(
            index=reading.output_index,
            kind=reading.output_kind,
            layout=reading.output_layout,
            height=reading.height,
            width=reading.width,
            # A class map may hold as many numbers as there are labels.
            classes=reading.classes or len(self.labels),
            scale=output.scale,
            zero_point=output.zero_point,
            threshold=self.threshold,
            foreground=reading.foreground,
            ignore=self.ignore if reading.output_kind == "classes" else None,
            name=output.alias if reading.signature else None,
        )


def model_folder(root: Path, name: str) -> Path:
    """Where a declared model, or the model of a variant, lives. Raises ConfigError with the known names."""
    return _locate(root, name)[0]


def toml_of(root: Path, name: str) -> tuple[Path, str | None]:
    """The model.toml of a declared model, and the variant in it that goes by this name. Raises ConfigError."""
    folder, variant = _locate(root, name)
    return folder / "model.toml", variant


def goldens_folder(root: Path, name: str) -> Path:
    """Where a declared model's goldens live, in a folder for each pipeline."""
    folder, variant = _locate(root, name)
    return folder / (f"goldens-{variant}" if variant else "goldens")


def dropped_goldens(root: Path, name: str) -> dict[str, Path]:
    """Folders of goldens of variants that a model had once, by the name that such a variant went by."""
    folder, variant = _locate(root, name)
    if variant:
        return {}
    known = {each.variant for each in _declared(root) if each.folder == folder}
    found = {path.name.removeprefix("goldens-"): path for path in sorted(folder.glob("goldens-*")) if path.is_dir()}
    return {f"{name}-{was}": path for was, path in found.items() if was not in known}


def golden_folder(root: Path, name: str, pipeline: str) -> Path:
    """Where a declared model's goldens for a pipeline live."""
    return goldens_folder(root, name) / pipeline


def model_names(root: Path) -> list[str]:
    """All declared models, each followed by its variants; those that have no usable name are `misnamed`."""
    return list(dict.fromkeys(each.name for each in _declared(root) if each.usable))


def misnamed(root: Path) -> list[ConfigError]:
    """What is wrong with the name of each model or variant that has no usable one."""
    return [_misnamed(each) for each in _declared(root) if not each.usable]


@dataclass(frozen=True)
class _Declared:
    """A model, or a variant of it, that models/ has."""

    name: str
    folder: Path
    variant: str | None = None

    @property
    def usable(self) -> bool:
        """Whether this can be the name of a model, and so of files, on every platform."""
        return re.fullmatch(NAME, self.name) is not None

    def __str__(self) -> str:
        return f"variant {self.variant!r} of {self.folder.name!r}" if self.variant else f"the folder {self.folder}"


def _declared(root: Path) -> list[_Declared]:
    found = []
    for path in sorted(root.glob("models/*/model.toml")):
        found.append(_Declared(path.parent.name, path.parent))
        try:
            variants = read_toml(path).get("variants", {})
        except ConfigError:
            continue  # load_spec says what is wrong with it, to whoever wants this model
        if isinstance(variants, dict):
            found += [_Declared(f"{path.parent.name}-{variant}", path.parent, variant) for variant in variants]
    return found


def _locate(root: Path, name: str) -> tuple[Path, str | None]:
    found = [each for each in _declared(root) if each.name == name]
    if not found:
        names = ", ".join(model_names(root)) or "none"
        raise ConfigError(
            f"there is no model {name!r} in {root / 'models'}{meant(name, model_names(root))}; there are: {names}",
            fix="./goldmask models.list",
        )
    if len(found) > 1:
        both = " and ".join(map(str, found))
        raise ConfigError(f"{name!r} is the name of two models, {both}", fix="rename one of them")
    if not found[0].usable:
        raise _misnamed(found[0])
    return found[0].folder, found[0].variant


def _misnamed(model: _Declared) -> ConfigError:
    better = re.sub(r"[^a-z0-9._-]+", "-", model.name.lower()).lstrip("._-")[:64] or "model"
    return ConfigError(
        f"{model} makes the model name {model.name!r}; names are of a-z, 0-9, '.', '_' and '-', at most 64 of them, "
        "and begin with a letter or a digit",
        fix=f"rename it, to {better} for example",
    )


def load_spec(root: Path, name: str) -> ModelSpec:
    """A declared model's model.toml, with the variant's file where `name` is one's. Raises ConfigError."""
    folder, variant = _locate(root, name)
    spec = load_toml(folder / "model.toml", ModelSpec)
    frames = tuple(frame for clip in spec.clips for frame in frames_of(clip, folder))
    if twice := _twice((*spec.cases, *frames)):
        raise ConfigError(f"case id {twice!r} is used twice", fix=f"edit {folder / 'model.toml'}")
    spec = spec.model_copy(update={"cases": (*spec.cases, *frames)})
    if variant is None:
        return spec
    chosen = spec.variants[variant]
    return spec.model_copy(
        update={"model": chosen.model, **{key: getattr(chosen, key) for key in ("signature", "input", "output")}}
    )


def fetch_model(root: Path, name: str, spec: ModelSpec, on_progress: Progress | None = None) -> Model:
    """A declared model's verified file, inspected. Raises as fetch and inspect do."""
    path = fetch(spec.model, model_folder(root, name), on_progress)
    description = inspect(path)  # before hashing: a file that is no model is refused at once
    return _described(name, path, sha256_of(path) if spec.model.file else spec.model.pin, description, spec)


def model_from_path(path: Path, spec: ModelSpec | None = None) -> Model:
    """Any segmentation .tflite by its path, as a model.toml would describe it. Raises UsageError, or as `read`."""
    if not path.is_file():
        raise UsageError(f"there is no model {path}", fix="./goldmask models.list")
    description = inspect(path)  # before hashing: a file that is no model is refused at once
    return _described(name_of(path, "model"), path.resolve(), sha256_of(path), description, spec)


def locate_model(root: Path, name_or_path: str, on_progress: Progress | None = None) -> Path:
    """The file of a model by name or by path, whatever is in it. Raises as `find_model` where there is none."""
    path = Path(name_or_path)
    if name_or_path in model_names(root):
        return fetch(load_spec(root, name_or_path).model, model_folder(root, name_or_path), on_progress)
    if not path.is_file():
        near = meant(name_or_path, model_names(root))
        raise UsageError(f"there is no model {path}{near}", fix="./goldmask models.list")
    return path.resolve()


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


def _described(name: str, path: Path, sha256: str, description: Description, spec: ModelSpec | None = None) -> Model:
    declared = spec.input if spec else DeclaredInput()
    output = spec.output if spec else DeclaredOutput()
    signature = spec.signature if spec else None
    reading = read(description, path, declared, output, len(spec.labels) if spec else 0, signature)
    if declared.dtype not in (None, reading.image.type):
        raise ConfigError(
            f"the model.toml of {name} declares an input dtype of {declared.dtype}, the file has {reading.image.type}",
            fix=f"./goldmask models.info --model {path}",
        )
    (mean, std), origin = _normalisation(path, description, declared, reading.image)
    takes_pixels = reading.image.type != "uint8" or fits_uint8(reading.image.tensor, (mean, std))
    return Model(
        name=name,
        path=path,
        sha256=sha256,
        description=description,
        reading=reading,
        labels=_labels(spec.labels if spec else (), description, reading, path, output.classes),
        mean=mean,
        std=std,
        normalisation_from=origin,
        steps="pixels" if takes_pixels or origin == "quantisation" else "normalised",
        ignore=spec.ignore if spec else None,
        threshold=output.threshold,
    )


def _normalisation(
    path: Path, description: Description, declared: DeclaredInput, reading: ImageReading
) -> tuple[Normalisation, Origin]:
    """What pixels become, and who says so: model.toml, the metadata, the tensor's own scale, or nobody."""
    image, own = reading.tensor, _metadata_normalisation(path, description)
    if declared_normalisation := declared.normalisation:
        depth = (1 if reading.channels == "gray" else 3) + (reading.fourth is not None)
        if any(len(values) not in (1, depth) for values in declared_normalisation):
            raise ConfigError(
                f"{path}: input {image} has {depth} channels, and mean and std are declared of another number",
                fix=f"one mean and std, or {depth}, under [input] in model.toml",
            )
        # What a narrow representative dataset has left out is clamped, as every runtime does.
        if not holds_most(image, declared_normalisation):
            raise ConfigError(
                f"{path}: input {image} cannot hold what the declared mean and std make of pixels",
                fix="mean and std, or range, under [input] of model.toml as the model was trained",
            )
        return declared_normalisation, "assumed" if declared.assumed else "model.toml"
    if own:
        if not can_hold(image, own):
            raise UsageError(
                f"{path}: input {image} cannot hold what its metadata's normalisation makes of pixels",
                fix="declare mean and std, or range, under [input] in a model.toml",
            )
        return own, "metadata"
    if image.dtype == "int8":
        return quantised_normalisation(image), "quantisation"
    if image.dtype in ("int16", "int32"):
        # Steps of 16 bits are symmetrical, whatever the range of pixels was: it does not follow from the scale.
        assumed = ASSUMED_NORMALIZATION if image.scale else AS_THEY_ARE
        if not can_hold(image, assumed):
            raise UsageError(
                f"{path}: input {image} does not say how pixels are normalised, and cannot hold -1 to 1",
                fix="declare mean and std, or range, under [input] in a model.toml",
            )
        return assumed, "assumed"
    return ASSUMED_NORMALIZATION, "quantisation" if image.dtype == "uint8" else "assumed"


def _metadata_normalisation(path: Path, description: Description) -> Normalisation | None:
    if not (description.mean and description.std):
        return None
    try:
        DeclaredInput(mean=description.mean, std=description.std)
    except ValidationError as error:
        raise UsageError(
            f"{path}: its metadata's normalisation is unusable: {first_problem(error)}",
            fix="declare mean and std under [input] in a model.toml",
        ) from error
    return description.mean, description.std


def _labels(
    declared: Sequence[str], description: Description, reading: Reading, path: Path, numbers: int | None
) -> tuple[str, ...]:
    """One label for each class the output can name; invented ones where nobody named them.

    A class map without labels may hold so many `numbers`, or as many as a mask of 8 bits.
    """
    if reading.output_kind in ("probability", "logit"):
        classes: int | None = 2
    else:
        classes = reading.classes if reading.output_kind == "logits" else numbers
    if declared and classes and len(declared) != classes:
        raise ConfigError(
            f"{path} scores {classes} classes, its model.toml names {len(declared)} labels",
            fix="name one label for each class, in order",
        )
    if not declared and description.labels and classes and len(description.labels) != classes:
        raise UsageError(
            f"{path} scores {classes} classes, its own label file names {len(description.labels)}",
            fix="labels = [one name for each class, in order] in a model.toml",
        )
    labels = declared or description.labels or ("",) * (classes or MAX_CLASSES)
    # A blank line of a label file is a name as well: left out, it would shift all that follow.
    return tuple(label or f"class_{index}" for index, label in enumerate(labels))
