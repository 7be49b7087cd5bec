"""What a target is: its name, what it can run, what it needs of this machine, and a session that runs it.

A target is a file of this room with a `TARGET` in it; `check`, `golden.record`, `doctor` and the rest walk the table of
them and know no platform.
"""

import pkgutil
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from ..contract.bundle import Bundle, Request, save
from ..contract.errors import RunError, UsageError, meant
from ..contract.files import remove_files
from ..contract.latency import LatencyFlag
from ..contract.options import Pipeline
from ..contract.tensor_runs import TensorRequest, TensorResults
from ..machine import interrupts
from ..machine.diagnostics import Diagnostic
from ..machine.outputs import copy_out
from ..machine.progress import Progress
from ..project.config import Android, Ios
from ..project.options import OPTIONS, TargetOptions

# The target whose masks are blessed.
REFERENCE = "python"
# Options that say how a model is run, and how long.
OF_EVERY_TARGET = frozenset({"threads", "delegate", "resize", "warmup", "runs", "min_duration_s", "mode", "seed"})
# What else lies in this room.
NOT_TARGETS = ("host", "target", "test_lab")
# Those that can run a model on tensors, and hand out what comes out.
TENSOR_TARGETS = (REFERENCE, "android-jvm")
# What an inference takes at most, on average.
RUN_DEADLINE_S = 5
OnCase = Callable[[str], None]


def _ignore(text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Context:
    """What a target is given: the project's folder, a folder for logs, its options, and who listens.

    `suppress` are flags in spite of which a latency is valid. `on_note` gets sentences for the report.
    """

    root: Path
    logs: Path
    options: TargetOptions = field(default_factory=TargetOptions)
    android: Android = field(default_factory=Android)
    ios: Ios = field(default_factory=Ios)
    suppress: tuple[LatencyFlag, ...] = ()
    progress: Progress = field(default_factory=Progress)
    on_note: Callable[[str], None] = _ignore

    def copy_out(self, built: Iterable[Path], folder: Path) -> None:
        """Copy what was built into `folder`; where that cannot be written it is a note, as all runs without it."""
        try:
            copy_out(built, folder)
        except OSError as error:
            self.on_note(f"what was built is not in {folder}: {error.strerror}")


@dataclass(frozen=True)
class TensorCommand:
    """How to start a program that runs models on tensors: its file of runs and its folder for values come after.

    `source` is the program, for those who do not have it.
    """

    argv: tuple[str | Path, ...]
    environment: Mapping[str, str]
    source: Path


class Session(AbstractContextManager["Session"], ABC):
    """A target in use; when the session ends, all that it booted or started is stopped."""

    def __init__(self, target: "Target", context: Context) -> None:
        self.target = target
        self.context = context
        self.closing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with interrupts.held():  # a second Ctrl-C must not leave an emulator running
            self.closing.close()

    @property
    def destinations(self) -> tuple[str, ...]:
        """What rows of the report call the places where each case runs; most targets have one, of their own name."""
        return (self.target.name,)

    @abstractmethod
    def prepare(self, pipeline: Pipeline) -> None:
        """Make ready what a pipeline needs; what is ready already stays as it is.

        Raises EnvironmentMissing where this machine cannot have it, PipelineMissing where no machine can, RunError
        where something does not build or start, UsageError for an option that the target cannot have.
        """

    def run(self, request: Request, out: Path, on_case: OnCase = _ignore) -> Bundle:
        """Run `request` at the one destination; the bundle is written to `out`, `on_case` is told of each case.

        Cases that were not finished are errors in the bundle that say why. Raises RunError when there is no bundle
        at all, UsageError where there are several destinations, and as `prepare`.
        """
        if len(self.destinations) != 1:
            raise UsageError("one run has one destination", fix="./goldmask check runs on several, or name one")
        begin(request, out)
        return self.predict(request, out, on_case)

    def run_everywhere(
        self, request: Request, out: Path, on_case: OnCase = _ignore
    ) -> Mapping[str, tuple[Path, Bundle | RunError]]:
        """The folder and bundle of each destination, or why it has none. Raises as `run` where none could."""
        return {self.target.name: (out, self.run(request, out, on_case))}

    def run_tensors(self, request: TensorRequest, out: Path) -> TensorResults:
        """Run models on tensors instead of images; `request` is saved in `out`, which also gets the values.

        Raises UsageError on a target that only makes masks, RunError where nothing came out, and as `prepare`.
        """
        raise UsageError(
            f"target {self.target.name} makes masks and does not hand out tensors",
            fix=f"target={' or target='.join(TENSOR_TARGETS)}",
        )

    def tensor_command(self, request: TensorRequest) -> TensorCommand | None:
        """What `run_tensors` starts, for a script that does it again; None where a target has scripts of its own."""
        return None

    @abstractmethod
    def predict(self, request: Request, out: Path, on_case: OnCase) -> Bundle:
        """What `run` does after its beginning: request.json is in `out`, and no bundle."""


class Target(ABC):
    """Where a pipeline can run. `options` are the names of those it uses, `delegates` those it can ask for.

    `margins` says whether it can write margin maps."""

    name: ClassVar[str]
    pipelines: ClassVar[tuple[Pipeline, ...]] = ("lib_interpreter", "lib_task_api")
    options: ClassVar[frozenset[str]]
    delegates: ClassVar[tuple[str, ...]]
    margins: ClassVar[bool] = False

    @abstractmethod
    def needs(self, context: Context) -> Iterator[Diagnostic]:
        """What the target needs of this machine, each thing looked at without installing anything."""

    @abstractmethod
    def session(self, context: Context) -> Session:
        """A session, still to be entered."""


def target_names() -> tuple[str, ...]:
    """The targets there are, the reference first; none is loaded for that."""
    import goldmask.targets as room

    modules = sorted(module.name for module in pkgutil.iter_modules(room.__path__))
    names = [name.replace("_", "-") for name in modules if name not in NOT_TARGETS]
    return tuple(sorted(names, key=lambda name: name != REFERENCE))


def target_of(name: str) -> str:
    """The target that a row is of: one of several destinations has rows of `ios-simulator.iphone-15`."""
    return name if name in target_names() else name.partition(".")[0]


def find_target(name: str) -> Target:
    """A target by name. Raises UsageError."""
    if name not in target_names():
        near = meant(name, target_names())
        raise UsageError(f"there is no target {name!r}{near}", fix=f"--target {'|'.join(target_names())}")
    target: Target = import_module(f"goldmask.targets.{name.replace('-', '_')}").TARGET
    return target


def check_options(target: Target, options: TargetOptions) -> None:
    """Raise RunError for a delegate that a target does not have, and that others of a check may have."""
    if options.delegate not in target.delegates:
        raise RunError(
            f"target {target.name} has no delegate {options.delegate!r}",
            fix=f"--delegate {'|'.join(target.delegates)}",
        )


def check_used(given: Mapping[str, object], targets: Sequence[str]) -> None:
    """Raise UsageError for an option, or a delegate, that none of `targets` has: a flag without effect is a mistake."""
    used = frozenset().union(*(find_target(name).options for name in targets))
    for name in given:
        if name not in used:
            users = [other for other in target_names() if name in find_target(other).options]
            raise UsageError(
                f"{OPTIONS[name].flag} has no effect on {' or '.join(targets)}",
                fix=f"--target {'|'.join(users)}, or leave {OPTIONS[name].flag} out",
            )
    delegates = dict.fromkeys(delegate for name in targets for delegate in find_target(name).delegates)
    if "delegate" in given and given["delegate"] not in delegates:
        raise UsageError(
            f"there is no delegate {given['delegate']!r} on {' or '.join(targets)}",
            fix=f"--delegate {'|'.join(delegates)}",
        )


def begin(request: Request, out: Path) -> None:
    """The beginning of every run: the request is saved, and no older bundle can pass for this run's.

    Raises UsageError where there are masks that no run wrote: a data set's, for example.
    """
    older = [name for name in ("masks", "taps") if (out / name).exists()]
    if older and not any((out / name).exists() for name in ("request.json", "bundle.json")):
        raise UsageError(f"{out / older[0]} is not from a run of goldmask", fix="--out <another folder>")
    remove_files(out, "bundle.json")
    for name in older:
        shutil.rmtree(out / name, ignore_errors=True)
    remove_files(out, "request.json")  # last: it says whose the masks were
    save(request, out / "request.json")


def deadline_s(request: Request, start_s: float, case_s: float, times: float = 1) -> float:
    """How long a run may take: `start_s` and, for each case, `case_s` and RUN_DEADLINE_S a repetition.

    All of it on a machine `times` as slow. What hangs is noticed earlier, by its silence: while a case is repeated,
    golden tests print a line every ten seconds.
    """
    options = request.options
    repetitions_s = RUN_DEADLINE_S * (options.warmup + options.runs - 1)
    return start_s * times + len(request.cases) * ((case_s + repetitions_s) * times + options.min_duration_s)
