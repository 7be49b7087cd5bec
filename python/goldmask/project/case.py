"""One input image of a model: declared in its model.toml, or named on the command line."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..contract.bundle import Orientation, RequestCase
from ..contract.files import name_of, sha256_of
from ..contract.image import ImageError, decode, read_image
from ..contract.schema import Name
from ..contract.tensors import IgnoredValue
from ..machine.fetch import Progress, Source, fetch

Point = tuple[float, float]
Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=1 << 12)]


class Case(Source):
    """`orientation` is an EXIF orientation, 1 to 8, that replaces the file's own; `truth` is the right mask.

    `ignore` replaces the model's own value of pixels of which the truth says nothing. Nothing is counted where
    `ignore_mask` is not 0, or within `ignore_polygons`, whose points are x and y in pixels of the upright image.
    Cases of one `clip` are its frames, in the order in which they are declared.
    """

    id: Name
    orientation: Orientation | None = None
    truth: Source | None = Field(default=None, description="8-bit PNG, pixel = class, of the upright image's shape")
    ignore: IgnoredValue | None = None
    ignore_mask: Source | None = Field(default=None, description="PNG of the upright image's shape")
    ignore_polygons: tuple[Polygon, ...] = Field(default=(), max_length=1 << 10)
    clip: Name | None = None


def fetch_case(case: Case, folder: Path, on_progress: Progress | None = None) -> RequestCase:
    """A declared case with its verified file. Raises ConfigError or EnvironmentMissing, as fetch does."""
    path = fetch(case, folder, on_progress)
    sha256 = sha256_of(path) if case.file else case.pin
    return RequestCase(id=case.id, file=str(path), sha256=sha256, orientation=case.orientation)


def cases_from_files(paths: Sequence[Path]) -> tuple[RequestCase, ...]:
    """A case for each image file, named after it. Raises ImageError for one that cannot be used."""
    images = sort_images(paths)
    for error in images.errors.values():
        raise error
    return images.cases


@dataclass(frozen=True)
class Images:
    """Image files as cases; `failed` are those that do not decode, `errors` say of these and of others why not."""

    cases: tuple[RequestCase, ...]
    failed: tuple[RequestCase, ...]
    errors: dict[str, ImageError]


def sort_images(paths: Sequence[Path]) -> Images:
    """A case for each image file, named after it, whether it can be used or not."""
    cases: dict[str, RequestCase] = {}
    errors: dict[str, ImageError] = {}
    names: set[str] = set()
    for path in paths:
        stem = name_of(path, "image", longest=48)  # room for a number behind it
        name, number = stem, 2
        while name in names:
            name, number = f"{stem}-{number}", number + 1
        names.add(name)
        try:
            data = read_image(path)
        except ImageError as error:
            errors[name] = error
            continue
        cases[name] = RequestCase(id=name, file=str(path.resolve()), sha256=hashlib.sha256(data).hexdigest())
        try:
            decode(path, data=data)  # a bad image is told here, where the path is still the user's own
        except ImageError as error:
            errors[name] = error
    return Images(
        cases=tuple(case for name, case in cases.items() if name not in errors),
        failed=tuple(case for name, case in cases.items() if name in errors),
        errors=errors,
    )
