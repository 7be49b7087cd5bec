"""`check` and `report`."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

from rich.text import Text

from ..contract.errors import ExitCode, UsageError
from ..project.config import VARIANTS, load_config
from ..project.options import from_flags
from ..report.github import annotations
from ..report.markdown import Upload, to_markdown
from ..report.report import JUNIT_FILE, REPORT_FILE, Report, load_report
from ..report.terminal import View, to_terminal
from ..workflows.check import check
from ..workflows.narrowing import CheckFlags, again, select_failed, with_cases
from ..workflows.selection import select
from .console import ProgressBars, out
from .folders import from_here, out_folder, root

FORMATS = ("text", "markdown", "github")


def run_check(flags: CheckFlags, verbose: bool) -> ExitCode:
    """`check`: the main job."""
    config, given = load_config(root()), from_flags(flags.options)
    path = out_folder(flags.out, "build/check")
    if flags.last_failed:
        file = from_here(path / REPORT_FILE)
        selection = select_failed(root(), config, flags, given, load_report(path), file)
    else:
        selection = select(config, flags.suite, flags.models, flags.pipelines, flags.targets, given)
    if flags.cases:
        selection = with_cases(root(), selection, flags.cases, flags.models)
    across = flags.across or selection.across
    variants = _variants(flags.variants) or selection.variants
    selection = replace(
        selection,
        fail_fast=flags.fail_fast,
        across=across,
        against=flags.against,
        variants=variants,
        variants_named=bool(flags.variants),
    )
    with ProgressBars() as bars:
        report = check(root(), config, selection, path, bars)
    return finish(report, path, verbose, again(report, flags))


def _variants(given: str) -> str:
    """--variants as a suite has it. Raises UsageError."""
    if given and not re.fullmatch(VARIANTS, given):
        raise UsageError(f"--variants {given!r} is not two names", fix="--variants 'float32 vs int8'")
    return given


def show_report(folder: str, verbose: bool, form: str = "text", artifact: str = "") -> ExitCode:
    """`report`: an earlier run as a table, as Markdown, or as annotations and a summary for GitHub. Raises UsageError.

    The summary is appended to the file that GITHUB_STEP_SUMMARY names, where it names one.
    """
    if form not in FORMATS:
        raise UsageError(f"--format {form!r} is not known", fix=f"--format {'|'.join(FORMATS)}")
    path = out_folder(folder, "build/check")
    report = load_report(path)
    if form == "text":
        return finish(report, path, verbose)
    page = to_markdown(report, Upload(artifact, _run_url()))
    if form == "markdown":
        sys.stdout.write(page)
        return report.exit_code
    sys.stdout.writelines(f"{line}\n" for line in annotations(report))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY", ""):
        try:
            with Path(summary).open("a", encoding="utf-8") as stream:
                stream.write(page)
        except OSError as error:
            raise UsageError(
                f"cannot write into {summary}: {error.strerror}", fix="unset GITHUB_STEP_SUMMARY"
            ) from error
    return report.exit_code


def _run_url() -> str:
    """The page of the run of a GitHub workflow that this is part of; empty elsewhere."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (os.environ.get(name, "") for name in names)
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""


def finish(report: Report, folder: Path, verbose: bool, retry: tuple[str, ...] = (), *, pends: bool = True) -> ExitCode:
    """Print a report and where its files are; its exit code.

    `retry` are the words that check its failures again; `pends` is whether what differs pends.
    """
    shown = from_here(folder)
    out.print(to_terminal(report, View(verbose, str(shown), retry, pends)))
    out.print(Text(f"report: {shown / REPORT_FILE}, {shown / JUNIT_FILE}"))
    return report.exit_code
