"""`bench.*` and `latency.*`."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median

from rich.text import Text

from ..contract.errors import ExitCode, UsageError
from ..project.config import load_config
from ..project.options import from_flags
from ..report.write import open_folder
from ..verdict.latency import Ratio
from ..workflows.baselines import Recorded, record_baselines
from ..workflows.bench import BENCH_FILE, Benched, bench, side_of
from ..workflows.check import check
from ..workflows.history import HISTORY_FILE, histories, read_git, read_reports, write
from ..workflows.selection import select
from .console import ProgressBars, new_table, out
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
    table = new_table("baseline", "inference", "file")
    for each in recorded:
        table.add_row(*map(Text, _cells(each)))
    out.print(table)
    for each in recorded:
        for clause in each.left_out:
            out.print(Text(f"left out: {each.key}: {clause}", "yellow"))
    for note in report.notes:
        out.print(Text(f"note: {note}"))
    if not recorded or any(each.baseline is None for each in recorded):
        out.print(Text(f"report: {from_here(path)}; nothing is recorded that is not stable, valid and right", "yellow"))
        return ExitCode.RUN
    return ExitCode.OK


def _cells(each: Recorded) -> tuple[str, str, str]:
    if each.baseline is None or each.path is None:
        return str(each.key), "–", "not recorded"
    cases = each.baseline.cases
    slowest = max((figures.inference for figures in cases.values()), key=lambda figure: figure.median_ms)
    more = f", the slowest of {len(cases)} cases" if len(cases) > 1 else ""
    return str(each.key), f"{slowest}{more}", str(from_here(each.path))


def a_against_b(
    a: str, b: str, common: dict[str, str], images: list[str], pairs: int, folder: str, flags: Mapping[str, object]
) -> ExitCode:
    """`bench`: which of two sides is faster."""
    if not a and not b:
        raise UsageError("bench compares two sides", fix="./goldmask bench --a delegate=xnnpack --b delegate=cpu")
    if pairs < 2:
        raise UsageError(f"--pairs {pairs} is too few to tell anything", fix="--pairs 20")
    config = load_config(root())
    given = from_flags(flags)
    seed = given.pop("seed", None)
    sides = (side_of("A", a, common, given), side_of("B", b, common, given))
    path = out_folder(folder, "build/bench")
    open_folder(path)
    with ProgressBars() as bars:
        found = bench(root(), config, sides, images, path, pairs, int(str(seed)) if seed is not None else None, bars)
    table = new_table("side", "asked", "ran", "inference ms", "total ms")
    for side in sides:
        blocks = [block for block in found.blocks if block.side == side.name]
        totals = [block.total_ms for block in blocks if block.total_ms is not None]
        inference = f"{median(block.inference_ms for block in blocks):.3g}" if blocks else "–"
        total = f"{median(totals):.3g}" if totals else "–"
        asked = side.text or f"{side.model} on {side.target}"
        table.add_row(*map(Text, (side.name, asked, found.runtimes[side.name], inference, total)))
    out.print(table)
    for note in found.notes:
        out.print(Text(f"note: {note}"))
    out.print(Text(_outcome(found, config.latency.limit)))
    out.print(Text(f"figures: {from_here(path) / BENCH_FILE}"))
    return ExitCode.OK


def _outcome(found: Benched, limit: float) -> str:
    """B beside A in one line: `B is slower: total +10.2 % (+9.1 to +11.3), inference +0.1 % (…), 8 pairs of blocks`."""
    phrases = {
        "slower": "B is slower",
        "faster": "B is faster",
        "same": f"A and B take the same time, within {limit:.0%}",
        "unclear": "unclear: more pairs of blocks (--pairs), or a quieter machine, may tell",
    }
    ratios: dict[str, Ratio | None] = {"total": found.total, "inference": found.inference}
    figures = [f"{name} {ratio.change}" for name, ratio in ratios.items() if ratio]
    return f"{phrases[found.change]}: {', '.join([*figures, f'{len(found.blocks) // 2} pairs of blocks'])}"


def show_history(folders: list[str], folder: str) -> ExitCode:
    """`latency.history`: how the medians went, and where they stepped."""
    config, path = load_config(root()), out_folder(folder, "build/history")
    with ProgressBars() as bars:
        versions = read_reports([Path(each) for each in folders]) if folders else read_git(root(), bars)
    found = histories(versions, config.latency.limit)
    for each in found:
        first, last = each.points[0], each.points[-1]
        out.print(Text(each.name, "bold"))
        span = f"{first.at[:10]} to {last.at[:10]}" if first.at else "in the order of their folders"
        out.print(Text(f"  {len(each.points)} measurements, {span}: {first.median_ms:.3g} → {last.median_ms:.3g} ms"))
        for step in each.steps:
            out.print(Text(f"  {step}", "red" if step.factor > 1 else "green"))
        if not each.steps:
            out.print(Text(f"  no step of {config.latency.limit:.0%} or more"))
    write(found, path, lambda picture: out.print(Text(f"picture: {from_here(picture)}")))
    out.print(Text(f"data: {from_here(path) / HISTORY_FILE}"))
    return ExitCode.OK
