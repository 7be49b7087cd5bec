"""The `python` target: the reference runtimes, each in an environment of its own that uv makes and keeps.

TensorFlow and tflite-support cannot be imported into one process (tensorflow/tflite-support#954), and neither
should decide which numpy this program has; hence scripts (python/references/), not imports.
"""

import contextlib
import json
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .. import shell
from ..bundle import Bundle, Request, load_bundle, save
from ..errors import EnvironmentMissing, RunError, UsageError

NAME = "python"
REFERENCES = Path(__file__).resolve().parents[2] / "references"
SCRIPTS = {
    ("lib_interpreter", "litert"): "interpreter.py",
    ("lib_interpreter", "tensorflow"): "interpreter_tensorflow.py",
    ("lib_task_api", "litert"): "task_library.py",
}
RUNTIMES = ("litert", "tensorflow")
UV = (sys.executable, "-m", "uv")
DELEGATES = ("xnnpack", "cpu")
PREPARE_DEADLINE_S = 1200
START_DEADLINE_S = 120
CASE_DEADLINE_S = 60
# tflite-support has wheels for macOS on x86_64 only; Rosetta runs that Python on Apple Silicon.
ROSETTA_PYTHON = "cpython-3.11-macos-x86_64-none"


def prepare(pipeline: str, logs: Path, runtime: str = "litert") -> None:
    """Make the environment of a reference runtime, or leave it as it is when it is there already.

    A PEP 723 header can pin versions but not hashes. So uv first installs the script's hashed requirements
    into a throw-away environment, and then makes the script's own one offline, from the files just verified.
    Raises EnvironmentMissing where it cannot be had on this machine, UsageError for a runtime that has no
    such pipeline.
    """
    script = _script(pipeline, runtime)
    python = _interpreter(pipeline)
    log = logs / f"{script.stem}.environment.log"

    def uv(*words: str | Path) -> shell.Finished:
        return shell.run([*UV, *words], log=log, deadline_s=PREPARE_DEADLINE_S)

    sync = ("sync", "--quiet", "--offline", "--python", python, "--script", script)
    if not uv(*sync, "--check").code:
        return
    with tempfile.TemporaryDirectory() as folder:
        requirements = script.with_suffix(".txt")
        installed = uv("venv", "--quiet", "--python", python, folder)
        if not installed.code:
            hashed = ("--require-hashes", "--only-binary", ":all:", "--requirements", requirements)
            installed = uv("pip", "install", "--quiet", "--python", Path(folder), *hashed)
        if not installed.code:
            installed = uv(*sync)
    if installed.code:
        raise EnvironmentMissing(
            f"the reference runtime of {pipeline} cannot be installed here: {_reason(installed)}",
            fix="./goldmask doctor",
        )


def run(
    request: Request, out: Path, on_case: Callable[[str], None] = lambda case: None, runtime: str = "litert"
) -> Bundle:
    """Run `request` in its reference runtime; the bundle is written to `out`.

    `on_case` hears of each finished case. Raises RunError when the runtime ends without a bundle, UsageError
    for options that no reference runtime has.
    """
    if request.options.delegate not in DELEGATES:
        raise UsageError(
            f"target {NAME} has no delegate {request.options.delegate!r}", fix=f"--delegate {'|'.join(DELEGATES)}"
        )
    script = _script(request.options.pipeline, runtime)
    request_file = out / "request.json"
    save(request, request_file)
    (out / "bundle.json").unlink(missing_ok=True)  # an old bundle must not pass for this run's

    def tell(line: str) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):  # native code prints to stdout as well
            on_case(json.loads(line)["case"])

    python = _interpreter(request.options.pipeline)
    argv = [*UV, "run", "--quiet", "--offline", "--python", python, "--script", script, request_file, "--out", out]
    runs = request.options.warmup + request.options.runs
    deadline_s = START_DEADLINE_S + len(request.cases) * (CASE_DEADLINE_S * runs + request.options.min_duration_s)
    done = shell.run(argv, log=out / "run.log", deadline_s=deadline_s, on_line=tell)
    if done.code or not (out / "bundle.json").is_file():
        raise RunError(
            f"the {script.stem} runtime ended without a bundle ({done.ending}): {_reason(done)}", fix=f"cat {done.log}"
        )
    return load_bundle(out)


def _script(pipeline: str, runtime: str) -> Path:
    if (pipeline, runtime) not in SCRIPTS:
        raise UsageError(
            f"{pipeline} has no runtime {runtime!r}",
            fix=f"--runtime {'|'.join(RUNTIMES)} (tensorflow: lib_interpreter only)",
        )
    return REFERENCES / SCRIPTS[pipeline, runtime]


def _interpreter(pipeline: str) -> str:
    """The Python that a reference runtime gets: this one, but for the Task Library, whose last wheels are of 3.11."""
    if pipeline != "lib_task_api":
        return sys.executable
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ROSETTA_PYTHON
    return "3.11"


def _reason(done: shell.Finished) -> str:
    """The end of the log, where uv and Python say why, on one line."""
    return " ".join(done.log_tail(2).split())[-300:] or done.ending
