"""The `python` target: the reference runtimes, each in an environment of its own that uv makes and keeps.

TensorFlow and tflite-support cannot be imported into one process (tensorflow/tflite-support#954), and neither
should decide which numpy this program has; hence scripts (python/references/), not imports.
"""

import platform
import sys
from collections.abc import Callable
from pathlib import Path

from ..contract.bundle import Bundle, Request, load_bundle, save
from ..contract.errors import RunError, UsageError
from ..machine import pep723
from ..machine.resources import REFERENCES
from ..project.setup import Setup
from .host import case_listener

NAME = "python"
SCRIPTS = {
    ("lib_interpreter", "litert"): "interpreter.py",
    ("lib_interpreter", "tensorflow"): "interpreter_tensorflow.py",
    ("lib_task_api", "litert"): "task_library.py",
}
RUNTIMES = ("litert", "tensorflow")
DELEGATES = ("xnnpack", "cpu")
START_DEADLINE_S = 120
CASE_DEADLINE_S = 60
# tflite-support has wheels for macOS on x86_64 only; Rosetta runs that Python on Apple Silicon.
ROSETTA_PYTHON = "cpython-3.11-macos-x86_64-none"


def prepare(pipeline: str, setup: Setup) -> None:
    """Set up a pipeline's runtime. Raises EnvironmentMissing, and UsageError where it has no such runtime."""
    pep723.prepare(_script(pipeline, setup.runtime), interpreter_of(pipeline), setup.logs)


def run(request: Request, out: Path, setup: Setup, on_case: Callable[[str], None] = lambda case: None) -> Bundle:
    """Run `request` in its reference runtime; the bundle is written to `out`.

    `on_case` hears of each finished case. Raises RunError when the runtime ends without a bundle, UsageError
    for options that no reference runtime has.
    """
    if request.options.delegate not in DELEGATES:
        raise UsageError(
            f"target {NAME} has no delegate {request.options.delegate!r}", fix=f"--delegate {'|'.join(DELEGATES)}"
        )
    path = _script(request.options.pipeline, setup.runtime)
    request_file = out / "request.json"
    save(request, request_file)
    (out / "bundle.json").unlink(missing_ok=True)  # an old bundle must not pass for this run's

    runs = request.options.warmup + request.options.runs
    deadline_s = START_DEADLINE_S + len(request.cases) * (CASE_DEADLINE_S * runs + request.options.min_duration_s)
    python = interpreter_of(request.options.pipeline)
    words = (request_file, "--out", out)
    done = pep723.run(path, python, *words, log=out / "run.log", deadline_s=deadline_s, on_line=case_listener(on_case))
    if done.code or not (out / "bundle.json").is_file():
        raise RunError(
            f"the {path.stem} runtime ended without a bundle ({done.ending}): {pep723.reason(done)}",
            fix=f"cat {done.log}",
        )
    return load_bundle(out)


def _script(pipeline: str, runtime: str) -> Path:
    runtime = runtime or RUNTIMES[0]
    if (pipeline, runtime) not in SCRIPTS:
        raise UsageError(
            f"{pipeline} has no runtime {runtime!r}",
            fix=f"--runtime {'|'.join(RUNTIMES)} (tensorflow: lib_interpreter only)",
        )
    return REFERENCES / SCRIPTS[pipeline, runtime]


def interpreter_of(pipeline: str) -> str:
    """The Python that a reference runtime gets: this one, but for the Task Library, whose last wheels are of 3.11."""
    if pipeline != "lib_task_api":
        return sys.executable
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ROSETTA_PYTHON
    return "3.11"
