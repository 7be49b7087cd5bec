"""`golden.*`."""

from datetime import UTC, datetime

from rich.text import Text

from ..contract.errors import ExitCode
from ..machine.resources import typed
from ..project.config import FILE_NAME, load_config
from ..project.model import model_names
from ..targets.python import RUNTIMES
from ..targets.target import REFERENCE
from ..workflows import record
from ..workflows.calibrate import calibrations, propose
from ..workflows.selection import among, select
from .check import finish
from .console import ProgressBars, out
from .folders import from_here, out_folder, root


def record_goldens(models: list[str], pipelines: list[str], mode: str, assume: bool, ties: bool) -> ExitCode:
    """`golden.record`."""
    among([mode] if mode else [], record.MODES, "mode")
    chosen = next((each for each in record.MODES if each == mode), record.default_mode())
    config = load_config(root())
    selection = select(config, "default", models, pipelines, [REFERENCE])
    done: list[record.Recorded] = []
    try:
        with ProgressBars() as bars:
            for each in record.record(root(), config, selection, chosen, bars, assume, ties):
                done.append(each)
    finally:  # what was recorded before something failed is recorded
        for row in done:
            out.print(Text(f"{row.action:9} {row.model} {row.pipeline} {row.case}"))
        for row in done:
            if row.picture:
                out.print(Text(f"picture: {from_here(row.picture)}"))
        if any(row.action == "pends" for row in done):
            out.print(Text(typed("next: ./goldmask golden.review, or ./goldmask golden.accept --all --reason TEXT")))
    return ExitCode.OK


def verify_goldens(
    suite: str, models: list[str], pipelines: list[str], runtime: str, folder: str, verbose: bool
) -> ExitCode:
    """`golden.verify`."""
    among([runtime] if runtime else [], RUNTIMES, "runtime")
    config = load_config(root())
    selection = select(config, suite, models, pipelines, [REFERENCE], {"runtime": runtime} if runtime else {})
    path = out_folder(folder, "build/verify")
    with ProgressBars() as bars:
        report = record.verify(root(), config, selection, path, bars)
    return finish(report, path, verbose, pends=False)


def prune_goldens(models: list[str]) -> ExitCode:
    """`golden.prune`."""
    removed = record.prune_unused(root(), models or model_names(root()))
    for model, pipeline, name in removed:
        out.print(Text(f"removed {model} {pipeline} {name}"))
    out.print(Text(f"{len(removed)} unused goldens removed" if removed else "no golden is unused"))
    return ExitCode.OK


def calibrate_margins(models: list[str], write: bool) -> ExitCode:
    """`golden.calibrate`."""
    config = load_config(root())
    chosen = models or list(select(config, "default", [], [], [REFERENCE]).models)
    with ProgressBars() as bars:
        found = list(calibrations(root(), config, chosen, bars))
    today = datetime.now(UTC).date().isoformat()
    for each in found:
        out.print(Text(each.sentence()))
        if write and propose(config, root(), each, today):
            out.print(Text(f"  wrote {root() / FILE_NAME}: an override for {each.model}"))
    return ExitCode.OK
