"""`models.list`, `models.fetch` and `models.info`."""

from pathlib import Path

from rich.text import Text

from ..contract.errors import ConfigError, ExitCode, GoldmaskError
from ..contract.files import sha256_of
from ..contract.mask import MAX_CLASSES
from ..project.case import fetch_case
from ..project.custom_operators import descriptions
from ..project.model import (
    Model,
    fetch_model,
    find_model,
    load_spec,
    locate_model,
    misnamed,
    model_folder,
    model_names,
)
from ..project.tflite import Description, inspect
from .console import ProgressBars, new_table, out
from .folders import root, root_or_here

ORIGINS = {
    "model.toml": "model.toml",
    "metadata": "metadata",
    "quantisation": "from scale and zero point",
    "assumed": "assumed",
}


def list_models() -> ExitCode:
    """`models.list`."""
    table = new_table("model", "cases", "pipelines", "licence", "summary")
    wrong = misnamed(root())
    for name in model_names(root()):
        try:
            spec = load_spec(root(), name)
        except ConfigError as error:
            wrong.append(error)
            continue
        row = (name, str(len(spec.cases)), ", ".join(spec.pipelines), spec.model.licence, spec.summary)
        table.add_row(*map(Text, row))
    out.print(table)
    for each in wrong:
        out.print(Text(f"ERROR {each}", "bold red"))
    return ExitCode.CONFIG if wrong else ExitCode.OK


def fetch_models(models: list[str]) -> ExitCode:
    """`models.fetch`: models and their images, into the cache."""
    with ProgressBars() as bars:
        for name in models or model_names(root()):
            spec = load_spec(root(), name)
            out.print(Text(f"{name}: {fetch_model(root(), name, spec, bars.download).path}"))
            for case in spec.cases:
                out.print(Text(f"  {case.id}: {fetch_case(case, model_folder(root(), name), bars.download).file}"))
    return ExitCode.OK


def show_model(model: str) -> ExitCode:
    """`models.info`: tensors, quantisation, metadata and labels; of a model that cannot be run as well, and why not."""
    project, _ = root_or_here()
    with ProgressBars() as bars:
        try:
            found: Model | None = find_model(project, model, bars.download)
            refused = None
            path = found.path if found else Path()
        except GoldmaskError as error:
            found, refused, path = None, error, locate_model(project, model, bars.download)
    description = found.description if found else inspect(path)
    table = new_table("", "", titled=False)
    rows = [
        ("file", f"{path} ({path.stat().st_size:,} bytes)"),
        ("sha256", found.sha256 if found else sha256_of(path)),
        *(("input", str(tensor)) for tensor in description.inputs),
        *(("output", str(tensor)) for tensor in description.outputs),
        *((("mask from", f"{found.output.name}: {found.reading.output_kind}"),) if found else ()),
        *((("normalised", _normalisation(found)),) if found else ()),
        *(("operator", sentence) for sentence in descriptions(description.custom_operators)),
        ("metadata", "yes" if description.has_metadata else "none"),
        ("labels", _labels(description, found)),
    ]
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)
    if refused:
        raise refused
    return ExitCode.OK


def _labels(description: Description, found: Model | None) -> str:
    labels = found.labels if found else description.labels
    return ", ".join(labels) if description.labels or (found and len(labels) < MAX_CLASSES) else "none"


def _normalisation(model: Model) -> str:
    if model.input.dtype == "uint8" and model.steps == "pixels":
        return "no: uint8 pixels go in as they are"
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (model.mean, model.std))
    return f"(pixel - {mean}) / {std}, {ORIGINS[model.normalisation_from]}"
