"""The cases of a bundle against a golden, on all cores."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..contract.bundle import Bundle
from ..machine.cores import on_all_cores
from ..project.config import Compared, Config, tolerances_for
from ..project.golden import Golden
from ..report.write import row_of
from ..verdict.compare import Asked, Comparison, compare_case


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
    across: bool = False,
) -> list[Comparison]:
    """A row for each case, in the order of `cases`; the pictures of failures are written into the report in `out`.

    `target` is what overrides are matched against, `bundle` may be one of several that it made.
    """

    def compare(case: str) -> Comparison:
        ran = {"delegate": bundle.runtime.delegate, "device": bundle.target.device}
        compared = Compared(model=model, case=case, pipeline=bundle.pipeline, target=target, **ran)
        tolerances, override = tolerances_for(config, compared)
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
            across=across,
        )
        # At once, here: a mask that waits for the others takes memory for as long.
        return row_of(outcome, out)

    return list(on_all_cores(compare, cases))
