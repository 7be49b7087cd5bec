"""What targets share: pixels that this program decodes, cases that a process did not finish, bundles of devices."""

import contextlib
import json
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from ..contract import bmp
from ..contract.bundle import (
    Bundle,
    Failed,
    Failure,
    Predicted,
    Request,
    RequestCase,
    Result,
    mask_of,
    save,
    soft_of,
    verified,
)
from ..contract.errors import RunError
from ..contract.image import ImageError, decode, read_image
from ..contract.metadata import UPRIGHT


def case_listener(on_case: Callable[[str], None]) -> Callable[[str], None]:
    """Hears every line of a golden run's stdout, and passes on the case of each `{"case": …}`."""

    def tell(line: str) -> None:
        # Frameworks and native code print as well.
        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
            # JUnit begins the first line with a dot.
            on_case(json.loads(line[line.index("{") :])["case"])

    return tell


def one_at_a_time(listener: Callable[[str], None], lock: threading.Lock) -> Callable[[str], None]:
    """A listener that threads may call: what listens counts and draws, and knows of one thread only."""

    def tell(text: str) -> None:
        with lock:
            listener(text)

    return tell


def write_decoded(request: Request, out: Path) -> Path:
    """The folder with the pixels of each JPEG, PNG and WebP, decoded for a platform that has no decoder of these.

    They lie as in the file: what an app makes of EXIF's orientation stays its own. So do BMP files, for which an app
    needs no decoder of its platform.
    """
    folder = out / "decoded"
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir()
    for case in request.cases:
        with contextlib.suppress(ImageError, OSError):  # the golden test says that the case has no pixels
            data = read_image(out / case.file)
            if not data.startswith(bmp.SIGNATURE):
                pixels = decode(out / case.file, orientation=UPRIGHT, data=data)
                Image.fromarray(pixels).save(folder / f"{case.id}.ppm")
    return folder


def complete(bundle: Bundle, request: Request, who: str, ending: str, out: Path) -> Bundle:
    """The bundle with an error for each case that has no result: that `who` ended before, and how it ended."""
    whole = filled(bundle, request, f"{who} ended before this case was done ({ending or 'exit code 0'})")
    if whole is not bundle:
        save(whole, out / "bundle.json")
    return whole


def filled(bundle: Bundle, request: Request, message: str) -> Bundle:
    """The bundle with an error of this message for each case of `request` that has no result."""
    finished = {result.case for result in bundle.results}
    lost = [failed(case.id, case.sha256, "run", message) for case in request.cases if case.id not in finished]
    return bundle.model_copy(update={"results": (*bundle.results, *lost)}) if lost else bundle


def checked(bundle: Bundle, request: Request, cases: Sequence[RequestCase], folder: Path, target: str) -> Bundle:
    """A bundle that `target` pulled, each file of which is as it says; a case whose files are not is an error.

    Raises RunError for a bundle that answers another request than that of `cases`.
    """
    asked = {case.id: case.sha256 for case in cases}
    wrong = [
        what
        for what, is_so in (
            (f"is of target {bundle.target.name}", bundle.target.name != target),
            (f"is of pipeline {bundle.pipeline}", bundle.pipeline != request.options.pipeline),
            ("is of another model", bundle.model.sha256 != request.model.sha256),
            *((f"has case {each.case}", each.case not in asked) for each in bundle.results),
            *(
                (f"has another image for {each.case}", each.image_sha256 != asked.get(each.case))
                for each in bundle.results
            ),
        )
        if is_so
    ]
    if wrong:
        raise RunError(f"the device's bundle {wrong[0]}, which was not asked for", fix="run the target again")
    results: list[Result] = []
    for result in bundle.results:
        if isinstance(result, Predicted):
            try:
                soft_of(folder, result, mask_of(folder, result))
                for tap in result.taps.values():
                    verified(folder, tap.file, tap.sha256)
            except RunError as error:
                result = failed(result.case, result.image_sha256, "pull", error.what)
        results.append(result)
    return bundle.model_copy(update={"results": tuple(results)})


def failed(case: str, image_sha256: str, stage: str, message: str) -> Failed:
    """A case's error."""
    return Failed(case=case, image_sha256=image_sha256, status="error", error=Failure(stage=stage, message=message))
