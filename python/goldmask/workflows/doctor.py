"""What can run here, what is missing, and the command that fixes it. Nothing is installed or downloaded for that."""

import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..contract.errors import GoldmaskError
from ..machine.cache import cache_folder
from ..machine.diagnostics import Diagnostic
from ..machine.fetch import cached_file
from ..machine.scratch import scratch_folder
from ..project.config import FILE_NAME, Config, default_config, load_config
from ..project.model import ModelSpec, load_spec, misnamed, model_names
from ..targets.target import Context, find_target, target_names
from .selection import check_overrides, check_targets

# Less free space than an environment of TensorFlow takes.
FREE_GB = 1
State = Literal["ok", "missing", "optional", "ERROR"]


@dataclass(frozen=True)
class Group:
    """What was looked at for a project or, `is_target`, for a target.

    `pipelines` are those for which a suite of the project needs it: none where no suite does.
    """

    name: str
    diagnostics: tuple[Diagnostic, ...]
    pipelines: frozenset[str]
    is_target: bool = True

    @property
    def runs(self) -> bool:
        """Whether something could run on the target, by all that was looked at."""
        wrong = [each for each in self.diagnostics if not each.ok and not each.optional]
        of_pipelines = {each.pipeline for each in self.diagnostics if each.pipeline}
        able = of_pipelines - {each.pipeline for each in wrong}
        return all(each.pipeline for each in wrong) and (bool(able) or not of_pipelines)

    def state(self, diagnostic: Diagnostic) -> State:
        """Missing is what a suite needs, and what a command could bring."""
        if diagnostic.ok:
            return "ok"
        if diagnostic.broken:
            return "ERROR"
        return "missing" if self.needs(diagnostic) and not diagnostic.impossible else "optional"

    def needs(self, diagnostic: Diagnostic) -> bool:
        """Whether a suite needs it."""
        wanted = diagnostic.pipeline in self.pipelines if diagnostic.pipeline else bool(self.pipelines)
        return wanted and not diagnostic.optional

    @property
    def whole(self) -> bool:
        """Whether the project's suites find all that they need of this."""
        wrong = [each for each in self.diagnostics if self.state(each) in ("missing", "ERROR")]
        return not any(self.needs(each) for each in wrong)


def examine(root: Path) -> tuple[Group, ...]:
    """Look at everything that a check needs of the project, and of this machine for each target.

    `root` need not be a project: then it is said to be none, and no suite needs anything.
    """
    known, config = _configured(root)
    specs: dict[str, ModelSpec | GoldmaskError] = {}
    suites = list(config.suites.values()) if config else []
    config = config or default_config()  # for a look at the rest of this machine
    in_suites = list(dict.fromkeys(name for suite in suites for name in suite.models))
    for name in dict.fromkeys((*model_names(root), *in_suites)):
        try:
            specs[name] = load_spec(root, name)
        except GoldmaskError as error:
            specs[name] = error
    needed: dict[str, set[str]] = {name: set() for name in target_names()}
    for suite in suites:
        of_models = {pipeline for name in suite.models for pipeline in _pipelines(specs[name], suite.pipelines)}
        for target in suite.targets:
            needed.setdefault(target, set()).update(of_models)
    project = (
        Diagnostic("Python", True, f"{platform.python_version()} on {platform.platform()}"),
        *known,
        _cache(),
        _mirror(),
        *(_model(name, spec, needed=name in in_suites) for name, spec in specs.items()),
        *(Diagnostic("models", False, e.what, e.fix, broken=True, optional=True) for e in misnamed(root)),
    )
    groups = [Group(str(root), project, frozenset({"any"}), is_target=False)]
    with scratch_folder() as logs:
        context = Context(root, logs, android=config.android, ios=config.ios)
        for name in target_names():
            groups.append(Group(name, tuple(find_target(name).needs(context)), frozenset(needed[name])))
    return tuple(groups)


def _configured(root: Path) -> tuple[tuple[Diagnostic, ...], Config | None]:
    if not (root / FILE_NAME).exists():
        return (Diagnostic(FILE_NAME, False, "this is no project", "./goldmask init", optional=True),), None
    try:
        config = load_config(root)
        check_targets(config)
        check_overrides(root, config)
    except GoldmaskError as error:
        what = "; ".join((error.what, *error.details))
        return (Diagnostic(FILE_NAME, False, what, error.fix, broken=True),), None
    named = (f"{name} ({', '.join(suite.targets)})" for name, suite in config.suites.items())
    return (Diagnostic(FILE_NAME, True, f"suite {', '.join(named)}"),), config


def _pipelines(spec: ModelSpec | GoldmaskError, wanted: Sequence[str]) -> Iterator[str]:
    yield from (each for each in wanted if isinstance(spec, GoldmaskError) or each in spec.pipelines)


def _cache() -> Diagnostic:
    folder = cache_folder()
    fix = "GOLDMASK_CACHE=<a folder you own> ./goldmask doctor"
    try:
        there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        free_gb = shutil.disk_usage(there).free / 1e9
    except OSError as error:
        return Diagnostic("cache", False, f"{folder}: {error.strerror}", fix, broken=True)
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Diagnostic("cache", False, f"{folder} is not writable", fix, broken=True)
    if free_gb < FREE_GB:
        return Diagnostic("cache", False, f"{folder}, {free_gb:.1f} GB free", "free some disk space", broken=True)
    return Diagnostic("cache", True, f"{folder}, {free_gb:.0f} GB free")


def _mirror() -> Diagnostic:
    mirror = os.environ.get("GOLDMASK_MIRROR", "")
    if not mirror or mirror.startswith(("http://", "https://")):
        return Diagnostic("mirror", True, mirror.split("?")[0] or "none (GOLDMASK_MIRROR is not set)")
    try:
        there = Path(mirror).expanduser().is_dir()
    except (OSError, RuntimeError):  # a name that is too long, a user that there is not
        there = False
    if not there:
        return Diagnostic("mirror", False, f"{mirror} is no folder", "unset GOLDMASK_MIRROR", broken=True)
    return Diagnostic("mirror", True, mirror)


def _model(name: str, spec: ModelSpec | GoldmaskError, *, needed: bool) -> Diagnostic:
    what = f"model {name}"
    if isinstance(spec, GoldmaskError):
        detail = "; ".join((spec.what, *spec.details))
        return Diagnostic(what, False, detail, spec.fix, broken=True, optional=not needed)
    sources = [spec.model, *spec.cases]
    here = sum(bool(source.file or cached_file(source)) for source in sources)
    detail = f"{here} of {len(sources)} files here"
    if here == len(sources):
        return Diagnostic(what, True, detail)
    return Diagnostic(what, False, detail, f"./goldmask models.fetch --model {name}", optional=not needed)
