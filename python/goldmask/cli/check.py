"""`check` and `report`."""

from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from ..contract.errors import ExitCode
from ..project.config import load_config
from ..project.options import from_flags
from ..report.report import JUNIT_FILE, REPORT_FILE, Report, load_report
from ..report.terminal import rows_shown, to_terminal
from ..workflows.check import check
from ..workflows.selection import select
from .console import ProgressBars, out
from .folders import out_folder, root


def run_check(
    suite: str, models: list[str], pipelines: list[str], targets: list[str], folder: str, flags: Mapping[str, object]
) -> ExitCode:
    """`check`: the main job."""
    config = load_config(root())
    selection = select(config, suite, models, pipelines, targets, from_flags(flags))
    path = out_folder(folder, "build/check")
    with ProgressBars() as bars:
        report = check(root(), config, selection, path, bars)
    return finish(report, path)


def show_report(folder: str) -> ExitCode:
    """`report`: the table of an earlier run."""
    path = out_folder(folder, "build/check")
    return finish(load_report(path), path)


def finish(report: Report, folder: Path) -> ExitCode:
    """Print a report and where its files are; its exit code."""
    out.print(to_terminal(report))
    out.print(Text(f"report: {folder / REPORT_FILE}, {folder / JUNIT_FILE}"))
    for comparison in rows_shown(report):
        if comparison.picture:
            out.print(Text(f"picture: {folder / comparison.picture}"))
    return report.exit_code
