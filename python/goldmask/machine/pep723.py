"""PEP 723 scripts (python/references/), each in an environment of its own that uv makes, checks and keeps."""

import hashlib
import math
import shutil
from collections.abc import Callable
from pathlib import Path

from ..contract.errors import EnvironmentMissing
from . import shell
from .cache import cache_folder, move_into_place
from .resources import INSTALLED, REFERENCES
from .scratch import scratch_folder
from .uv import find_uv

PREPARE_DEADLINE_S = 1200
# A package of PYTHONPATH must not take the place of one that is pinned.
ISOLATED = {"PYTHONPATH": "", "PYTHONHOME": ""}


def prepare(script: Path, python: str, logs: Path) -> None:
    """Make the environment of `script` for the interpreter `python`, or leave it as it is when it is there already.

    A script's header can pin versions but not hashes. So uv first installs the hashed requirements beside the
    script into a throw-away environment, and then makes the script's own one offline, from the files just
    verified. Raises EnvironmentMissing where it cannot be had on this machine.
    """
    if is_prepared(script, python, logs):
        return
    log = logs / f"{script.stem}.environment.log"

    def uv(*arguments: str | Path) -> shell.Finished:
        return shell.run([find_uv(), *arguments], log=log, deadline_s=PREPARE_DEADLINE_S, env=ISOLATED)

    with scratch_folder() as folder:
        requirements = script.with_suffix(".txt")
        done = uv("venv", "--quiet", "--python", python, folder)
        if not done.code:
            hashed = ("--require-hashes", "--only-binary", ":all:", "--requirements", requirements)
            done = uv("pip", "install", "--quiet", "--python", folder, *hashed)
        if not done.code:
            done = uv(*_sync(script, python))
    if done.code:
        raise EnvironmentMissing(
            f"the environment of {script.name} cannot be installed here: {reason(done)}", fix="./goldmask doctor"
        )


def is_prepared(script: Path, python: str, logs: Path) -> bool:
    """Whether the environment of `script` is there, as its header pins it. Raises EnvironmentMissing without uv."""
    argv = [find_uv(), *_sync(script, python), "--check"]
    log = logs / f"{script.stem}.check.log"
    return script.is_file() and not shell.run(argv, log=log, deadline_s=PREPARE_DEADLINE_S, env=ISOLATED).code


def _sync(script: Path, python: str) -> tuple[str | Path, ...]:
    return ("sync", "--quiet", "--offline", "--python", python, "--script", script)


def run(
    script: Path,
    python: str,
    *arguments: str | Path,
    log: Path,
    deadline_s: float,
    silence_s: float = math.inf,
    on_line: Callable[[str], None] | None = None,
) -> shell.Finished:
    """Run a prepared `script` with `words`, without a network. Raises RunError as shell.run does."""
    argv = [find_uv(), "run", "--quiet", "--offline", "--python", python, "--script", script, *arguments]
    return shell.run(argv, log=log, deadline_s=deadline_s, silence_s=silence_s, env=ISOLATED, on_line=on_line)


def references(*, copied: bool = True) -> Path:
    """The folder of the reference scripts, in which `..` is a module path with the room `contract` and nothing else.

    In a clone it is python/references. Beside an installed goldmask lie the packages of its own environment, which must
    not reach a script's, and uv runs no script out of its own cache, where uvx installs; so our cache has a copy, once
    it has been needed: it is not made where `copied` is False.
    """
    if not INSTALLED:
        return REFERENCES
    package = Path(__file__).resolve().parents[1]
    contract = [package / "__init__.py", *sorted((package / "contract").glob("*.py"))]
    files = {f"goldmask/{path.relative_to(package)}": path for path in contract}
    files |= {f"references/{path.name}": path for path in sorted(REFERENCES.iterdir()) if path.is_file()}
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(name.encode() + path.read_bytes())
    folder = cache_folder() / "references" / digest.hexdigest()
    if copied and not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent) as scratch:
            beside = scratch / "python"
            for name, path in files.items():
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, beside / name)
            move_into_place(beside, folder)
    return folder / "references"


def reason(done: shell.Finished) -> str:
    """The end of the log, where uv and Python say why, on one line."""
    return " ".join(done.log_tail(2).split())[-300:] or done.ending
