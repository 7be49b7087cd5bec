"""`compare`: two bundles on disk, or the goldens of two models."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from ..contract.bundle import Bundle, load_bundle, load_request
from ..contract.errors import ExitCode, GoldenError, UsageError, meant
from ..contract.mask import MAX_CLASSES
from ..contract.schema import NAME
from ..project.gather import find_ignored
from ..project.golden import Golden, is_golden, load_golden
from ..project.ignored import Ignored
from ..project.model import golden_folder, goldens_folder, load_spec, model_folder, model_names
from ..report.write import open_folder, write_report
from ..verdict.across import between, lines
from ..workflows.compare import compare_bundle
from .check import finish
from .console import out, tell
from .folders import out_folder, root_or_here


@dataclass(frozen=True)
class Side:
    """One of the two: a bundle, with the golden that it is and the labels that it has, where it says so."""

    name: str
    folder: Path
    bundle: Bundle
    golden: Golden | None
    labels: tuple[str, ...]


def run_compare(golden: str, bundle: str, folder: str, verbose: bool = False, across: bool = False) -> ExitCode:
    """`compare`: nothing is run, and nothing fetched but what a model.toml says of ignored pixels."""
    project, config = root_or_here()
    was, now = two_folders(project, golden, bundle)
    path = out_folder(folder, "build/compare")
    open_folder(path)
    expected, actual = load_side(golden, was), load_side(bundle, now)
    # One model has one list of classes, whatever a request beside its bundle says.
    one_model = expected.bundle.model.sha256 == actual.bundle.model.sha256
    if not one_model and expected.labels and actual.labels and expected.labels != actual.labels:
        raise UsageError("the two have other labels, and their classes cannot be compared", fix="name two of one list")
    cases = dict.fromkeys(result.case for result in (*expected.bundle.results, *actual.bundle.results))
    rows = compare_bundle(
        cases,
        config=config,
        model=expected.bundle.model.name,
        target=actual.bundle.target.name,
        golden_folder=was,
        golden=expected.golden or expected.bundle,
        folder=now,
        bundle=actual.bundle,
        labels=labels_of(expected, actual),
        out=path,
        truths=_truths(project, golden),
        ignored=ignored_by(project, was, cases),
        across=across,
    )
    code = finish(write_report(rows, (), {"golden": golden, "bundle": bundle}, path), path, verbose, pends=False)
    if (table := between(rows)) and any(row.across for row in rows):
        for line in lines(golden, bundle, table):
            out.print(Text(line))
        if not across:
            tell("the two are of two models: --across judges their masks by the gates")
    return code


def two_folders(project: Path, golden: str, bundle: str) -> tuple[Path, Path]:
    """What `--golden` and `--bundle` name. Raises UsageError where that is one folder, and as `named_folder`."""
    was, now = named_folder(project, "golden", golden), named_folder(project, "bundle", bundle)
    if was.samefile(now):
        raise UsageError(f"--golden and --bundle are one folder, {was.resolve()}", fix="name two folders")
    return was, now


def named_folder(project: Path, flag: str, value: str) -> Path:
    """The folder of a bundle; of a declared model that of its goldens. Raises UsageError."""
    if value and Path(value).is_dir():
        return Path(value)
    if re.fullmatch(NAME, value) and value in model_names(project):
        found = [golden_folder(project, value, pipeline) for pipeline in load_spec(project, value).pipelines]
        if there := [each for each in found if each.is_dir()]:
            return there[0]
        raise GoldenError(
            f"--{flag} {value}: the model has no goldens yet", fix=f"./goldmask golden.record --model {value}"
        )
    if not value:
        raise UsageError(f"compare needs --{flag}", fix="./goldmask compare --golden DIR|MODEL --bundle DIR|MODEL")
    near = meant(value, model_names(project))
    raise UsageError(
        f"--{flag} {value!r} is no folder and no declared model{near}",
        fix="./goldmask compare --golden DIR|MODEL --bundle DIR|MODEL",
    )


def labels_of(expected: Side, actual: Side) -> tuple[str, ...]:
    """The classes of two bundles. Where none names any they are numbered, and none is unknown."""
    return expected.labels or actual.labels or tuple(f"class_{index}" for index in range(MAX_CLASSES))


def load_side(name: str, folder: Path) -> Side:
    """The golden or the bundle in a folder. Raises as load_golden and load_bundle."""
    golden = load_golden(folder) if is_golden(folder) else None
    if golden:
        return Side(name, folder, golden.bundle, golden, golden.provenance.labels)
    request = folder / "request.json"
    labels = load_request(request).model.labels if request.is_file() else ()
    return Side(name, folder, load_bundle(folder), None, labels)


def ignored_by(project: Path, folder: Path, cases: Collection[str]) -> dict[str, Ignored]:
    """What is ignored where the golden side is a declared model's goldens.

    Raises as `find_ignored`.
    """
    for name in model_names(project):
        if goldens_folder(project, name).resolve() == folder.resolve().parent:
            return find_ignored(project, name, cases)
    return {}


def _truths(project: Path, model: str) -> dict[str, Path]:
    """The ground truths of a declared model that lie beside its model.toml."""
    if model not in model_names(project):
        return {}
    here = {case.id: case.truth.file for case in load_spec(project, model).cases if case.truth and case.truth.file}
    return {case: path for case, file in here.items() if (path := model_folder(project, model) / file).is_file()}
