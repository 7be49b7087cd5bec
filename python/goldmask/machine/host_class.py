"""What kind of computer this is: times of two of one kind may be compared."""

import os
import platform
import re
import sys
from pathlib import Path

from ..contract.errors import GoldmaskError, one_line
from . import shell
from .scratch import scratch_folder

DEADLINE_S = 10


def host_class() -> str:
    """The processor's name and its cores: `AMD EPYC 7B13, 2 cores`."""
    return f"{one_line(_processor(), 100)}, {os.cpu_count() or 1} cores"


def _processor() -> str:
    if sys.platform == "darwin":
        try:
            with scratch_folder() as folder:
                argv = ["sysctl", "-n", "machdep.cpu.brand_string"]
                done = shell.run(argv, log=folder / "log", deadline_s=DEADLINE_S)
            return done.stdout.strip() or platform.machine()
        except GoldmaskError:
            return platform.machine()
    return processor_in(_cpuinfo()) or platform.machine()


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return ""


def processor_in(cpuinfo: str) -> str:
    """The first processor that Linux's /proc/cpuinfo names; empty where it names none. ARM's have numbers."""
    if name := re.search(r"^model name\s*:\s*(\S.*)$", cpuinfo, re.MULTILINE):
        return name[1]
    numbers = [re.search(rf"^CPU {what}\s*:\s*(\S+)", cpuinfo, re.MULTILINE) for what in ("implementer", "part")]
    return f"ARM {numbers[0][1]}/{numbers[1][1]}" if numbers[0] and numbers[1] else ""
