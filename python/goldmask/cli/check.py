"""`check` and `report`."""

from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from ..contract.errors import ExitCode
from ..project.config import load_config
from ..project.options import from_flags
from ..report.report import JUNIT_FILE, REPORT_FILE, Report, load_report
from ..report.terminal import View, to_terminal
from ..workflows.check import check
from ..workflows.selection import select
from .console import ProgressBars, out
from .folders import from_here, out_folder, root


def run_check(
    suite: str,
    models: list[str],
    pipelines: list[str],
    targets: list[str],
    folder: str,
    verbose: bool,
    flags: Mapping[str, object],
) -> ExitCode:
    """`check`: the main job."""
    config = load_config(root())
    selection = select(config, suite, models, pipelines, targets, from_flags(flags))
    path = out_folder(folder, "build/check")
    with ProgressBars() as bars:
        report = check(root(), config, selection, path, bars)
    return finish(report, path, verbose)


def show_report(folder: str, verbose: bool) -> ExitCode:
    """`report`: the table of an earlier run."""
    path = out_folder(folder, "build/check")
    return finish(load_report(path), path, verbose)


def finish(report: Report, folder: Path, verbose: bool) -> ExitCode:
    """Print a report and where its files are; its exit code."""
    shown = from_here(folder)
    out.print(to_terminal(report, View(verbose, str(shown))))
    out.print(Text(f"report: {shown / REPORT_FILE}, {shown / JUNIT_FILE}"))
    return report.exit_code
