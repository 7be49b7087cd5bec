"""Runs the program and sends it a signal at its n-th step, so that a test of signals does not wait to be lucky.

    python moments.py N SIGNAL KIND COUNT_FILE PROGRAM ARGV…
    python moments.py serve

A step is what Python's auditing (PEP 578) reports of the main thread. N = 0 sends nothing: COUNT_FILE tells how many
steps there were, and which modules were loaded. Most of the time of a start goes by while modules are loaded. So
`serve` takes any number of such runs as lines of JSON, loads what the first one needed, and has a fork of itself
be each of the others.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# What is loaded, what is done to files and processes, and the moments before something gets its name.
KINDS = {
    "load": ("import",),
    "rename": ("os.rename",),
    "do": ("open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "subprocess.Popen"),
}
DEADLINE_S = 60


class Moment(NamedTuple):
    """The n-th step of a kind, and the signal that is sent there."""

    n: int
    signal: int
    kind: str


class Loaded:
    """The program, loaded once for many runs. Close it."""

    def __init__(self, folder: Path, program: Path, environment: Mapping[str, str]) -> None:
        self._words = (folder / "steps.json", program)
        self._stderr = folder / "stderr.txt"
        argv = [sys.executable, __file__, "serve"]
        # Threads are not there in a fork.
        environment = {**os.environ, **environment, "OPENBLAS_NUM_THREADS": "1"}
        self._server = subprocess.Popen(  # noqa: S603
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )
        self.pid = self._server.pid

    def run(self, moment: Moment, folder: Path, *argv: str) -> tuple[int, str]:
        """Exit code and stderr of a run in `folder`."""
        order = {
            "words": [*map(str, (*moment, *self._words)), *argv],
            "folder": str(folder),
            "stderr": str(self._stderr),
        }
        assert self._server.stdin and self._server.stdout
        print(json.dumps(order), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline()), self._stderr.read_text("utf-8")

    def steps(self) -> int:
        """How many steps there were in a run without a signal."""
        return json.loads(self._words[0].read_text("utf-8"))["steps"]

    def close(self) -> None:
        """End the server, which ends when nobody asks it any more."""
        self._server.communicate(timeout=DEADLINE_S)


def main(words: Sequence[str]) -> None:
    """Run a Python program in this process: the words of the command line above."""
    n, number, kind, count_file = int(words[0]), int(words[1]), words[2], Path(words[3])
    argv = list(words[4:])
    steps, begun = 0, False

    def hear(event: str, arguments: tuple) -> None:
        nonlocal steps, begun
        # What the program does, and not what is done here to start it.
        begun = begun or (event == "exec" and arguments[0].co_filename == argv[0])
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if begun and event in KINDS[kind] and threading.current_thread() is threading.main_thread():
            steps += 1
            if steps == n:
                os.kill(os.getpid(), number)

    sys.argv = argv
    sys.addaudithook(hear)
    try:
        runpy.run_path(argv[0], run_name="__main__")
    finally:
        count_file.write_text(json.dumps({"steps": steps, "modules": [] if n else sorted(sys.modules)}), "utf-8")


def serve() -> None:
    """Be the program once for each line of stdin, in a fork, which returns; its exit code is a line of stdout."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            return be_the_program(order)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if order["words"][0] == "0":
            load(order["words"])
        print(code, flush=True)
    return None


def be_the_program(order: dict) -> None:
    """A run, with its own streams and no more time than it may take."""
    for number, name in enumerate((os.devnull, os.devnull, order["stderr"])):
        stream = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["folder"])
    signal.alarm(DEADLINE_S)
    main(order["words"])


def load(words: Sequence[str]) -> None:
    """Load the modules that a run had loaded."""
    sys.path.insert(0, str(Path(words[4]).parent / "python"))
    for name in json.loads(Path(words[3]).read_text("utf-8"))["modules"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # what no fork has to look through at its end


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else main(sys.argv[1:])
