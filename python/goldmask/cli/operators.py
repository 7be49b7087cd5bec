"""`diagnose --ops`: the operator at which two sides part."""

import math
from collections.abc import Mapping
from contextlib import ExitStack

from rich.text import Text

from ..contract.errors import ExitCode, UsageError
from ..project.config import load_config
from ..project.options import from_flags
from ..targets.target import REFERENCE
from ..verdict.operators import worst
from ..workflows.bench import side_of
from ..workflows.operator_input import inputs_of
from ..workflows.operator_runs import PIPELINE, open_sides
from ..workflows.operators import Operators, compare_operators
from ..workflows.operators_folder import FILE, open_operators, write_operators
from .console import ProgressBars, new_table, out
from .folders import from_here, out_folder, root

MODEL = "shapes"
EXAMPLE = "./goldmask diagnose --ops --model shapes --a delegate=cpu --b delegate=xnnpack"


def diagnose_operators(
    bundles: Mapping[str, str], flags: Mapping[str, object], folder: str, verbose: bool = False
) -> ExitCode:
    """`diagnose --ops`: exit code 0 where no operator differs, 10 where one does.

    `bundles` are the flags of the other way to diagnose, none of which may be given.
    """
    for name in (name for name, value in bundles.items() if value):
        raise UsageError(f"--{name} has no effect with --ops, which runs both sides", fix=f"leave --{name} out")
    a, b, model, target, case, image, threshold = (
        str(flags[name] or "") for name in ("a", "b", "model", "target", "case", "image", "threshold")
    )
    if not a and not b:
        raise UsageError("--ops compares two sides", fix=EXAMPLE)
    if case and image:
        raise UsageError("--case and --image both name the input", fix="leave one of them out")
    common = {"model": model or MODEL, "target": target or REFERENCE, "pipeline": PIPELINE}
    limit = _threshold(threshold)
    config = load_config(root())
    given = from_flags(flags)
    sides = (
        side_of("A", a, common, given),
        side_of("B", b, common, given),
    )
    path = out_folder(folder, "build/operators")
    open_operators(path)
    with ProgressBars() as bars, ExitStack() as closing:
        running = open_sides(root(), config, sides, path, closing, bars)
        inputs, what = inputs_of(root(), sides[0].model, running[0].graph, image, case, bars)
        found = compare_operators(running, inputs, limit, bars)
    reproduction = write_operators(found, what, path)
    _show(found, what, verbose)
    if reproduction:
        out.print(Text(f"for the runtime's maintainers: {from_here(reproduction)}"))
    out.print(Text(f"figures: {from_here(path) / FILE}"))
    return ExitCode.OK if found.first is None else ExitCode.MASKS_DIFFER


def _threshold(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UsageError(f"--threshold {text!r} is not a share of a tensor's range", fix="--threshold 0.001")
    return value


def _show(found: Operators, what: str, verbose: bool) -> None:
    table = new_table("side", "asked", "ran", "runs")
    for running in found.sides:
        side = running.side
        asked = side.text or f"{side.model} on {side.target}"
        table.add_row(*map(Text, (side.name, asked, running.runtime, str(running.runs))))
    out.print(table)
    if rows := found.rows if verbose else worst(found.rows):
        heading = "all operators" if verbose else "these differ most"
        table = new_table(heading, "with the same input", "in the graph", "seen in")
        for row in rows:
            own = str(row.own) if row.own else f"{100 * row.added:+.3g} % to its inputs'"
            seen = "the model up to it" if row.number + 1 in found.prefixes else "a run with all outputs"
            table.add_row(*map(Text, (row.name, own, str(row.output), seen)))
        out.print(table)
    for note in found.notes:
        out.print(Text(f"note: {note}"))
    for line in found.lines(what):
        out.print(Text(line, "red" if found.first is not None else "green"))
