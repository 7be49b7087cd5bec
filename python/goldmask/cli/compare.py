"""`compare`: two bundles on disk."""

from pathlib import Path

from ..contract.bundle import load_bundle
from ..contract.errors import ExitCode, UsageError
from ..contract.mask import MAX_CLASSES
from ..project.config import tolerances_for
from ..project.golden import SIDECAR, load_golden
from ..report.write import open_folder, write_report
from ..verdict.compare import Outcome, compare_case
from ..workflows.check import compared
from .check import finish
from .folders import out_folder, root_or_here


def run_compare(golden: str, bundle: str, folder: str) -> ExitCode:
    """`compare`: nothing is fetched and nothing is run."""
    for flag, value in (("golden", golden), ("bundle", bundle)):
        if not Path(value).is_dir():
            raise UsageError(f"--{flag} {value!r} is no folder", fix="./goldmask compare --golden DIR --bundle DIR")
    _, config = root_or_here()
    path = out_folder(folder, "build/compare")
    open_folder(path)
    blessed = load_golden(Path(golden)) if (Path(golden) / SIDECAR).exists() else None
    expected = blessed.bundle if blessed else load_bundle(Path(golden))
    actual = load_bundle(Path(bundle))
    # A bare bundle names no labels: classes are numbered, and none is unknown.
    labels = blessed.provenance.labels if blessed else tuple(f"class_{index}" for index in range(MAX_CLASSES))
    outcomes: list[Outcome] = []
    for case in dict.fromkeys(result.case for result in (*expected.results, *actual.results)):
        model = expected.model.name
        tolerances, override = tolerances_for(config, compared(actual, model, case, actual.target.name))
        outcomes.append(
            compare_case(
                model=model,
                case=case,
                golden_folder=Path(golden),
                golden=expected,
                folder=Path(bundle),
                bundle=actual,
                labels=labels,
                tolerances=tolerances,
                warnings=config.warnings,
                override=override,
            )
        )
    return finish(write_report(outcomes, (), {"golden": golden, "bundle": bundle}, path), path)
