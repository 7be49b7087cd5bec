"""A against B: two ways to run a model, measured in turn until it is known which one is faster."""

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from ..contract.bundle import Bundle, Failed, Request, RequestCase
from ..contract.errors import EnvironmentMissing, RunError, UsageError
from ..contract.files import write_atomically
from ..contract.options import Pipeline
from ..machine.progress import Progress
from ..project.case import cases_from_files
from ..project.config import Config, load_config
from ..project.custom_operators import lacking
from ..project.gather import gather
from ..project.model import Model, find_model, load_spec, model_names
from ..project.options import from_flags
from ..targets.target import Context, Session, check_options, check_used, find_target, target_names
from ..verdict.latency import Change, Ratio
from ..verdict.side_by_side import Block, SideName, is_known, order, outcome, paired
from .check import request_for
from .selection import PIPELINES, Selection, among, options_for

BENCH_FILE = "bench.json"
# What a side may say, besides its options.
OF_A_SIDE = ("model", "target", "pipeline", "project")
OPTIONS_OF_A_SIDE = ("threads", "delegate", "runtime", "resize", "abi", "apk", "device")
# A block of a side, where nobody asks for another: long enough that its start is little of it.
BLOCK: dict[str, object] = {"warmup": 3, "runs": 20, "min_duration_s": 1.0}


@dataclass(frozen=True)
class Side:
    """One of the two: what was typed, what it runs and where, and its options by name.

    `project` is the folder of another project than the one at hand, whose app and models it uses.
    """

    name: SideName
    text: str
    model: str
    target: str
    pipeline: Pipeline
    given: dict[str, object]
    project: str = ""


@dataclass(frozen=True)
class Benched:
    """What came out: B beside A, the ratios of inference and of the whole run, and every block."""

    change: Change
    inference: Ratio | None
    total: Ratio | None
    blocks: tuple[Block, ...]
    runtimes: dict[SideName, str]
    notes: tuple[str, ...]


@dataclass
class _Measuring:
    """A side in use: its session, what it runs, and what really ran."""

    side: Side
    session: Session
    request: Request
    runtime: str = ""


def side_of(name: SideName, text: str, common: dict[str, str], given: dict[str, object]) -> Side:
    """A side out of `delegate=cpu,threads=4`, on top of what is common to both. Raises UsageError."""
    of_side = dict(common)
    flags: dict[str, str] = {}
    for clause in filter(None, text.split(",")):
        key, equals, value = (part.strip() for part in clause.partition("="))
        among([key], (*OF_A_SIDE, *OPTIONS_OF_A_SIDE), name.lower())
        if not equals or not value:
            raise UsageError(f"--{name.lower()} {text!r}: {key} has no value", fix=f"--{name.lower()} {key}=…")
        (of_side if key in OF_A_SIDE else flags)[key] = value
    among([of_side["pipeline"]], PIPELINES, "pipeline")
    among([of_side["target"]], target_names(), "target")
    (pipeline,) = (each for each in PIPELINES if each == of_side["pipeline"])
    own = {**given, **from_flags(flags)}
    check_used(own, [of_side["target"]])
    return Side(name, text, of_side["model"], of_side["target"], pipeline, own, of_side.get("project", ""))


def bench(
    root: Path,
    config: Config,
    sides: tuple[Side, Side],
    images: Sequence[str],
    out: Path,
    pairs: int,
    seed: int | None = None,
    progress: Progress = Progress(),
) -> Benched:
    """Measure both sides in turn until it is known which is faster, or `pairs` pairs of blocks are through.

    Sides never run at once. Blocks lie in `out`/blocks, the outcome in `out`/bench.json. Raises UsageError,
    EnvironmentMissing, and RunError where a block fails.
    """
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    notes = [f"the order of blocks is that of --seed {seed}"]
    blocks: list[Block] = []
    what = "A against B"
    with ExitStack() as closing:
        measuring = {
            side.name: _ready(root, config, side, images, out, progress, notes.append, closing) for side in sides
        }
        progress.step(what, 0, 2 * pairs)
        for name in order(seed):
            folder = out / "blocks" / f"{len(blocks):03}-{name.lower()}"
            blocks.append(_block(measuring[name], folder))
            progress.step(what, len(blocks), 2 * pairs)
            # After A B B A only: half of it would leave a drift in.
            if (len(blocks) % 4 == 0 and is_known(blocks, config.latency.limit)) or len(blocks) >= 2 * pairs:
                break
        progress.over(what)
    masks = {name: {block.masks for block in blocks if block.side == name} for name in measuring}
    if masks["A"] != masks["B"]:
        notes.append("A and B predict other masks: ./goldmask compare says whether that matters")
    found = Benched(
        outcome(blocks, config.latency.limit),
        paired(blocks, "inference_ms"),
        paired(blocks, "total_ms"),
        tuple(blocks),
        {name: each.runtime for name, each in measuring.items()},
        tuple(dict.fromkeys(notes)),
    )
    write_atomically(out / BENCH_FILE, _to_json(found, sides, seed, config.latency.limit))
    return found


def _ready(
    root: Path,
    config: Config,
    side: Side,
    images: Sequence[str],
    out: Path,
    progress: Progress,
    on_note: Callable[[str], None],
    closing: ExitStack,
) -> _Measuring:
    if side.project:
        root = Path(side.project).resolve()
        config = load_config(root)
    model, cases = _model_and_cases(root, side.model, images, progress)
    options = options_for(
        config, Selection((), (side.pipeline,), (side.target,), given=BLOCK | side.given), side.target
    )
    target = find_target(side.target)
    check_options(target, options)
    if error := lacking(model.description.custom_operators, side.target, side.pipeline, options):
        raise error
    context = Context(
        root=root,
        logs=out / "logs" / side.name.lower(),
        options=options,
        android=config.android,
        ios=config.ios,
        suppress=config.device.suppress,
        progress=progress,
        on_note=on_note,
    )
    session = closing.enter_context(target.session(context))
    session.prepare(side.pipeline)
    return _Measuring(side, session, request_for(model, cases, side.pipeline, options))


def _model_and_cases(
    root: Path, name: str, images: Sequence[str], progress: Progress
) -> tuple[Model, tuple[RequestCase, ...]]:
    """A model with the images that the user names, or the first of the model's own cases that is here."""
    if images:
        return find_model(root, name, progress.download), cases_from_files([Path(image) for image in images])
    if name not in model_names(root):
        raise UsageError("a model of yours needs images", fix="--image FILE, or a model of ./goldmask models.list")
    assets = gather(root, name, load_spec(root, name), progress)
    if not assets.model or not assets.cases:
        raise EnvironmentMissing(f"none of {name}'s cases is here", fix=f"./goldmask models.fetch --model {name}")
    return assets.model, assets.cases[:1]


def _block(measuring: _Measuring, folder: Path) -> Block:
    """Run a side once. Raises RunError where a case has no mask or no times."""
    folder.mkdir(parents=True, exist_ok=True)
    side = measuring.side
    bundle = measuring.session.run(measuring.request, folder)
    measuring.runtime = str(bundle.runtime)
    inferences, totals = [], []
    for result in bundle.results:
        if isinstance(result, Failed):
            why = f"{result.error.stage}: {result.error.message}"
            raise RunError(f"side {side.name} ({side.text}) failed on {result.case}: {why}", fix=f"ls {folder}")
        if result.latency is None or not result.latency.inference_ms:
            raise RunError(f"side {side.name} ({side.text}) measured nothing of {result.case}", fix=f"ls {folder}")
        inferences.append(median(result.latency.inference_ms))
        totals.append(median(result.latency.totals_ms) if result.latency.totals_ms else None)
    known = [ms for ms in totals if ms is not None]
    return Block(
        side=side.name,
        inference_ms=fmean(inferences),
        total_ms=fmean(known) if len(known) == len(totals) else None,
        runs=sum(len(result.latency.inference_ms) for result in bundle.results if result.latency),
        masks=_masks(bundle),
    )


def _masks(bundle: Bundle) -> str:
    hashes = sorted(
        f"{result.case} {result.mask_sha256}" for result in bundle.results if not isinstance(result, Failed)
    )
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()[:16]


def _to_json(found: Benched, sides: Sequence[Side], seed: int, limit: float) -> bytes:
    data = {
        "schema": 1,
        "change": found.change,
        "limit": limit,
        "seed": seed,
        "sides": {
            side.name: {
                "asked": side.text,
                "model": side.model,
                "target": side.target,
                "ran": found.runtimes[side.name],
            }
            for side in sides
        },
        "inference": found.inference and found.inference._asdict(),
        "total": found.total and found.total._asdict(),
        "blocks": [block.model_dump() for block in found.blocks],
        "notes": found.notes,
    }
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()
