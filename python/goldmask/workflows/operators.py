"""Which operator of a graph makes two sides part: prefixes of the model run on both, and their tensors compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..contract.tensor_runs import Values
from ..machine.progress import Progress
from ..project.graph import Graph, changed
from ..verdict.operators import (
    HALF_DELEGATES,
    Grown,
    Limit,
    Limits,
    Search,
    find_first,
    growth,
    limits_of,
    most_runs,
)
from .operator_runs import STEP, Compared, Running, Runs

# Types of which a file has weights in few bits while the operator computes in floats.
FEW_BITS = ("int8", "uint8", "int4")
# Names of operators in one sentence.
MOST_NAMES = 5


@dataclass
class Operators:
    """What came out. Numbers of operators are from 0; `prefixes` are by how many operators they have.

    `alone` is the found operator by itself, with side A's inputs on both sides. `files` says what the two files have
    differently, by the number of the operator.
    """

    sides: tuple[Running, Running]
    limits: Limits
    search: Search
    rows: list[Grown] = field(default_factory=list)
    prefixes: dict[int, Compared] = field(default_factory=dict)
    alone: Compared | None = None
    files: dict[int, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def first(self) -> int | None:
        """The number of the operator that was found."""
        return None if self.search.first is None else self.search.first - 1

    @property
    def bound(self) -> int:
        """The most runs a side that a found operator takes where the run with all outputs points at it."""
        return most_runs(len(self.sides[0].graph.operators))

    def lines(self, what: str) -> list[str]:
        """What came out in sentences, for an input that is `what`."""
        runs = max(side.runs for side in self.sides)
        checked = f"{len(self.sides[0].graph.operators)} operators, {what}, {runs} runs a side"
        if self.first is None:
            return [f"no operator differs ({checked})", _allowed(self.limits.own)]
        graph, prefix = self.sides[0].graph, self.prefixes[self.first + 1]
        found = [f"the first operator that differs is {graph.name(self.first)} ({checked})"]
        for side, error in zip(self.sides, prefix.errors, strict=True):
            if error:
                found.append(f"side {side.side.name} does not run the model up to it: {error}")
        if prefix.largest:
            found.append(f"the model up to it, run by itself: {prefix.largest}")
        if before := self.prefixes.get(self.first):
            found.append(f"the model up to the operator before: {before.largest}")
        if self.alone and self.alone.largest:
            found.append(f"the operator by itself, with side A's input on both sides: {self.alone.largest}")
        if clauses := self.files.get(self.first):
            found.append(f"the two files differ there in {' and '.join(clauses)}")
        limit = self.limits.own if self.search.own else self.limits.grown
        return [*found, _allowed(limit)]


def _allowed(limit: Limit) -> str:
    return f"a difference counts beyond {limit}" if limit.share else "no difference is allowed"


def compare_operators(
    sides: tuple[Running, Running],
    inputs: Sequence[Values],
    threshold: float | None = None,
    progress: Progress = Progress(),
) -> Operators:
    """Find the first operator whose output differs between two sides, for one input of the model.

    Raises RunError where neither side runs, or where a side's process ends. Files lie in the sides' folders.
    """
    graph = sides[0].graph
    limits = limits_of(_same_runtime(sides), _is_coarse(sides), threshold)
    runs = Runs(sides, inputs, limits.grown, progress)
    found = Operators(sides, limits, Search(None, False), prefixes=runs.prefixes, notes=runs.notes)
    trace = runs.run_trace()
    # Of a graph of eight operators and more it fits into the bound, with two prefixes and the operator alone.
    apart = runs.run_apart() if trace and found.bound > 4 else None
    grown = trace.first_beyond(limits.grown) if trace else None
    own = apart.first_beyond(limits.own) if apart else None
    if own is not None and (grown is None or own <= grown):
        counts = [count for count in (own - 1, own) if count]
        # The whole model, too, where one run more is within the bound.
        whole = [len(graph.operators)] if runs.count + len(counts) + 1 < found.bound else []
        found.alone = runs.run_prefixes(list(dict.fromkeys(counts + whole)), alone=own - 1)
        if found.alone and found.alone.exceeds(limits.own):
            found.search = Search(own, True, own=True)
    if found.search.first is None:
        if grown is not None:
            runs.run_prefixes([count for count in (grown - 1, grown) if count])
        found.search = find_first(len(graph.operators), grown, trace is not None, runs.differs)
        if found.first is not None and (runs.count < found.bound or (trace and not found.search.traced)):
            found.alone = runs.run_prefixes([], alone=found.first)
    if runs.count < found.bound:
        runs.run_prefixes([len(graph.operators)])
    found.files = _files(sides)
    found.rows = _rows(graph, runs, apart)
    found.notes += _notes(found, grown)
    progress.over(STEP)
    return found


def _same_runtime(sides: tuple[Running, Running]) -> bool:
    """Whether the sides differ in nothing but their model."""
    one, other = ((side.side.target, side.side.project, side.session.context.options) for side in sides)
    return one == other


def _is_coarse(sides: tuple[Running, Running]) -> bool:
    """Whether a delegate may compute in half floats, or an operator has weights in int8 and its input in floats."""
    if HALF_DELEGATES.intersection(side.delegate for side in sides):
        return True
    graph = sides[0].graph
    for operator in graph.operators:
        tensors = [graph.tensors[each] for each in operator.inputs]
        if any(tensor.constant and tensor.scales and tensor.dtype in FEW_BITS for tensor in tensors[1:]) and (
            tensors[0].dtype == "float32"
        ):
            return True
    return False


def _files(sides: tuple[Running, Running]) -> dict[int, list[str]]:
    a, b = (side.graph for side in sides)
    if a.path == b.path:
        return {}
    found = {operator.number: changed(a, b, operator.number) for operator in a.operators}
    return {number: clauses for number, clauses in found.items() if clauses}


def _rows(graph: Graph, runs: Runs, apart: Compared | None) -> list[Grown]:
    """How much each operator's output differs: by the prefix that ends with it where that ran, else by the trace."""
    found = dict(runs.trace.differences) if runs.trace else {}
    for count, prefix in runs.prefixes.items():
        found |= {slot: each for slot, each in prefix.differences.items() if slot[0] == count - 1}
    outputs, own = (
        {graph.tensor(slot): (slot[0], each) for slot, each in sorted(differences.items())}
        for differences in (found, apart.differences if apart else {})
    )
    names = [graph.name(operator.number) for operator in graph.operators]
    return growth(names, [operator.inputs for operator in graph.operators], outputs, own)


def _notes(found: Operators, grown: int | None) -> list[str]:
    notes = []
    graph, first = found.sides[0].graph, found.first
    if grown is not None and not found.search.traced:
        notes.append(
            f"with all intermediate outputs kept, {graph.name(grown - 1)} was the first to differ; the model up to it, "
            "run by itself, does not confirm that: a delegate computes other things when it must hand out every tensor"
        )
    whole = found.prefixes.get(len(graph.operators))
    if first is not None and whole and not whole.exceeds(found.limits.grown):
        notes.append("the model's outputs agree within what differences grow to")
    if first is None and not found.rows:
        notes.append("a difference that vanishes before the model's outputs was not looked for")
    if first is not None and found.alone and not found.alone.exceeds(found.limits.own):
        notes.append(
            "by itself, with the same input, the operator agrees: what differs is what the runtime makes of it "
            "together with the operators before it"
        )
    if others := [number for number in found.files if number != first]:
        more = f" and {len(others) - MOST_NAMES} more" if len(others) > MOST_NAMES else ""
        names = ", ".join(graph.name(number) for number in others[:MOST_NAMES]) + more
        ending = "as well" if first is not None else "and that changes no output for this input"
        notes.append(f"the two files differ in {names}, {ending}")
    return notes
