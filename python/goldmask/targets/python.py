"""The `python` target: the reference runtimes, each in an environment of its own that uv makes and keeps.

TensorFlow and tflite-support cannot be imported into one process (tensorflow/tflite-support#954), and neither
should decide which numpy this program has; hence scripts (python/references/), not imports.
"""

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from ..contract.bundle import Bundle, Request, load_bundle, save
from ..contract.errors import GoldmaskError, RunError, UsageError
from ..contract.journal import JOURNAL_FILE, read_journal
from ..contract.options import Pipeline
from ..machine import pep723
from ..machine.diagnostics import Diagnostic
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
# tflite-support has wheels for macOS on x86_64 only; Rosetta runs that Python on Apple Silicon.
ROSETTA_PYTHON = "cpython-3.11-macos-x86_64-none"


class PythonSession(Session):
    """Reference runtimes: a process for each request."""

    def prepare(self, pipeline: Pipeline) -> None:
        """Set up a pipeline's runtime. Raises EnvironmentMissing, and UsageError where it has no such runtime."""
        options = self.context.options
        check_options(self.target, options)
        pep723.prepare(_script(pipeline, options.runtime), interpreter_of(pipeline), self.context.logs)

    def predict(self, request: Request, out: Path, on_case: OnCase) -> Bundle:
        """Run `request` in its reference runtime. Cases that it did not live to finish are errors that say why.

        Raises RunError when it finished none, and as `prepare`.
        """
        pipeline = request.options.pipeline
        check_options(self.target, self.context.options)
        path = _script(pipeline, self.context.options.runtime)
        who, log, journal = f"the {path.stem} runtime", out / "run.log", out / JOURNAL_FILE
        journal.unlink(missing_ok=True)
        try:
            done = pep723.run(
                path,
                interpreter_of(pipeline),
                *(out / "request.json", "--out", out),
                log=log,
                deadline_s=deadline_s(request, START_DEADLINE_S, CASE_DEADLINE_S),
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


class Python(Target):
    """The reference, whose masks become goldens."""

    name = NAME
    options = OF_EVERY_TARGET | {"runtime"}
    delegates = ("xnnpack", "cpu")
    margins = True

    def needs(self, context: Context) -> Iterator[Diagnostic]:
        """The environment of each reference runtime; looking at one that is not there yet makes it."""
        for pipeline in self.pipelines:
            what = f"python {pipeline}"
            try:
                self.session(context).prepare(pipeline)
                yield Diagnostic(what, True, "the reference runtime is installed")
            except GoldmaskError as error:
                fix = "connect to PyPI or your mirror of it (UV_DEFAULT_INDEX), and try again"
                yield Diagnostic(what, False, error.what, fix)

    def session(self, context: Context) -> PythonSession:
        """A session, still to be entered."""
        return PythonSession(self, context)


TARGET = Python()


def _script(pipeline: str, runtime: str | None) -> Path:
    runtime = runtime or RUNTIMES[0]
    if (pipeline, runtime) not in SCRIPTS:
        raise UsageError(
            f"{pipeline} has no runtime {runtime!r}",
            fix=f"--runtime {'|'.join(RUNTIMES)} (tensorflow: lib_interpreter only)",
        )
    return pep723.references() / SCRIPTS[pipeline, runtime]


def interpreter_of(pipeline: str) -> str:
    """The Python that a reference runtime gets: this one, but for the Task Library, whose last wheels are of 3.11."""
    if pipeline != "lib_task_api":
        return sys.executable
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ROSETTA_PYTHON
    return "3.11"
