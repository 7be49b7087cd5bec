"""What the tests of `scaling = "own"` share: the rows of an app's bundle of `shapes`, as `check` makes them."""

from pathlib import Path

from conftest import REPO
from running import context_of

from goldmask.contract.bundle import Bundle, Request
from goldmask.project.config import Config
from goldmask.project.golden import load_golden
from goldmask.project.model import golden_folder
from goldmask.verdict.compare import Asked, Comparison
from goldmask.workflows.compare import compare_bundle
from goldmask.workflows.scaling import Scaled, judge_own_scaling

MODEL = "shapes"
OURS = {"schema": 1, "suites": {"default": {"models": [MODEL]}}}
OWN = OURS | {"tolerances": {"scaling": "own"}}


def rows_of(request: Request, bundle: Bundle, folder: Path, work: Path, config: dict = OWN) -> dict[str, Comparison]:
    """The row of each case of an app's bundle in `folder`, the answer to `request`."""
    golden = load_golden(golden_folder(REPO, MODEL, "lib_interpreter"))
    loaded = Config.model_validate(config)
    rows = compare_bundle(
        [result.case for result in bundle.results],
        config=loaded,
        model=MODEL,
        target=bundle.target.name,
        golden_folder=golden.folder,
        golden=golden,
        folder=folder,
        bundle=bundle,
        labels=request.model.labels,
        out=work / "report",
    )
    context = context_of(REPO, work / "logs")
    scaled = Scaled(loaded, bundle.target.name, request, golden, bundle, folder, work / "report", context, Asked())
    return {row.case: row for row in judge_own_scaling(rows, scaled)}
