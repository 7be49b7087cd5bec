"""`bench.*` and `latency.*`."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from ..contract.errors import ExitCode
from ..project.config import load_config
from ..project.options import from_flags
from ..workflows.baselines import Recorded, record_baselines
from ..workflows.check import check
from ..workflows.selection import select
from .console import ProgressBars, out
from .folders import from_here, out_folder, root

# Long enough for an interval that a baseline can be made of.
MODE = "normal"


def record(
    suite: str, models: list[str], pipelines: list[str], targets: list[str], folder: str, flags: Mapping[str, object]
) -> ExitCode:
    """`bench.record`: measure, and keep what was measured as baselines."""
    config = load_config(root())
    given = {"mode": MODE} | from_flags(flags)
    selection = select(config, suite, models, pipelines, targets, given)
    path = out_folder(folder, "build/bench")
    with ProgressBars() as bars:
        report = check(root(), config, selection, path, bars)
    recorded = record_baselines(root(), report)
    table = Table("baseline", "inference", "file", box=None, header_style="bold")
    for each in recorded:
        table.add_row(*map(Text, _cells(each)))
    out.print(table)
    for note in report.notes:
        out.print(Text(f"note: {note}"))
    refused = [each for each in recorded if each.why]
    if refused or not recorded:
        out.print(Text(f"report: {from_here(path)}; nothing is recorded that is not stable, valid and right", "yellow"))
        return ExitCode.RUN
    return ExitCode.OK


def _cells(each: Recorded) -> tuple[str, str, str]:
    if each.baseline is None or each.path is None:
        return str(each.key), "–", f"not recorded: {each.why}"
    cases = each.baseline.cases
    slowest = max((figures.inference for figures in cases.values()), key=lambda figure: figure.median_ms)
    more = f", the slowest of {len(cases)} cases" if len(cases) > 1 else ""
    return str(each.key), f"{slowest}{more}", str(from_here(each.path))
