"""`init`, and the `models.*` that write: add, pin, metadata."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import ExitCode, UsageError
from ..contract.files import sha256_of
from ..project.config import find_root, load_config
from ..project.custom_operators import descriptions
from ..project.declared import Normalisation
from ..project.model import Model, find_model, model_names, toml_of
from ..project.model_toml import declare_normalisation, pin
from ..project.pipelines import refusals
from ..workflows.add import SUITE, add
from ..workflows.add_variant import declare_variant
from ..workflows.declaration import Tables, tables_of
from ..workflows.init import CIS, init, write_workflow
from ..workflows.metadata import write_metadata
from ..workflows.selection import among
from .console import ProgressBars, tell
from .folders import here, root, root_or_here

SHORT = 12


def start_project(ci: str) -> ExitCode:
    """`init`: a project in the current folder."""
    among([ci] if ci else [], CIS, "ci")
    service = next((each for each in CIS if each == ci), None)
    folder = here()
    if not service or not (folder / "goldmask.toml").exists():
        for path in init(folder):
            tell(f"wrote {path}")
    if service:
        tell(f"wrote {write_workflow(folder, service)}")
    return ExitCode.OK


@dataclass(frozen=True)
class AddFlags:
    """What was typed behind `models.add`."""

    file: str
    images: Sequence[str] = ()
    name: str = ""
    truth: str = ""
    labels: Sequence[str] = ()
    means: Sequence[str] = ()
    stds: Sequence[str] = ()
    declared: Sequence[str] = ()
    variant_of: str = ""


def add_model(flags: AddFlags) -> ExitCode:
    """`models.add`: a model of the user's own, in a project that is made where there is none; or a variant of one."""
    file = Path(flags.file)
    if not file.is_file():
        raise UsageError(f"there is no model {file}", fix="./goldmask models.add FILE.tflite --image FILE …")
    declared = tables_of(flags.declared)
    if normalisation := _given_normalisation(flags.means, flags.stds):
        mean, std = map(list, normalisation)
        declared["input"] = declared.get("input", {}) | {"mean": mean, "std": std}
    if flags.labels:
        declared["labels"] = list(flags.labels)
    if flags.variant_of:
        return _add_variant(flags, declared)
    try:
        project, start = find_root(here()), False
        load_config(project)
    except UsageError:
        project, start = here(), True
    truth = Path(flags.truth) if flags.truth else None
    done = add(project, file, [Path(each) for each in flags.images], flags.name, truth, declared=declared, start=start)
    for path in done.started:
        tell(f"wrote {path}")
    tell(f"wrote {done.folder / 'model.toml'}")
    for case in done.cases:
        tell(f"  case {case.id}: {case.image.name}" + (f", ground truth {case.truth.name}" if case.truth else ""))
        if truth and not case.truth:
            tell(f"  case {case.id} has no ground truth: {truth} has no {case.image.stem}.png", "yellow")
    for pipeline in done.pipelines:
        tell(f"  pipeline {pipeline}")
    for pipeline, reason in done.refused.items():
        tell(f"  not {pipeline}: {reason}", "yellow")
    _tell_operators(done.model)
    if not done.in_suite:
        tell(f"  goldmask.toml has no suite {SUITE!r} that it could join", "yellow")
    tell(f"next: ./goldmask golden.record --model {done.name}{_assume(done.model)}")
    return ExitCode.OK


def _add_variant(flags: AddFlags, declared: Tables) -> ExitCode:
    if flags.images or flags.truth:
        raise UsageError(
            f"a variant has the images of its model: --variant-of {flags.variant_of} takes none",
            fix=f"./goldmask models.add {flags.file} --variant-of {flags.variant_of}",
        )
    with ProgressBars() as bars:
        done = declare_variant(root(), Path(flags.file), flags.variant_of, flags.name, declared, bars.download)
    tell(f"wrote {done.toml}: {done.name}, with the images of {done.base}")
    _tell_operators(done.model)
    if not done.in_suite:
        tell(f"  goldmask.toml has no suite {SUITE!r} that it could join", "yellow")
    tell(f"next: ./goldmask golden.record --model {done.name}{_assume(done.model)}")
    tell(f"then: ./goldmask compare --golden {done.base} --bundle {done.name}, for what the other precision changes")
    return ExitCode.OK


def _tell_operators(model: Model) -> None:
    for sentence in descriptions(model.description.custom_operators):
        tell(f"  operator {sentence}", "yellow")


def _assume(model: Model) -> str:
    """The flag that confirms what was assumed of a model, after saying so; empty where nothing was."""
    if not model.assumption:
        return ""
    tell(f"note: {model.assumption}; mean and std are in model.toml, marked as assumed", "yellow")
    return " --assume, if that is right"


def pin_models(models: list[str]) -> ExitCode:
    """`models.pin`: declare the sha256 that the files beside model.toml have now."""
    known = model_names(root())
    for path in dict.fromkeys(toml_of(root(), name)[0] for name in models or known):
        for each in pin(path):
            change = (
                "unchanged" if each.declared == each.actual else f"{each.declared[:SHORT]}… → {each.actual[:SHORT]}…"
            )
            tell(f"{path.parent.name}: {each.file} {change}")
    return ExitCode.OK


def describe_model(model: str, means: list[str], stds: list[str], labels: list[str], target: str) -> ExitCode:
    """`models.metadata`: normalisation and labels, written into the model's file or into another one."""
    project, _ = root_or_here()
    with ProgressBars() as bars:
        found = find_model(project, model, bars.download)
    normalisation = _normalisation(found, means, stds)
    declared = None if _is_path(found, model) else toml_of(project, model)
    if declared and not target and not found.path.is_relative_to(declared[0].parent.resolve()):
        raise UsageError(f"{model} is a download and stays as it is", fix="--out FILE.tflite")
    path = Path(target) if target else found.path
    was = sha256_of(found.path)
    write_metadata(found, normalisation, labels or found.labels, path)
    tell(f"wrote {path}: sha256 {was[:SHORT]}… → {sha256_of(path)[:SHORT]}…")
    if declared and not target:
        if found.assumption:
            declare_normalisation(*declared, normalisation)
            tell(f"wrote {declared[0]}: mean and std are declared")
        pin_models([model])
        able = [name for name in ("lib_task_api",) if name not in refusals(find_model(project, model))]
        tell(f"its file can be run through {', '.join(['lib_interpreter', *able])}: see pipelines in {declared[0]}")
        tell(f"next: ./goldmask golden.record --model {model} --mode all, since goldens are of the file as it was")
    return ExitCode.OK


def _is_path(found: Model, given: str) -> bool:
    return Path(given).suffix == ".tflite" or len(Path(given).parts) > 1 or Path(given).resolve() == found.path


def _normalisation(model: Model, means: list[str], stds: list[str]) -> Normalisation:
    """What was given, or else what the model says already. Raises UsageError."""
    given = _given_normalisation(means, stds)
    if given is None and model.assumption:
        raise UsageError(model.assumption, fix="--mean and --std, as the model was trained")
    return given or (model.mean, model.std)


def _given_normalisation(means: Sequence[str], stds: Sequence[str]) -> Normalisation | None:
    """--mean and --std as numbers; None where they are not given. Raises UsageError."""
    if bool(means) != bool(stds):
        raise UsageError("--mean and --std go together", fix="--mean 127.5 --std 127.5")
    if not means:
        return None
    try:
        mean, std = tuple(map(float, means)), tuple(map(float, stds))
    except ValueError as error:
        raise UsageError(f"--mean or --std is no number: {error}", fix="--mean 127.5 --std 127.5") from error
    if len(mean) != len(std) or len(mean) not in (1, 3) or 0 in std or not all(map(math.isfinite, (*mean, *std))):
        raise UsageError(
            "--mean and --std are one number each, or three, and no std is 0", fix="--mean 127.5 --std 127.5"
        )
    return mean, std
