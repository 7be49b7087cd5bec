"""`compare`: two bundles on disk."""

from pathlib import Path

from ..contract.bundle import load_bundle
from ..contract.errors import ExitCode, UsageError
from ..contract.mask import MAX_CLASSES
from ..project.golden import is_golden, load_golden
from ..report.write import open_folder, write_report
from ..workflows.compare import compare_bundle
from .check import finish
from .folders import out_folder, root_or_here


def run_compare(golden: str, bundle: str, folder: str, verbose: bool = False) -> ExitCode:
    """`compare`: nothing is fetched and nothing is run."""
    for flag, value in (("golden", golden), ("bundle", bundle)):
        if not value or not Path(value).is_dir():
            raise UsageError(f"--{flag} {value!r} is no folder", fix="./goldmask compare --golden DIR --bundle DIR")
    if Path(golden).samefile(bundle):
        raise UsageError(f"--golden and --bundle are one folder, {Path(golden).resolve()}", fix="name two folders")
    _, config = root_or_here()
    path = out_folder(folder, "build/compare")
    open_folder(path)
    blessed = load_golden(Path(golden)) if is_golden(Path(golden)) else None
    expected = blessed.bundle if blessed else load_bundle(Path(golden))
    actual = load_bundle(Path(bundle))
    # A bare bundle names no labels: classes are numbered, and none is unknown.
    labels = blessed.provenance.labels if blessed else tuple(f"class_{index}" for index in range(MAX_CLASSES))
    rows = compare_bundle(
        dict.fromkeys(result.case for result in (*expected.results, *actual.results)),
        config=config,
        model=expected.model.name,
        target=actual.target.name,
        golden_folder=Path(golden),
        golden=expected,
        folder=Path(bundle),
        bundle=actual,
        labels=labels,
        out=path,
    )
    return finish(write_report(rows, (), {"golden": golden, "bundle": bundle}, path), path, verbose)
