"""All runs of a model that are at hand, goldens among them, laid over each other: which pair disagrees, and where."""

from collections.abc import Collection
from pathlib import Path

from ..contract.bundle import BUNDLE_FILE, Bundle, Predicted, load_bundle, mask_of
from ..contract.errors import GoldmaskError
from ..project.golden import is_golden, load_golden
from ..project.model import goldens_folder, model_names
from ..verdict.three_way import Agreement, Ran, agreements

# Enough to see a pattern; each costs a mask of every run.
MOST_CASES = 50


def agreements_of(root: Path, bundles: Path, model: str, cases: Collection[str]) -> list[Agreement]:
    """Every pair of the goldens of `model` and of its bundles below `bundles`, for some cases.

    `bundles` is a folder of `<target>/<pipeline>/<model>`. What cannot be read is left out: its rows say why.
    """
    wanted = set(list(cases)[:MOST_CASES])
    if not wanted:
        return []
    runs: dict[str, dict[str, Ran]] = {}
    if model in model_names(root):
        for folder in sorted(goldens_folder(root, model).glob("*")):
            if folder.is_dir() and is_golden(folder):
                _add(runs, folder, folder.name, wanted, golden=True)
    for path in sorted(bundles.glob(f"*/*/{model}/**/{BUNDLE_FILE}")):
        _add(runs, path.parent, path.relative_to(bundles).parts[1], wanted, golden=False)
    return agreements(model, runs)


def _add(runs: dict[str, dict[str, Ran]], folder: Path, pipeline: str, wanted: Collection[str], golden: bool) -> None:
    """Add a run. Its folder has the name of its `pipeline`: one of an app calls itself what it is held against."""
    try:
        bundle: Bundle = load_golden(folder).bundle if golden else load_bundle(folder)
        results = [each for each in bundle.results if isinstance(each, Predicted) and each.case in wanted]
        name = "golden" if golden else bundle.target.name
        masks = {each.case: Ran(each, mask_of(folder, each)) for each in results}
    except GoldmaskError:
        return
    runs.setdefault(f"{name} · {pipeline}", {}).update(masks)
