"""`models.*`."""

from rich.table import Table
from rich.text import Text

from ..contract.errors import ExitCode
from ..contract.mask import MAX_CLASSES
from ..project.case import fetch_case
from ..project.model import Model, fetch_model, find_model, load_spec, model_folder, model_names
from .console import ProgressBars, out
from .folders import root


def list_models() -> ExitCode:
    """`models.list`."""
    table = Table("model", "cases", "pipelines", "licence", "summary", box=None, header_style="bold")
    for name in model_names(root()):
        spec = load_spec(root(), name)
        row = (name, str(len(spec.cases)), ", ".join(spec.pipelines), spec.model.licence, spec.summary)
        table.add_row(*map(Text, row))
    out.print(table)
    return ExitCode.OK


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
    """`models.info`: tensors, quantisation, metadata and labels."""
    with ProgressBars() as bars:
        found = find_model(root(), model, bars.download)
    signature = found.signature
    table = Table(box=None, show_header=False)
    rows = [
        ("file", f"{found.path} ({found.path.stat().st_size:,} bytes)"),
        ("sha256", found.sha256),
        *(("input", str(tensor)) for tensor in signature.inputs),
        *(("output", str(tensor)) for tensor in signature.outputs),
        ("mask from", f"{signature.output.name}: {signature.output_kind}"),
        ("normalised", _normalisation(found)),
        ("metadata", "yes" if signature.has_metadata else "none"),
        ("labels", ", ".join(found.labels) if signature.labels or len(found.labels) < MAX_CLASSES else "none"),
    ]
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)
    return ExitCode.OK


def _normalisation(model: Model) -> str:
    if model.signature.input.dtype == "uint8":
        return "no: uint8 pixels go in as they are"
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (model.mean, model.std))
    return f"(pixel - {mean}) / {std}, {model.normalization_from}"
