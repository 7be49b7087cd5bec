"""What can run here, what is missing, and the command that fixes it."""

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..contract.errors import GoldmaskError
from ..machine.cache import cache_folder
from ..machine.diagnostics import Diagnostic
from ..machine.fetch import cached_file
from ..machine.scratch import scratch_folder
from ..project.config import FILE_NAME, default_config, load_config
from ..project.model import load_spec, misnamed, model_names
from ..targets.target import Context, find_target, target_names


def examine(root: Path) -> Iterator[Diagnostic]:
    """Look at everything a check needs, in the order a check needs it; the first look may install a runtime."""
    yield Diagnostic("Python", True, f"{platform.python_version()} on {platform.platform()}")
    try:
        config = load_config(root)
    except GoldmaskError as problem:
        yield Diagnostic(FILE_NAME, False, problem.what, problem.fix, broken=True)
        config = default_config()  # for a look at the rest of this machine
    yield _cache()
    yield _mirror()
    for name in model_names(root):
        yield from _model(root, name)
    for error in misnamed(root):
        yield Diagnostic("models", False, error.what, error.fix, broken=True)
    with scratch_folder() as logs:
        for target in target_names():
            yield from find_target(target).needs(Context(root, logs, android=config.android, ios=config.ios))


def _cache() -> Diagnostic:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free_gb = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return Diagnostic(
            "cache", False, f"{folder}: {error.strerror}", "GOLDMASK_CACHE=<a folder you own> ./goldmask doctor"
        )
    if not os.access(folder, os.W_OK):
        return Diagnostic(
            "cache", False, f"{folder} is not writable", "GOLDMASK_CACHE=<a folder you own> ./goldmask doctor"
        )
    return Diagnostic(
        "cache", free_gb > 1, f"{folder}, {free_gb:.0f} GB free", "" if free_gb > 1 else "free some disk space"
    )


def _mirror() -> Diagnostic:
    mirror = os.environ.get("GOLDMASK_MIRROR", "")
    if not mirror or mirror.startswith(("http://", "https://")):
        return Diagnostic("mirror", True, mirror.split("?")[0] or "none (GOLDMASK_MIRROR is not set)")
    try:
        there = Path(mirror).expanduser().is_dir()
    except (OSError, RuntimeError):  # a name that is too long, a user that there is not
        there = False
    return Diagnostic(
        "mirror", there, mirror if there else f"{mirror} is no folder", "" if there else "unset GOLDMASK_MIRROR"
    )


def _model(root: Path, name: str) -> Iterator[Diagnostic]:
    try:
        spec = load_spec(root, name)
    except GoldmaskError as error:
        yield Diagnostic(f"model {name}", False, "; ".join((error.what, *error.details)), error.fix, broken=True)
        return
    sources = [spec.model, *spec.cases]
    here = sum(bool(source.file or cached_file(source)) for source in sources)
    whole = here == len(sources)
    detail = f"{here} of {len(sources)} files here"
    yield Diagnostic(f"model {name}", whole, detail, "" if whole else f"./goldmask models.fetch --model {name}")
