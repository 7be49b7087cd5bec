"""Where uv is, which installs the reference runtimes: the package's own, the one that started this, or that of PATH."""

import os
import re
import shutil
from functools import lru_cache

from ..contract.errors import EnvironmentMissing
from . import shell
from .scratch import scratch_folder

OLDEST = (0, 8)  # the oldest that was tried with all that is asked of uv here
VERSION_DEADLINE_S = 20


def find_uv() -> str:
    """The path of uv. Raises EnvironmentMissing where there is none, or only one that is too old.

    It is half as large as everything else that goldmask installs, and who has goldmask by `uv tool install` or uvx
    has it already: hence an extra.
    """
    try:
        from uv import find_uv_bin
    except ImportError:
        return _of_path()
    return find_uv_bin()


def _of_path() -> str:
    # uvx and `uv run` set UV to themselves.
    found = shutil.which(os.environ.get("UV") or "uv")
    if not found:
        raise EnvironmentMissing(
            "uv is needed, which installs the reference runtimes, and there is none on PATH",
            fix="pip install 'goldmask[uv]'",
        )
    version = _version(found)
    if version < OLDEST:
        numbers = [".".join(map(str, each)) for each in (version, OLDEST)]
        raise EnvironmentMissing(f"{found} is uv {numbers[0]}; {numbers[1]} or newer is needed", fix="uv self update")
    return found


@lru_cache(maxsize=1)
def _version(program: str) -> tuple[int, ...]:
    with scratch_folder() as folder:
        done = shell.run([program, "--version"], log=folder / "uv.log", deadline_s=VERSION_DEADLINE_S)
    found = re.match(r"uv (\d+)\.(\d+)\.(\d+)", done.stdout)
    if not found:
        raise EnvironmentMissing(f"{program} is no uv: {done.ending}", fix="pip install 'goldmask[uv]'")
    return tuple(map(int, found.groups()))
