"""`diagnose`: two bundles on disk, and the cause of each difference by name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..contract.bundle import Request, load_request
from ..contract.errors import ExitCode, GoldmaskError, UsageError
from ..contract.options import Options
from ..project.gather import gather
from ..project.model import Model, load_spec, model_from_path, model_names
from ..report.write import open_folder, write_report
from ..verdict.compare import Verdict
from ..workflows.compare import compare_bundle
from ..workflows.diagnose import Materials, diagnose_rows, materials_of
from ..workflows.failed_case import Sides
from ..workflows.known_models import known_models
from ..workflows.three_way import agreements_of
from .check import finish
from .compare import Side, labels_of, load_side, two_folders
from .console import ProgressBars
from .folders import out_folder, root_or_here

# Who asks for the cause waits for it.
BUDGET_S = 900


def run_diagnose(
    golden: str, bundle: str, folder: str, verbose: bool = False, by_operator: Mapping[str, object] | None = None
) -> ExitCode:
    """`diagnose`: compare, and name the cause of each failure. The exit code is that of the comparison.

    `by_operator` are the flags of `--ops`, none of which may be given.
    """
    for name in (name for name, value in (by_operator or {}).items() if value):
        raise UsageError(f"--{name} is for diagnose --ops", fix=f"--ops, or leave --{name} out")
    project, config = root_or_here()
    was, now = two_folders(project, golden, bundle)
    path = out_folder(folder, "build/diagnose")
    open_folder(path)
    expected, actual = load_side(golden, was), load_side(bundle, now)
    labels = labels_of(expected, actual)
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
    materials = _materials(project, expected, actual, len(labels), path / "logs")
    materials = replace(
        materials,
        budget_s=BUDGET_S,
        labels=expected.labels or actual.labels,
        known=known_models(project),
        dtype=_dtype(actual.folder),
    )
    rows = diagnose_rows(rows, sides, materials)
    failed = [row.case for row in rows if row.verdict is Verdict.FAIL]
    agreements = agreements_of(project, _bundles_around(now), expected.bundle.model.name, failed)
    environment = {"golden": golden, "bundle": bundle}
    return finish(write_report(rows, (), environment, path, agreements=agreements), path, verbose)


def _dtype(folder: Path) -> str:
    """What the model of a bundle takes, by the request beside it; empty where there is none."""
    file = folder / "request.json"
    return load_request(file).model.input.dtype if file.is_file() else ""


def _bundles_around(folder: Path) -> Path:
    """The folder of bundles that a check wrote and that `folder` is one of; else one that has no other."""
    above = folder.resolve().parents
    return above[2] if len(above) > 2 and above[2].name == "bundles" else folder


def _materials(project: Path, expected: Side, actual: Side, classes: int, logs: Path) -> Materials:
    """The model and the images: those of the request beside the bundle, or else of the project's model."""
    for side in (actual, expected):
        file = side.folder / "request.json"
        if file.is_file():
            request = load_request(file)
            cases = [case.model_copy(update={"file": str(side.folder / case.file)}) for case in request.cases]
            path = side.folder / request.model.file
            try:
                found: Model | None = model_from_path(path)
            except GoldmaskError:
                found = None
            model = request.model.model_copy(update={"file": str(path.resolve())})
            return materials_of(request.model_copy(update={"model": model, "cases": tuple(cases)}), found, logs)
    name = expected.bundle.model.name
    if name in model_names(project):
        with ProgressBars() as bars:
            assets = gather(project, name, load_spec(project, name), bars)
        if assets.model and assets.cases:
            options = Options(pipeline=expected.bundle.pipeline)
            request = Request(model=assets.model.request(), options=options, cases=assets.cases)
            return materials_of(request, assets.model, logs)
    return Materials(classes)
