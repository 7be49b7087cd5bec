"""Runs the program and sends it a signal at its n-th step, so that a test of signals does not wait to be lucky.

    python moments.py N SIGNAL KINDS COUNT_FILE PROGRAM ARGV…

A step is what Python's auditing (PEP 578) reports of the main thread. N = 0 sends nothing: COUNT_FILE tells how many
steps there were.
"""

import os
import runpy
import sys
import threading
from pathlib import Path

# What is loaded, what is done to files and processes, and the moments before something gets its name.
KINDS = {
    "load": ("import",),
    "rename": ("os.rename",),
    "do": ("open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "subprocess.Popen"),
}


def main(n: int, signal: int, kind: str, count_file: Path, argv: list[str]) -> None:
    """Run `argv`, a Python program with its words, in this process."""
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
                os.kill(os.getpid(), signal)

    sys.argv = argv
    sys.addaudithook(hear)
    try:
        runpy.run_path(argv[0], run_name="__main__")
    finally:
        count_file.write_text(str(steps), "ascii")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), sys.argv[5:])
