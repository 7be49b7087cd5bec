"""What a task is asked to do: a suite, narrowed to what the user named, with the options of each target."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..contract.errors import ConfigError, UsageError, meant
from ..contract.options import PIPELINES, Pipeline
from ..project.app_pipelines import ANDROID_TARGETS, held_against, pipeline_names
from ..project.config import FILE_NAME, Config, Override, Suite, suite
from ..project.model import ModelSpec, load_spec, model_names
from ..project.options import OptionTables, TargetOptions, resolve
from ..project.toml import mistakes
from ..targets.target import REFERENCE, check_used, find_target, target_names

# The reason of what does not run after the first failure, where that was asked for.
FAIL_FAST = "not run: --fail-fast"
# Model, pipeline, target and case of a row of the report.
Row = tuple[str, str, str, str]


@dataclass(frozen=True)
class Selection:
    """What to run. What was `named` by the user must run; the rest of a suite runs where it can.

    `given` are options by name that come before all that goldmask.toml says. Of all the `rows` that this makes, only
    those are run that are named, if any are; `notes` tell a reader of the report that it is not the whole. With
    `across` goldens of another model are judged by the gates. `against` is a commit whose goldens are taken. Where
    `variants_named`, the user asked for them, and that a model has them is no matter of the suite. Unless
    `pipelines_named`, on the command line or in the suite, a model has no rows of pipelines that it does not list.
    """

    models: tuple[str, ...]
    pipelines: tuple[str, ...]
    targets: tuple[str, ...]
    named: frozenset[str] = frozenset()
    suite_options: OptionTables = field(default_factory=OptionTables)
    given: Mapping[str, object] = field(default_factory=dict)
    rows: frozenset[Row] | None = None
    fail_fast: bool = False
    notes: tuple[str, ...] = ()
    across: bool = False
    against: str = ""
    variants: str = ""
    variants_named: bool = False
    pipelines_named: bool = True

    @property
    def pipeline(self) -> Pipeline:
        """The only pipeline, which is one of goldmask's."""
        return next(each for each in PIPELINES if each == self.pipelines[0])

    def takes(self, model: str, pipeline: str, target: str, case: str) -> bool:
        """Whether a row is one of those that are run."""
        return self.rows is None or (model, pipeline, target, case) in self.rows

    def uses(self, pipeline: str, target: str) -> bool:
        """Whether any row is of a pipeline on a target."""
        return self.rows is None or any(row[1:3] == (pipeline, target) for row in self.rows)


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
    all_pipelines = pipeline_names(config)
    for flag, values, allowed in (("pipeline", pipelines, all_pipelines), ("target", targets, target_names())):
        among(values, allowed, flag)
    for flag, values in (("model", models), ("pipeline", pipelines), ("target", targets)):
        if twice := {value for value in values if list(values).count(value) > 1}:
            raise UsageError(f"--{flag} {min(twice)} is given twice", fix=f"--{flag} {min(twice)}")
    check_targets(config)
    chosen: Suite = suite(config, suite_name)
    if not models and not chosen.models:
        raise ConfigError(
            f"suite {suite_name!r} of {FILE_NAME} has no models", fix="./goldmask models.add FILE.tflite --image FILE …"
        )
    # A suite that lists no pipelines has those of the app as well.
    suite_has = chosen.pipelines if "pipelines" in chosen.model_fields_set else all_pipelines
    selection = Selection(
        models=tuple(models) or chosen.models,
        pipelines=tuple(each for each in all_pipelines if each in pipelines or (not pipelines and each in suite_has)),
        targets=tuple(targets) or chosen.targets,
        named=frozenset((*models, *pipelines, *targets)),
        suite_options=chosen.options,
        given=given or {},
        across=chosen.across,
        variants=chosen.variants,
        pipelines_named=bool(pipelines) or "pipelines" in chosen.model_fields_set,
    )
    check_used(selection.given, selection.targets)
    return selection


def among(values: Iterable[str], allowed: Sequence[str], flag: str) -> None:
    """Raise UsageError for a value that is none of `allowed`, with the nearest that is."""
    for value in values:
        if value not in allowed:
            raise UsageError(
                f"--{flag} {value!r} is not known{meant(value, allowed)}", fix=f"--{flag} {'|'.join(allowed)}"
            )


def check_targets(config: Config) -> None:
    """Raise ConfigError for a target that goldmask.toml names and that does not exist."""
    known, problems = target_names(), []
    for where, names in (
        *((f"suites.{name}.targets", each.targets) for name, each in config.suites.items()),
        *((f"suites.{name}.options", tuple(each.options.by_target)) for name, each in config.suites.items()),
        ("options", tuple(config.options.by_target)),
    ):
        for name in names:
            if name not in known:
                problems.append(f"{where}: there is no target {name!r}{meant(name, known)}")
    if problems:
        raise mistakes(FILE_NAME, problems, fix=f"one of {', '.join(known)}")


def check_overrides(root: Path, config: Config) -> None:
    """Raise ConfigError for an override that matches no comparison which this project declares.

    A misspelt one would be silent: its comparisons are judged by the general tolerances, and nobody is told.
    """
    specs: dict[str, ModelSpec | None] = {}
    for name in model_names(root) if config.overrides else ():
        try:
            specs[name] = load_spec(root, name)
        except ConfigError:
            specs[name] = None  # told to whoever wants that model; here it may be what is meant
    numbered = enumerate(config.overrides, start=1)
    unmatched = [(number, _unmatched(config, override, specs)) for number, override in numbered]
    problems = [f"overrides {number} matches nothing: {nothing}" for number, nothing in unmatched if nothing]
    if problems:
        raise mistakes(FILE_NAME, problems, fix=f"edit {FILE_NAME}")


def _unmatched(config: Config, override: Override, specs: Mapping[str, ModelSpec | None]) -> str:
    """What an override names that there is not, as a clause; empty where it may match."""
    if override.target is not None:
        if override.target not in target_names():
            return f"there is no target {override.target!r}{meant(override.target, target_names())}"
        target = find_target(override.target)
        if override.delegate is not None and override.delegate not in target.delegates:
            return f"target {override.target} has no delegate {override.delegate!r}"
        of_app = override.pipeline not in PIPELINES and override.target in ANDROID_TARGETS
        if override.pipeline is not None and override.pipeline not in target.pipelines and not of_app:
            return f"target {override.target} has no pipeline {override.pipeline!r}"
    if override.model is not None and override.model not in specs:
        return f"there is no model {override.model!r}{meant(override.model, specs)}"
    possible = [specs[override.model]] if override.model is not None else list(specs.values())
    known = [spec for spec in possible if spec is not None]
    if len(known) < len(possible):
        return ""
    whose = f"model {override.model}" if override.model is not None else "any model"
    held = override.pipeline and held_against(config, override.pipeline)
    if held is not None and not any(held in spec.pipelines for spec in known):
        return f"{override.pipeline} is no pipeline of {whose}"
    cases = sorted({case.id for spec in known for case in spec.cases})
    if override.case is not None and override.case not in cases:
        return f"{override.case!r} is no case of {whose}{meant(override.case, cases)}"
    return ""


def recording_options(config: Config) -> TargetOptions:
    """The options with which masks become golden: those of the default suite, for the reference."""
    chosen = config.suites.get("default")
    selection = Selection((), (), (REFERENCE,), suite_options=chosen.options if chosen else OptionTables())
    return options_for(config, selection, REFERENCE)


def options_for(config: Config, selection: Selection, target: str) -> TargetOptions:
    """The options of a target: the command line's before the suite's before the project's; its own before general ones.

    Only those that the target uses: what is said of others is not meant for it.
    """
    uses = find_target(target).options
    given = {name: value for name, value in selection.given.items() if name in uses}
    tables = (config.options.given(target), selection.suite_options.given(target))
    used = ({name: value for name, value in table.items() if name in uses} for table in tables)
    return resolve(*used, given)
