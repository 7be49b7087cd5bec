"""The cases of a bundle against a golden, on all cores."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..contract.bundle import Bundle
from ..machine.cores import on_all_cores
from ..project.config import Compared, Config, Tolerances, tolerances_for
from ..project.golden import Golden
from ..project.ignored import NOTHING, Ignored
from ..report.write import row_of
from ..verdict.clip import Sides, with_flicker
from ..verdict.compare import Asked, Comparison, compare_case


def tolerances_of(config: Config, bundle: Bundle, model: str, target: str, case: str) -> tuple[Tolerances, str]:
    """The tolerances of a case of a bundle, and the reasons of the overrides that made them."""
    ran = {"delegate": bundle.runtime.delegate, "device": bundle.target.device}
    compared = Compared(model=model, case=case, pipeline=bundle.pipeline, target=target, **ran)
    return tolerances_for(config, compared)


def compare_bundle(
    cases: Iterable[str],
    *,
    config: Config,
    model: str,
    target: str,
    golden_folder: Path,
    golden: Bundle | Golden,
    folder: Path,
    bundle: Bundle,
    labels: tuple[str, ...],
    out: Path,
    asked: Asked = Asked(),
    truths: Mapping[str, Path] = {},
    ignored: Mapping[str, Ignored] = {},
    across: bool = False,
    before: Mapping[str, str] = {},
) -> list[Comparison]:
    """A row for each case, in the order of `cases`; the pictures of failures are written into the report in `out`.

    `target` is what overrides are matched against, `bundle` may be one of several that it made. `before` has the frame
    before each frame of a clip.
    """

    def compare(case: str) -> Comparison:
        tolerances, override = tolerances_of(config, bundle, model, target, case)
        outcome = compare_case(
            model=model,
            case=case,
            golden_folder=golden_folder,
            golden=golden.as_of(case) if isinstance(golden, Golden) else golden,
            folder=folder,
            bundle=bundle,
            labels=labels,
            tolerances=tolerances,
            warnings=config.warnings,
            asked=asked,
            override=override,
            truth=truths.get(case),
            ignore=ignored.get(case, NOTHING),
            across=across,
        )
        if case in before:
            sides = Sides(golden_folder, golden.bundle if isinstance(golden, Golden) else golden, folder, bundle)
            outcome = with_flicker(outcome, before[case], sides, tolerances, config.warnings)
        # At once, here: a mask that waits for the others takes memory for as long.
        return row_of(outcome, out)

    return list(on_all_cores(compare, cases))
