"""Processes of tests: whether one is there, and waiting for what another process does."""

import time
from collections.abc import Callable
from pathlib import Path

DEADLINE_S = 30
PAUSE_S = 0.02


def wait_until(true: Callable[[], object], otherwise: str, deadline_s: float = DEADLINE_S) -> None:
    """Look until `true()` is, as another process makes it. Raises TimeoutError with `otherwise`."""
    end = time.monotonic() + deadline_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{otherwise} within {deadline_s:g} s")
        time.sleep(PAUSE_S)


def alive(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be collected."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii")
        return stat.rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    """Whether a process that was sent a signal is gone within a few seconds; signals are not delivered at once."""
    try:
        wait_until(lambda: not alive(pid), f"process {pid} goes on", 10)
    except TimeoutError:
        return False
    return True
