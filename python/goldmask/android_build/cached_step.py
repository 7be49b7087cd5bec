"""Steps of a build that are kept in the cache by what went into them: what did not change is not done again."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..contract.errors import RunError
from ..machine import shell
from ..machine.cache import cache_folder, move_into_place
from ..machine.scratch import scratch_folder

DEADLINE_S = 600
# What decides about a step besides its inputs; another number where the steps change.
RECIPE = 1
DEBUG_KEY = "debug.keystore"


def make(
    what: str,
    inputs: Iterable[Path | str | bytes],
    fill: Callable[[Path], None],
    on_step: Callable[[str, int, int], None],
    on_made: Callable[[str], None] = lambda what: None,
) -> Path:
    """The folder of the cache that `fill` fills, once for its inputs; `on_made` hears of it when it was filled now."""
    digest = hashlib.sha256(f"{RECIPE} {what}".encode())
    for each in inputs:
        digest.update(_fingerprint(each))
    folder = cache_folder() / "android" / what.split()[0] / digest.hexdigest()
    if not folder.is_dir():
        on_step(what, 0, 1)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent) as scratch:
            beside = scratch / "made"
            beside.mkdir()
            fill(beside)
            move_into_place(beside, folder)
        on_made(what)
        on_step(what, 1, 1)
    return folder


def run(argv: Sequence[str | Path], log: Path, failed: str) -> None:
    """Run a tool. Raises RunError with what `failed` and the tool's own first sentence."""
    done = shell.run(argv, log=log, deadline_s=DEADLINE_S)
    if done.code:
        complaints = [line for line in log.read_text("utf-8", "replace").splitlines() if "rror" in line]
        first = complaints[0] if complaints else done.log_tail(1) or done.ending
        raise RunError(f"{failed}: {first.strip()}", fix=f"cat {log}")


def files_in(folder: Path) -> list[Path]:
    """All files below a folder, in the same order everywhere; none where there is no folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _fingerprint(thing: Path | str | bytes) -> bytes:
    """What stands for an input: a path in the cache has a hash of its content in it, any other file is read."""
    if isinstance(thing, Path) and (not thing.is_relative_to(cache_folder()) or thing.name == DEBUG_KEY):
        return hashlib.sha256(thing.read_bytes()).digest()
    if isinstance(thing, Path):
        thing = str(thing.relative_to(cache_folder()))
    return hashlib.sha256(thing.encode() if isinstance(thing, str) else thing).digest()
