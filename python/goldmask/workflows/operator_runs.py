"""Two sides that run cuts of a model on the same values, and how their tensors differ."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..contract.bundle import RuntimeInfo
from ..contract.errors import RunError, UsageError
from ..contract.tensor_runs import (
    Cut,
    CutModel,
    Cuts,
    ModelRun,
    RunValues,
    SubModel,
    TensorRequest,
    Values,
    ValuesFile,
    load_values,
    save_values,
)
from ..machine.progress import Progress
from ..project.config import Config, load_config
from ..project.graph import Graph, Slot, check_pair, load_graph
from ..project.model import locate_model
from ..targets.python import write_submodels
from ..targets.target import TENSOR_TARGETS, Context, Session, check_options, find_target
from ..verdict.operators import Difference, Limit, Quantisation, difference, most_runs
from .bench import Side
from .selection import Selection, options_for

PIPELINE = "lib_interpreter"
# More than this of intermediate outputs is not kept at once: prefixes are bisected without a look at all of them.
MAX_TRACE_BYTES = 1 << 30
STEP = "operators"


@dataclass
class Running:
    """A side in use: its graph, its session, how it runs, how often it did, and what really ran."""

    side: Side
    graph: Graph
    session: Session
    folder: Path
    threads: int
    delegate: str
    runs: int = 0
    ran: RuntimeInfo | None = None

    @property
    def runtime(self) -> str:
        """What really ran, for people."""
        return str(self.ran) if self.ran else f"{self.side.target}, nothing ran"


@dataclass(frozen=True)
class Compared:
    """One cut that both sides ran: each side's tensors by slot, or why it has none, and how they differ."""

    values: tuple[Mapping[Slot, Values], Mapping[Slot, Values]]
    errors: tuple[str, str]
    differences: Mapping[Slot, Difference]

    def exceeds(self, limit: Limit) -> bool:
        """Whether the sides differ beyond `limit`; one that cannot run what the other can does."""
        return any(self.errors) or any(each.exceeds(limit) for each in self.differences.values())

    def first_beyond(self, limit: Limit) -> int | None:
        """How many operators there are up to the first whose output differs beyond `limit`."""
        return min((slot[0] + 1 for slot, each in self.differences.items() if each.exceeds(limit)), default=None)

    @property
    def largest(self) -> Difference | None:
        """The largest of the differences, by its share of the range."""
        return max(self.differences.values(), key=lambda each: each.share, default=None)


@dataclass(frozen=True)
class _Wanted:
    """What is to be cut of each side's model, and what the outputs of the cuts are."""

    cuts: tuple[Cut, Cut]
    slots: Sequence[Slot]


class Runs:
    """Both sides, and what they ran for one input of the model. `notes` are sentences for the report."""

    def __init__(self, sides: tuple[Running, Running], inputs: Sequence[Values], limit: Limit, progress: Progress):
        self.sides, self.inputs, self.limit, self.progress = sides, inputs, limit, progress
        self.graph = sides[0].graph
        self.prefixes: dict[int, Compared] = {}
        self.trace: Compared | None = None
        self.notes: list[str] = []

    @property
    def count(self) -> int:
        """Runs a side, so far."""
        return max(side.runs for side in self.sides)

    def run_trace(self) -> Compared | None:
        """All intermediate outputs of one run; None where they are too many, or where a side cannot have them."""
        size = sum(self.graph.tensors[self.graph.tensor(slot)].bytes for slot in self.graph.every())
        if size > MAX_TRACE_BYTES:
            self.notes.append(f"all intermediate outputs have {size / 1e9:.1f} GB: prefixes are bisected without them")
            return None
        slots = self._numeric(self.graph.every())
        cuts = self._cuts(partial(Graph.cut, slots=slots))
        compared = self._run({"trace": _Wanted(cuts, slots)})["trace"]
        if any(compared.errors):
            name, why = ("A", compared.errors[0]) if compared.errors[0] else ("B", compared.errors[1])
            self.notes.append(f"side {name} does not run with all intermediate outputs ({why}): prefixes are bisected")
            return None
        self.trace = compared
        return compared

    def run_apart(self) -> Compared | None:
        """Each operator by itself, in one run, with what it reads of side A's trace on both sides; None without."""
        slots = self._numeric(self.graph.every())
        wanted = _Wanted(self._cuts(partial(Graph.apart, slots=slots)), slots)
        compared = self._run({"apart": wanted})["apart"] if self._can(wanted) else None
        if compared is None or any(compared.errors):
            self.notes.append("operators do not run by themselves here: only their place in the graph is compared")
            return None
        return compared

    def differs(self, count: int) -> bool:
        """Whether the model up to operator number `count` does, run by itself."""
        self.run_prefixes([count])
        compared = self.prefixes[count]
        if all(compared.errors):
            raise RunError(
                f"neither side runs the first {count} operators, up to {self.graph.name(count - 1)}: "
                f"{compared.errors[0]}",
                fix=f"ls {self.sides[0].folder}",
            )
        return compared.exceeds(self.limit)

    def run_prefixes(self, counts: Sequence[int], alone: int | None = None) -> Compared | None:
        """Run several prefixes, in one process for each side; what ran is not run again.

        The answer is operator number `alone` by itself, with side A's inputs on both sides; None where nobody asks for
        it, and where these are not known.
        """
        wanted: dict[str, _Wanted] = {}
        for count in counts:
            if count not in self.prefixes:
                slots = self._crossing(count)
                wanted[f"prefix-{count}"] = _Wanted(self._cuts(partial(Graph.cut, slots=slots)), slots)
        if alone is not None:
            slots = self._numeric((alone, place) for place in range(len(self.graph.operators[alone].outputs)))
            single = _Wanted(self._cuts(partial(Graph.alone, number=alone)), slots)
            wanted |= {"alone": single} if self._can(single) else {}
        compared = self._run(wanted) if wanted else {}
        for name in compared.keys() - {"alone"}:
            self.prefixes[int(name.removeprefix("prefix-"))] = compared[name]
        return compared.get("alone")

    def _cuts(self, cut: Callable[[Graph], Cut]) -> tuple[Cut, Cut]:
        a, b = (cut(side.graph) for side in self.sides)
        return a, b

    def _feeds(self) -> list[dict[int, Values]]:
        """What is known, by the tensors of each side: the model's input, and side A's intermediate outputs."""
        known: dict[Slot, Values] = dict(self.trace.values[0]) if self.trace else {}
        for prefix in self.prefixes.values():
            known |= prefix.values[0]
        return [
            dict(zip(side.graph.inputs, self.inputs, strict=True))
            | {side.graph.tensor(slot): values for slot, values in known.items()}
            for side in self.sides
        ]

    def _can(self, wanted: _Wanted) -> bool:
        """Whether the inputs of cuts are known."""
        return all(set(cut.inputs) <= feed.keys() for cut, feed in zip(wanted.cuts, self._feeds(), strict=True))

    def _run(self, wanted: Mapping[str, _Wanted]) -> dict[str, Compared]:
        """Cut both models and run each cut once on each side."""
        out, batch = self.sides[0].folder.parent, "-".join(wanted)
        models: list[CutModel] = []
        for index, side in enumerate(self.sides):
            cuts = [
                SubModel(file=f"{side.folder.name}/{batch}/{name}.tflite", cut=each.cuts[index])
                for name, each in wanted.items()
            ]
            models.append(CutModel(model=str(side.graph.path), cuts=tuple(cuts)))
            (side.folder / batch).mkdir(parents=True, exist_ok=True)
        write_submodels(Cuts(models=tuple(models)), out, out / "logs")
        ran = [self._run_side(index, wanted, side.folder / batch) for index, side in enumerate(self.sides)]
        return {name: self._compared(ran[0][name], ran[1][name], each.slots) for name, each in wanted.items()}

    def _run_side(
        self, index: int, wanted: Mapping[str, _Wanted], folder: Path
    ) -> dict[str, tuple[Sequence[Values], str]]:
        side, feed = self.sides[index], self._feeds()[index]
        cuts = {name: each.cuts[index] for name, each in wanted.items()}
        files: dict[int, ValuesFile] = {}
        for tensor in {tensor for cut in cuts.values() for tensor in cut.inputs}:
            files[tensor] = save_values(feed[tensor], folder / f"input-{tensor}.bin")
        runs = [
            ModelRun(name=name, model=f"{name}.tflite", inputs=tuple(files[tensor] for tensor in cut.inputs))
            for name, cut in cuts.items()
        ]
        request = TensorRequest.model_validate(
            {"threads": side.threads, "delegate": side.delegate, "runs": [run.model_dump() for run in runs]}
        )
        results = {found.name: found for found in side.session.run_tensors(request, folder).runs}
        side.runs += len(runs)
        self.progress.step(STEP, sum(each.runs for each in self.sides), 2 * most_runs(len(self.graph.operators)))
        return {name: self._values(side, results.get(name), folder) for name in cuts}

    def _values(self, side: Running, found: RunValues | None, folder: Path) -> tuple[Sequence[Values], str]:
        if found is None or found.error or not found.runtime:
            return (), (found.error if found else "") or "it did not run"
        side.ran = side.ran or found.runtime
        return [load_values(file, folder) for file in found.outputs], ""

    def _compared(
        self, a: tuple[Sequence[Values], str], b: tuple[Sequence[Values], str], slots: Sequence[Slot]
    ) -> Compared:
        one, other = (dict(zip(slots, found, strict=False)) for found, _ in (a, b))
        graphs = [side.graph for side in self.sides]
        differences = {
            slot: difference(one[slot], other[slot], *(_quantisation(graph, slot) for graph in graphs))
            for slot in slots
            if slot in one and slot in other
        }
        return Compared((one, other), (a[1], b[1]), differences)

    def _crossing(self, count: int) -> list[Slot]:
        """What a prefix hands on, in either file: one that was tampered with may read other tensors."""
        return self._numeric(dict.fromkeys(slot for side in self.sides for slot in side.graph.crossing(count)))

    def _numeric(self, slots: Iterable[Slot]) -> list[Slot]:
        graphs = [side.graph for side in self.sides]
        return [slot for slot in slots if all(graph.tensors[graph.tensor(slot)].is_numeric for graph in graphs)]


def _quantisation(graph: Graph, slot: Slot) -> Quantisation:
    tensor = graph.tensors[graph.tensor(slot)]
    return Quantisation(tensor.scales, tensor.zero_points, tensor.axis)


def open_sides(
    root: Path,
    config: Config,
    sides: tuple[Side, Side],
    out: Path,
    closing: ExitStack,
    progress: Progress = Progress(),
) -> tuple[Running, Running]:
    """Both sides, ready to run. Raises UsageError for what cannot be compared by operator, and as Session.prepare."""
    graphs = {}
    for side in sides:
        if side.target not in TENSOR_TARGETS:
            raise UsageError(
                f"side {side.name}: target {side.target} makes masks and does not hand out tensors",
                fix=f"--{side.name.lower()} target={'|'.join(TENSOR_TARGETS)}",
            )
        if side.pipeline != PIPELINE:
            raise UsageError(
                f"side {side.name}: {side.pipeline} has the model inside; operators run with {PIPELINE}",
                fix=f"--pipeline {PIPELINE}",
            )
        place = Path(side.project).resolve() if side.project else root
        graphs[side.name] = load_graph(locate_model(place, side.model, progress.download))
    check_pair(graphs["A"], graphs["B"])
    a, b = (_ready(root, config, side, graphs[side.name], out, closing, progress) for side in sides)
    return a, b


def _ready(
    root: Path, config: Config, side: Side, graph: Graph, out: Path, closing: ExitStack, progress: Progress
) -> Running:
    if side.project:
        root = Path(side.project).resolve()
        config = load_config(root)
    selection = Selection((), (side.pipeline,), (side.target,), given=side.given)
    options = options_for(config, selection, side.target)
    target = find_target(side.target)
    check_options(target, options)
    folder = out / side.name.lower()
    context = Context(
        root=root,
        logs=folder / "logs",
        options=options,
        android=config.android,
        ios=config.ios,
        suppress=config.device.suppress,
        progress=progress,
    )
    session = closing.enter_context(target.session(context))
    session.prepare(side.pipeline)
    return Running(side, graph, session, folder, options.threads, options.delegate)
