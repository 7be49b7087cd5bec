"""One input image of a model: declared in its model.toml, or named on the command line."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from ..contract.bundle import Orientation, RequestCase
from ..contract.errors import UsageError
from ..contract.files import name_of, sha256_of
from ..contract.image import decode
from ..contract.schema import Name
from ..machine.fetch import Progress, Source, fetch


class Case(Source):
    """`orientation` is an EXIF orientation, 1 to 8, that replaces the file's own; `truth` is the right mask."""

    id: Name
    orientation: Orientation | None = None
    truth: Source | None = Field(default=None, description="8-bit PNG, pixel = class, of the upright image's shape")


def fetch_case(case: Case, folder: Path, on_progress: Progress | None = None) -> RequestCase:
    """A declared case with its verified file. Raises ConfigError or EnvironmentMissing, as fetch does."""
    path = fetch(case, folder, on_progress)
    sha256 = sha256_of(path) if case.file else case.pin
    return RequestCase(id=case.id, file=str(path), sha256=sha256, orientation=case.orientation)


def cases_from_files(paths: Sequence[Path]) -> tuple[RequestCase, ...]:
    """A case for each image file, named after it. Raises UsageError or ImageError for one that cannot be used."""
    cases: dict[str, RequestCase] = {}
    for path in paths:
        if not path.is_file():
            raise UsageError(f"there is no image {path}", fix="./goldmask run … --image FILE")
        decode(path)  # a bad image is refused here, where the path is still the user's own
        stem = name_of(path, "image", longest=48)  # room for a number behind it
        name, number = stem, 2
        while name in cases:
            name, number = f"{stem}-{number}", number + 1
        cases[name] = RequestCase(id=name, file=str(path.resolve()), sha256=sha256_of(path))
    return tuple(cases.values())
