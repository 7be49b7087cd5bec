"""What targets on this machine share: pixels that this program decodes, and cases that a process did not finish."""

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from ..bundle import Bundle, Failure, Request, Result, save
from ..image import ImageError, decode


def case_listener(on_case: Callable[[str], None]) -> Callable[[str], None]:
    """Hears every line of a golden run's stdout, and passes on the case of each `{"case": …}`."""

    def tell(line: str) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):  # frameworks and native code print as well
            on_case(json.loads(line)["case"])

    return tell


def write_decoded(request: Request, out: Path) -> Path:
    """The folder with every case's pixels as this program decodes them, for code that has no decoder of its own."""
    folder = out / "decoded"
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir()
    for case in request.cases:
        with contextlib.suppress(ImageError, OSError):  # the golden test says that the case has no pixels
            pixels = decode(out / case.file, case.orientation)
            Image.fromarray(pixels).save(folder / f"{case.id}.ppm")
    return folder


def complete(bundle: Bundle, request: Request, who: str, ending: str, out: Path) -> Bundle:
    """The bundle with an error for each case that has no result: that `who` ended before, and how it ended."""
    finished = {result.case for result in bundle.results}
    lost = [case for case in request.cases if case.id not in finished]
    if not lost:
        return bundle
    message = f"{who} ended before this case was done ({ending or 'exit code 0'})"
    results = [
        Result(
            case=case.id,
            image_sha256=case.sha256,
            status="error",
            error=Failure(stage="run", message=message),
        )
        for case in lost
    ]
    whole = bundle.model_copy(update={"results": (*bundle.results, *results)})
    save(whole, out / "bundle.json")
    return whole
