"""Declaring a model of one's own: its file, its images and their ground truths, copied into models/<name>/."""

import re
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.errors import UsageError
from ..contract.files import name_of, sha256_of, write_atomically
from ..contract.image import decode
from ..contract.mask import MAX_CLASSES, read_mask
from ..contract.options import Pipeline
from ..contract.schema import NAME
from ..project.config import FILE_NAME
from ..project.ignored import highest_class
from ..project.model import Model, model_names
from ..project.model_toml import add_to_suite, new_model
from ..project.pipelines import refusals
from .declaration import read_with
from .init import init
from .selection import PIPELINES

EXAMPLE = "./goldmask models.add FILE.tflite --image FILE …"
SUITE = "default"


@dataclass(frozen=True)
class NewCase:
    """An image of the user's, the case that it became, and its ground truth where it has one."""

    image: Path
    id: str
    truth: Path | None = None


@dataclass(frozen=True)
class Added:
    """What `add` declared; `refused` has the pipelines that cannot run the model, with the reasons.

    `started` has the files of a project that was started for it.
    """

    name: str
    folder: Path
    model: Model
    pipelines: tuple[Pipeline, ...]
    refused: dict[Pipeline, str]
    cases: tuple[NewCase, ...]
    in_suite: bool
    started: tuple[Path, ...] = ()


def add(
    root: Path,
    file: Path,
    images: Sequence[Path],
    name: str = "",
    truth: Path | None = None,
    *,
    declared: Mapping[str, Any] = {},
    start: bool = False,
) -> Added:
    """Declare a model in the project in `root`, or in one that is started there; `declared` is more of its model.toml.

    Raises UsageError for a file that is no model, an image that cannot be read, a name that is taken or unusable, and
    a ground truth that is no mask of its image.
    """
    model = read_with(file, declared)
    name = _free_name(root, file, name)
    cases = _cases(images, truth, model)
    refused = refusals(model)
    pipelines = tuple(each for each in PIPELINES if each not in refused)
    folder = root / "models" / name
    copies = Copies(folder)
    model_table = copies.table(file)
    case_tables = []
    for case in cases:
        table: dict[str, Any] = {"id": case.id} | copies.table(case.image)
        if case.truth:
            table["truth"] = copies.table(case.truth, f"{case.id}_truth.png")
        case_tables.append(table)
    known = len(model.labels) < MAX_CLASSES
    made_up = known and not (model.description.labels or "labels" in declared)
    text = new_model(
        summary=f"{file.name}, {model.reading.image.width}×{model.reading.image.height}, {model.input.dtype}",
        pipelines=pipelines,
        declared={**({"labels": list(model.labels)} if made_up else {}), **declared},
        comments=["The file names no classes; these names are made up."] if made_up else [],
        assumed=(model.mean, model.std) if model.assumption else None,
        model=model_table,
        cases=case_tables,
    )
    started = tuple(init(root)) if start else ()
    copies.make()
    write_atomically(folder / "model.toml", text.encode())
    in_suite = add_to_suite(root / FILE_NAME, SUITE, name)
    return Added(name, folder, model, pipelines, refused, cases, in_suite, started)


def _free_name(root: Path, file: Path, given: str) -> str:
    """The new model's name. Raises UsageError where it is taken, or none that can be."""
    name = given or _plain(file, "model", longest=64)
    if not re.fullmatch(NAME, name):
        raise UsageError(
            f"--name {name!r} is no name: of a-z, 0-9, '.', '_' and '-', at most 64, first a letter or a digit",
            fix=f"--name {name_of(Path(name), 'model')}",
        )
    if (root / "models" / name / "model.toml").exists() or name in model_names(root):
        raise UsageError(
            f"there is a model {name!r} already",
            fix=f"cp {file} {root / 'models' / name}/ and ./goldmask models.pin, or another --name",
        )
    return name


def _cases(images: Sequence[Path], truth: Path | None, model: Model) -> tuple[NewCase, ...]:
    """A case for each image, and its ground truth out of the folder `truth`."""
    if not images:
        raise UsageError("a model needs at least one image", fix=EXAMPLE)
    if truth is not None and not truth.is_dir():
        raise UsageError(f"--truth {str(truth)!r} is no folder", fix="--truth <a folder of masks named as the images>")
    cases: dict[str, NewCase] = {}
    for image in images:
        if image.is_dir():
            raise UsageError(f"{image} is a folder, not an image", fix=f"--image {image}/*")
        if not image.is_file():
            raise UsageError(f"there is no image {image}", fix=EXAMPLE)
        pixels = decode(image)
        case = _case_id(image, cases)
        mask = _truth_of(image, truth)
        if mask:
            truth_mask = read_mask(mask)
            if truth_mask.shape != pixels.shape[:2]:
                (high, wide), (height, width) = truth_mask.shape, pixels.shape[:2]
                raise UsageError(f"{mask} is {wide}×{high}, its image {width}×{height}", fix="draw it on the image")
            if (highest := highest_class(truth_mask, model.ignore)) >= len(model.labels):
                raise UsageError(
                    f"{mask} has class {highest}, the model's highest is {len(model.labels) - 1}",
                    fix="write an 8-bit PNG whose pixel value is the class",
                )
        cases[case] = NewCase(image, case, mask)
    return tuple(cases.values())


def _plain(file: Path, otherwise: str, longest: int) -> str:
    """A name out of a file's: letters that a name cannot have lose their accents, or are left out."""
    plain = unicodedata.normalize("NFKD", file.stem.casefold()).encode("ascii", "ignore").decode()
    # A name that begins with a dot has no stem.
    return name_of(Path(f"-{plain.strip()}.x"), otherwise, longest=longest).rstrip("-._") or otherwise


def _case_id(image: Path, taken: dict[str, NewCase]) -> str:
    """A name for a case out of its file's."""
    stem = _plain(image, "image", longest=48)
    if not re.search("[a-z]", stem):
        stem = f"image-{stem}"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    return name


def _truth_of(image: Path, folder: Path | None) -> Path | None:
    names = (f"{image.stem}.png", f"{image.stem}_mask.png")
    return next((folder / name for name in names if (folder / name).is_file()), None) if folder else None


class Copies:
    """The files of a model, each with a name of its own in the model's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: dict[str, Path] = {}

    def table(self, source: Path, wanted: str = "") -> dict[str, Any]:
        """A file as model.toml declares it. Raises UsageError where another of its name lies in the folder."""
        real = source.resolve()
        if real.is_relative_to(self._folder.resolve()):
            name = real.relative_to(self._folder.resolve()).as_posix()
        else:
            name, number = wanted or source.name, 2
            # A Mac takes Dawn.JPG and dawn.jpg for one file.
            taken = {each.casefold() for each in self._sources}
            while name.casefold() in taken:
                name, number = f"{source.stem}-{number}{source.suffix}", number + 1
            there = self._folder / name
            if there.exists() and sha256_of(there) != sha256_of(source):
                raise UsageError(f"{there} is there already, and is not {source}", fix=f"rm {there}, or another --name")
        self._sources[name] = source
        return {"file": name, "sha256": sha256_of(source), "size": source.stat().st_size}

    def make(self) -> None:
        """Copy what is not there; a file is there as a whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, source in self._sources.items():
            if not (self._folder / name).exists():
                beside = self._folder / f".{name[:100]}.part"
                shutil.copyfile(source, beside)
                beside.replace(self._folder / name)
