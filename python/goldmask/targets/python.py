"""The `python` target: the reference runtimes, each in an environment of its own that uv makes and keeps.

TensorFlow and tflite-support cannot be imported into one process (tensorflow/tflite-support#954), and neither
should decide which numpy this program has; hence scripts (python/references/), not imports.
"""

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from ..contract.bundle import Bundle, Request, RuntimeInfo, load_bundle, save
from ..contract.errors import GoldmaskError, RunError, UsageError, meant
from ..contract.journal import JOURNAL_FILE, read_journal
from ..contract.options import Pipeline
from ..contract.tensor_runs import CUTS_FILE, REQUEST_FILE, VALUES_FILE, Cuts, TensorRequest, TensorResults
from ..contract.tensor_runs import load as load_tensors
from ..contract.tensor_runs import save as save_tensors
from ..machine import pep723
from ..machine.diagnostics import Diagnostic
from ..machine.uv import find_uv
from .host import case_listener, filled
from .target import OF_EVERY_TARGET, Context, OnCase, Session, Target, check_options, deadline_s

NAME = "python"
SCRIPTS = {
    ("lib_interpreter", "litert"): "interpreter.py",
    ("lib_interpreter", "tensorflow"): "interpreter_tensorflow.py",
    ("lib_task_api", "litert"): "task_library.py",
}
RUNTIMES = ("litert", "tensorflow")
START_DEADLINE_S = 120
CASE_DEADLINE_S = 60
CUT_DEADLINE_S = 300
TASK_LIBRARY = "lib_task_api"
TENSOR_PIPELINE: Pipeline = "lib_interpreter"
# tflite-support has wheels for macOS on x86_64 only; Rosetta runs that Python on Apple Silicon.
TASK_LIBRARY_MACHINES = (("Linux", "x86_64"), ("Darwin", "x86_64"), ("Darwin", "arm64"))
ROSETTA_PYTHON = "cpython-3.11-macos-x86_64-none"


class PythonSession(Session):
    """Reference runtimes: a process for each request."""

    def prepare(self, pipeline: Pipeline) -> None:
        """Set up a pipeline's runtime. Raises EnvironmentMissing, and UsageError where it has no such runtime."""
        options = self.context.options
        check_options(self.target, options)
        pep723.prepare(script_of(pipeline, options.runtime), interpreter_of(pipeline), self.context.logs)

    def predict(self, request: Request, out: Path, on_case: OnCase) -> Bundle:
        """Run `request` in its reference runtime. Cases that it did not live to finish are errors that say why.

        Raises RunError when it finished none, and as `prepare`.
        """
        pipeline = request.options.pipeline
        check_options(self.target, self.context.options)
        path = script_of(pipeline, self.context.options.runtime)
        who, log, journal = f"the {path.stem} runtime", out / "run.log", out / JOURNAL_FILE
        journal.unlink(missing_ok=True)
        try:
            done = pep723.run(
                path,
                interpreter_of(pipeline),
                *(out / "request.json", "--out", out),
                log=log,
                deadline_s=deadline_s(request, START_DEADLINE_S, CASE_DEADLINE_S),
                silence_s=START_DEADLINE_S + CASE_DEADLINE_S,
                on_line=case_listener(on_case),
            )
            ending = f"{done.ending}: {pep723.reason(done)}" if done.code else ""
        except RunError as error:  # its deadline; the cases before are there all the same
            ending = error.what
        if (out / "bundle.json").is_file():
            if ending:
                self.context.on_note(f"{who}, after its last case: {ending}")
            return load_bundle(out)
        finished = read_journal(out)
        if not finished:
            raise RunError(f"{who} ended without a bundle ({ending or 'exit code 0'})", fix=f"cat {log}")
        bundle = filled(finished, request, f"{who} ended before this case was done ({ending or 'exit code 0'})")
        save(bundle, out / "bundle.json")
        journal.unlink()
        return bundle

    def run_tensors(self, request: TensorRequest, out: Path) -> TensorResults:
        """Run models on tensors in the reference runtime. Raises RunError where it ends before it has values."""
        path = script_of(TENSOR_PIPELINE, self.context.options.runtime)
        save_tensors(request, out / REQUEST_FILE)
        done = pep723.run(
            path,
            interpreter_of(TENSOR_PIPELINE),
            *("tensors", out / REQUEST_FILE, "--out", out),
            log=out / "run.log",
            deadline_s=START_DEADLINE_S + CASE_DEADLINE_S * len(request.runs),
        )
        if done.code:
            reason = pep723.reason(done)
            raise RunError(f"the {path.stem} runtime ended: {done.ending}: {reason}", fix=f"cat {out / 'run.log'}")
        return load_tensors(out / VALUES_FILE, TensorResults)


class Python(Target):
    """The reference, whose masks become goldens."""

    name = NAME
    # What is golden is scaled in goldmask's own way, whatever an app does.
    options = OF_EVERY_TARGET - {"resize"} | {"runtime"}
    delegates = ("xnnpack", "cpu")
    margins = True

    def needs(self, context: Context) -> Iterator[Diagnostic]:
        """The environment of each reference runtime; the first run with one makes it, looking at it does not."""
        try:
            find_uv()
        except GoldmaskError as error:
            yield Diagnostic("uv", False, error.what, error.fix)
            return
        for pipeline in self.pipelines:
            if pipeline == TASK_LIBRARY and (platform.system(), platform.machine()) not in TASK_LIBRARY_MACHINES:
                detail = f"tflite-support has no package for {platform.system()} on {platform.machine()}"
                yield Diagnostic(pipeline, False, detail, impossible=True, pipeline=pipeline)
                continue
            script = pep723.references(copied=False) / SCRIPTS[pipeline, RUNTIMES[0]]
            if pep723.is_prepared(script, interpreter_of(pipeline), context.logs):
                yield Diagnostic(pipeline, True, "the reference runtime is installed", pipeline=pipeline)
            else:
                detail = "its reference runtime is not installed yet; the first run installs it from PyPI"
                yield Diagnostic(pipeline, False, detail, optional=True, pipeline=pipeline)

    def session(self, context: Context) -> PythonSession:
        """A session, still to be entered."""
        return PythonSession(self, context)


TARGET = Python()


def script_of(pipeline: str, runtime: str | None) -> Path:
    """The reference script of a pipeline and a runtime. Raises UsageError."""
    runtime = runtime or RUNTIMES[0]
    if (pipeline, runtime) not in SCRIPTS:
        raise UsageError(
            f"{pipeline} has no runtime {runtime!r}{meant(runtime, RUNTIMES)}",
            fix=f"--runtime {'|'.join(RUNTIMES)} (tensorflow: lib_interpreter only)",
        )
    return pep723.references() / SCRIPTS[pipeline, runtime]


def runtime_of(recorded: RuntimeInfo) -> str:
    """The runtime, as --runtime has it, that a golden was recorded with."""
    return RUNTIMES[1] if recorded.name.startswith("TensorFlow") else RUNTIMES[0]


def write_submodels(cuts: Cuts, out: Path, logs: Path) -> None:
    """Write cuts of models to `out`, in LiteRT's environment, which has the schema. Raises RunError, as `prepare`."""
    script, python = script_of(TENSOR_PIPELINE, None), interpreter_of(TENSOR_PIPELINE)
    pep723.prepare(script, python, logs)
    out.mkdir(parents=True, exist_ok=True)
    save_tensors(cuts, out / CUTS_FILE)
    arguments = ("submodels", out / CUTS_FILE, "--out", out)
    done = pep723.run(script, python, *arguments, log=logs / "submodels.log", deadline_s=CUT_DEADLINE_S)
    if done.code:
        names = " or ".join(each.model for each in cuts.models)
        raise RunError(f"{names} cannot be cut: {pep723.reason(done)}", fix=f"cat {logs / 'submodels.log'}")


def at_hand(pipeline: Pipeline, runtime: str | None, logs: Path) -> bool:
    """Whether a runtime can be run without a download: the default one, and others whose environment is there."""
    return runtime in (None, RUNTIMES[0]) or pep723.is_prepared(
        script_of(pipeline, runtime), interpreter_of(pipeline), logs
    )


def interpreter_of(pipeline: str) -> str:
    """The Python that a reference runtime gets: this one, but for the Task Library, whose last wheels are of 3.11."""
    if pipeline != TASK_LIBRARY:
        return sys.executable
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ROSETTA_PYTHON
    return "3.11"
