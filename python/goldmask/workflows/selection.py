"""What a task is asked to do: a suite, narrowed to what the user named, with the options of each target."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from ..contract.errors import ConfigError, UsageError
from ..contract.options import Pipeline
from ..project.config import FILE_NAME, Config, Suite, suite
from ..project.options import OptionTables, TargetOptions, resolve
from ..targets.target import check_used, find_target, target_names

PIPELINES: tuple[Pipeline, ...] = get_args(Pipeline)


@dataclass(frozen=True)
class Selection:
    """What to run. What was `named` by the user must run; the rest of a suite runs where it can.

    `given` are options by name that come before all that goldmask.toml says.
    """

    models: tuple[str, ...]
    pipelines: tuple[Pipeline, ...]
    targets: tuple[str, ...]
    named: frozenset[str] = frozenset()
    suite_options: OptionTables = field(default_factory=OptionTables)
    given: Mapping[str, object] = field(default_factory=dict)


def select(
    config: Config,
    suite_name: str,
    models: Sequence[str] = (),
    pipelines: Sequence[str] = (),
    targets: Sequence[str] = (),
    given: Mapping[str, object] | None = None,
) -> Selection:
    """A suite, narrowed to what the user named.

    Raises UsageError for a name that does not exist, that is given twice, or an option that no target of the selection
    uses; ConfigError for a suite or a target of goldmask.toml that there is not.
    """
    for flag, values, allowed in (("pipeline", pipelines, PIPELINES), ("target", targets, target_names())):
        among(values, allowed, flag)
    for flag, values in (("model", models), ("pipeline", pipelines), ("target", targets)):
        if twice := {value for value in values if list(values).count(value) > 1}:
            raise UsageError(f"--{flag} {min(twice)} is given twice", fix=f"--{flag} {min(twice)}")
    check_targets(config)
    chosen: Suite = suite(config, suite_name)
    selection = Selection(
        models=tuple(models) or chosen.models,
        pipelines=tuple(each for each in PIPELINES if each in pipelines) or chosen.pipelines,
        targets=tuple(targets) or chosen.targets,
        named=frozenset((*models, *pipelines, *targets)),
        suite_options=chosen.options,
        given=given or {},
    )
    check_used(tuple(selection.given), selection.targets)
    return selection


def among(values: Iterable[str], allowed: Sequence[str], flag: str) -> None:
    """Raise UsageError for a value that is none of `allowed`, with the nearest that is."""
    for value in values:
        if value not in allowed:
            near = difflib.get_close_matches(value, allowed, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(f"--{flag} {value!r} is not known{meant}", fix=f"--{flag} {'|'.join(allowed)}")


def check_targets(config: Config) -> None:
    """Raise ConfigError for a target that goldmask.toml names and that does not exist."""
    known = target_names()
    for where, names in (
        *((f"suites.{name}.targets", each.targets) for name, each in config.suites.items()),
        *((f"suites.{name}.options", tuple(each.options.by_target)) for name, each in config.suites.items()),
        ("options", tuple(config.options.by_target)),
    ):
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                meant = f" (did you mean {near[0]}?)" if near else ""
                raise ConfigError(
                    f"{FILE_NAME}: {where}: there is no target {name!r}{meant}", fix=f"one of {', '.join(known)}"
                )


def options_for(config: Config, selection: Selection, target: str) -> TargetOptions:
    """The options of a target: the command line's before the suite's before the project's; its own before general ones.

    Only those that the target uses: what is said of others is not meant for it.
    """
    uses = find_target(target).options
    given = {name: value for name, value in selection.given.items() if name in uses}
    tables = (config.options.given(target), selection.suite_options.given(target))
    used = ({name: value for name, value in table.items() if name in uses} for table in tables)
    return resolve(*used, given)
