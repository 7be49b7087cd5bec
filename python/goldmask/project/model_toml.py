"""Edits of a model.toml and of goldmask.toml that keep what people wrote in them: order, comments, spacing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from ..contract.errors import ConfigError
from ..contract.files import sha256_of, write_atomically
from .declared import Normalisation
from .model import ModelSpec
from .toml import read_toml, strictly


@dataclass(frozen=True)
class Pinned:
    """A file beside its model.toml with the sha256 that is declared of it, and the one that it has."""

    file: str
    declared: str
    actual: str


def declare_normalisation(path: Path, variant: str | None, normalisation: Normalisation) -> None:
    """Write mean and std into `[input]`, or a variant's, and take `assumed` out; what was assumed is declared then."""
    document = _document(path)
    current: Any = document
    for key in (*(("variants", variant) if variant else ()), "input"):
        if key not in current:
            current[key] = tomlkit.table()
        current = current[key]
    current.pop("assumed", None)
    if "range" not in current:
        for key, values in zip(("mean", "std"), normalisation, strict=True):
            current[key] = list(values)
    _save(path, document)


def pin(path: Path) -> tuple[Pinned, ...]:
    """Write the sha256, and the size where it is declared, of each file beside a model.toml that declares a sha256.

    Downloads keep theirs: what a server sends is not to be believed. Raises ConfigError for a file that is not there,
    and for anything that no model.toml may say.
    """
    document = _document(path)
    found = []
    for source in _sources(document):
        if "file" not in source or "sha256" not in source:
            continue
        file = path.parent / str(source["file"])
        if not file.is_file():
            raise ConfigError(f"{file} is declared but does not exist", fix=f"edit {path}")
        each = Pinned(str(source["file"]), str(source["sha256"]), sha256_of(file))
        found.append(each)
        source["sha256"] = each.actual
        if "size" in source:
            source["size"] = file.stat().st_size
    strictly(document.unwrap(), ModelSpec, path, lambda: tomlkit.dumps(document))
    if any(each.declared != each.actual for each in found):
        _save(path, document)
    return tuple(found)


def add_to_suite(path: Path, suite: str, model: str) -> bool:
    """Have a suite of goldmask.toml run a model as well; False where it does, or where there is no such suite."""
    document = _document(path)
    named = document.get("suites", {}).get(suite)
    if named is None or model in named.get("models", []):
        return False
    named["models"] = [*named.get("models", []), model]
    _save(path, document)
    return True


def add_variant(path: Path, name: str, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Declare another precision of a model: its tables `model`, `input` and `output`."""
    document = _document(path)
    if "variants" not in document:
        document["variants"] = tomlkit.table(is_super_table=True)
    variant = tomlkit.table(is_super_table=True)
    for key, values in tables.items():
        table = tomlkit.table()
        for each, value in values.items():
            table[each] = value
        variant[key] = table
    variants: Any = document["variants"]
    variants[name] = variant
    strictly(document.unwrap(), ModelSpec, path, lambda: tomlkit.dumps(document))
    _save(path, document)


def set_labels(path: Path, labels: Sequence[str]) -> None:
    """Name the classes of a model and its variants, where only the model's own file did."""
    document = _document(path)
    document["labels"] = list(labels)
    _save(path, document)


def add_override(path: Path, model: str, reason: str, tolerances: Mapping[str, float]) -> None:
    """Give a model other tolerances in goldmask.toml; the override of an earlier calibration is replaced."""
    document = _document(path)
    if "overrides" not in document:
        document["overrides"] = tomlkit.aot()
    start = reason.partition(",")[0]
    for each in document["overrides"]:
        if each.get("model") == model and str(each.get("reason", "")).startswith(start):
            each["reason"], each["tolerances"] = reason, dict(tolerances)
            break
    else:
        table = tomlkit.table()
        table["model"], table["reason"], table["tolerances"] = model, reason, dict(tolerances)
        document["overrides"].append(table)
    _save(path, document)


def new_model(
    summary: str,
    pipelines: Sequence[str],
    declared: Mapping[str, Any],
    comments: Sequence[str],
    assumed: Normalisation | None,
    model: dict[str, Any],
    cases: Sequence[dict[str, Any]],
) -> str:
    """The text of a model.toml; `declared` are more of its keys and tables, `comments` stand above them."""
    document = tomlkit.document()
    document["schema"] = 1
    document["summary"] = summary
    document["pipelines"] = list(pipelines)
    for comment in comments:
        document.add(tomlkit.comment(comment))
    tables = {key: value for key, value in declared.items() if isinstance(value, Mapping)}
    for key in declared.keys() - tables.keys():
        document[key] = declared[key]
    if assumed:
        tables["input"] = {**tables.get("input", {}), "assumed": True}
    for key, values in tables.items():
        table = tomlkit.table()
        if key == "input" and assumed:
            table.add(
                tomlkit.comment(
                    "The file does not say how pixels are normalised; nothing is recorded on an assumption."
                )
            )
            values = dict(zip(("mean", "std"), map(list, assumed), strict=True)) | dict(values)
        for each, value in values.items():
            table[each] = value
        document[key] = table
    document["model"] = model
    case_tables = tomlkit.aot()
    for case in cases:
        case_tables.append(tomlkit.item(case))
    document["cases"] = case_tables
    return tomlkit.dumps(document)


def _sources(document: tomlkit.TOMLDocument) -> Iterator[Any]:
    """The tables of a model.toml that name a file: models, variants, images, ground truths; what is no table is not."""
    variants, cases = document.get("variants"), document.get("cases")
    holders = [document, *(variants.values() if isinstance(variants, Mapping) else ())]
    found = [each.get("model") for each in holders if isinstance(each, Mapping)]
    for case in cases if isinstance(cases, list) else ():
        found += [case, case.get("truth") if isinstance(case, Mapping) else None]
    yield from (each for each in found if isinstance(each, Mapping))


def _document(path: Path) -> tomlkit.TOMLDocument:
    read_toml(path)  # which says what is wrong with it
    return tomlkit.parse(path.read_text("utf-8-sig"))


def _save(path: Path, document: tomlkit.TOMLDocument) -> None:
    write_atomically(path, tomlkit.dumps(document).encode())
