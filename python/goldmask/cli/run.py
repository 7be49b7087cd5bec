"""`run`: any model on any images, to a bundle."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.text import Text

from ..contract.bundle import Bundle, Failed, Result, mask_of, save
from ..contract.errors import ExitCode, UsageError
from ..contract.image import ImageError
from ..contract.mask import MAX_CLASSES
from ..contract.options import TapName
from ..project.case import sort_images
from ..project.custom_operators import lacking
from ..project.model import ASSUMING, Model, find_model
from ..project.options import from_flags
from ..report.write import open_folder
from ..targets.host import failed
from ..targets.target import Context, check_used, find_target, target_names
from ..verdict.latency import measured
from ..workflows.check import request_for
from ..workflows.measuring import in_random_order
from ..workflows.selection import PIPELINES, Selection, among, check_targets, options_for
from .console import ProgressBars, new_table, out
from .folders import out_folder, root_or_here


def run_adhoc(
    target: str, pipeline: str, model: str, images: list[str], folder: str, flags: Mapping[str, object]
) -> ExitCode:
    """`run`: one bundle, of a model by name or by path."""
    if not images:
        raise UsageError("run needs at least one image", fix="./goldmask run --model NAME --image FILE")
    project, config = root_or_here()
    check_targets(config)
    selection = one(target, pipeline, from_flags(flags))
    options = options_for(config, selection, target)
    path = out_folder(folder, "build/run")
    notes: list[str] = []
    with ProgressBars() as bars:
        found = find_model(project, model, bars.download)
        if error := lacking(found.description.custom_operators, target, pipeline, options):
            raise error
        inputs = sort_images([Path(image) for image in images])
        if not inputs.cases:
            raise next(iter(inputs.errors.values()))
        open_folder(path)
        taps: tuple[TapName, ...] = ("margin",) if find_target(target).margins else ()
        request = request_for(found, inputs.cases, selection.pipeline, options, taps)
        request = in_random_order(request, options.seed, notes.append)
        context = Context(
            root=project,
            logs=path / "logs",
            options=options,
            android=config.android,
            ios=config.ios,
            suppress=config.device.suppress,
            progress=bars,
            on_note=notes.append,
        )
        with find_target(target).session(context) as session:
            session.prepare(selection.pipeline)
            bundle = session.run(request, path, bars.count(f"{target} · {pipeline}", len(request.cases)))
    if inputs.failed:
        errors = [failed(case.id, case.sha256, "decode", inputs.errors[case.id].what) for case in inputs.failed]
        bundle = bundle.model_copy(update={"results": (*bundle.results, *errors)})
        save(bundle, path / "bundle.json")
    if found.assumption and selection.pipeline in ASSUMING:
        out.print(Text(f"note: {found.assumption}", "yellow"))
    for note in dict.fromkeys(notes):
        out.print(Text(f"note: {note}"))
    return _show_bundle(bundle, path, found, inputs.errors)


def one(target: str, pipeline: str, given: Mapping[str, object]) -> Selection:
    """The selection of one target and pipeline, whatever the model. Raises UsageError."""
    among([pipeline], PIPELINES, "pipeline")
    among([target], target_names(), "target")
    check_used(given, [target])
    (named,) = (each for each in PIPELINES if each == pipeline)
    return Selection((), (named,), (target,), frozenset((target, pipeline)), given=given)


def _show_bundle(bundle: Bundle, folder: Path, model: Model, errors: Mapping[str, ImageError]) -> ExitCode:
    out.print(Text(str(bundle.runtime)))
    table = new_table("case", "size", "ms", "classes")
    for result in bundle.results:
        table.add_row(*map(Text, _result_row(folder, bundle, result, model)))
    for name, error in errors.items():
        if not bundle.result(name):  # without bytes it has no place in a bundle
            table.add_row(*map(Text, (name, "–", "–", f"ERROR in decode: {error.what}")))
    out.print(table)
    out.print(Text(f"bundle: {folder}"))
    lost = errors or any(isinstance(result, Failed) for result in bundle.results)
    return ExitCode.RUN if lost else ExitCode.OK


def _result_row(folder: Path, bundle: Bundle, result: Result, model: Model) -> tuple[str, str, str, str]:
    if isinstance(result, Failed):
        return result.case, "–", "–", f"ERROR in {result.error.stage}: {result.error.message}"
    counts = np.bincount(mask_of(folder, result).ravel(), minlength=MAX_CLASSES)
    names = [*model.labels, *(f"class_{index}" for index in range(len(model.labels), MAX_CLASSES))]
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    classes = ", ".join(f"{names[index]} {counts[index] / counts.sum():.1%}" for index in order)
    width, height = result.mask_size
    latency = measured(bundle, result)
    return result.case, f"{width}×{height}", latency.ms if latency else "–", classes
