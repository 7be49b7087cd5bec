"""`diagnose`: two bundles on disk, and the cause of each difference by name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..contract.bundle import Request, load_request
from ..contract.errors import ExitCode, GoldmaskError, UsageError
from ..contract.mask import MAX_CLASSES
from ..project.gather import gather
from ..project.model import Model, load_spec, model_from_path, model_names
from ..report.write import open_folder, write_report
from ..verdict.hypothesis import ImageInput
from ..workflows.compare import compare_bundle
from ..workflows.diagnose import Materials, Sides, diagnose_rows
from .check import finish
from .compare import Side, load_side, named_folder
from .console import ProgressBars
from .folders import out_folder, root_or_here


def run_diagnose(
    golden: str, bundle: str, folder: str, verbose: bool = False, by_operator: Mapping[str, object] | None = None
) -> ExitCode:
    """`diagnose`: compare, and name the cause of each failure. The exit code is that of the comparison.

    `by_operator` are the flags of `--ops`, none of which may be given.
    """
    for name in (name for name, value in (by_operator or {}).items() if value):
        raise UsageError(f"--{name} is for diagnose --ops", fix=f"--ops, or leave --{name} out")
    project, config = root_or_here()
    was, now = named_folder(project, "golden", golden), named_folder(project, "bundle", bundle)
    if was.samefile(now):
        raise UsageError(f"--golden and --bundle are one folder, {was.resolve()}", fix="name two folders")
    path = out_folder(folder, "build/diagnose")
    open_folder(path)
    expected, actual = load_side(golden, was), load_side(bundle, now)
    labels = expected.labels or actual.labels or tuple(f"class_{index}" for index in range(MAX_CLASSES))
    rows = compare_bundle(
        dict.fromkeys(result.case for result in (*expected.bundle.results, *actual.bundle.results)),
        config=config,
        model=expected.bundle.model.name,
        target=actual.bundle.target.name,
        golden_folder=was,
        golden=expected.golden or expected.bundle,
        folder=now,
        bundle=actual.bundle,
        labels=labels,
        out=path,
    )
    sides = Sides(was, expected.golden or expected.bundle, now, actual.bundle)
    rows = diagnose_rows(rows, sides, _materials(project, expected, actual, len(labels)))
    return finish(write_report(rows, (), {"golden": golden, "bundle": bundle}, path), path, verbose)


def _materials(project: Path, expected: Side, actual: Side, classes: int) -> Materials:
    """The model and the images: those of the request beside the bundle, or else of the project's model."""
    for side in (actual, expected):
        file = side.folder / "request.json"
        if file.is_file():
            return _of_request(load_request(file), side.folder, classes)
    name = expected.bundle.model.name
    if name not in model_names(project):
        return Materials(classes)
    with ProgressBars() as bars:
        assets = gather(project, name, load_spec(project, name), bars)
    image = _image_input(assets.model) if assets.model else None
    return Materials(classes, image, {case.id: case for case in assets.cases})


def _of_request(request: Request, folder: Path, classes: int) -> Materials:
    cases = {case.id: case.model_copy(update={"file": str(folder / case.file)}) for case in request.cases}
    image = ImageInput.of(request.model.input)
    if image.dtype == "int8":  # whose steps only the file knows
        try:
            found = model_from_path(folder / request.model.file)
        except GoldmaskError:
            return Materials(classes, None, cases)
        image = replace(image, scale=found.input.scale, zero_point=found.input.zero_point)
    return Materials(classes, image, cases)


def _image_input(model: Model) -> ImageInput:
    return ImageInput.of(model.request().input, model.input.scale, model.input.zero_point)
