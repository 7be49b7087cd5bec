"""What another precision of a model changes: the bundles of two variants that a check made, held against each other."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ..contract.bundle import BUNDLE_FILE, load_bundle
from ..contract.errors import ConfigError
from ..contract.files import write_atomically
from ..project.config import FILE_NAME, Config
from ..project.gather import Assets
from ..project.model import ModelSpec, toml_of
from ..verdict.across import Between, between, lines
from .compare import compare_bundle

VARIANTS_FILE = "variants.json"


def pairs(root: Path, specs: Mapping[str, ModelSpec], wanted: str, *, whole: bool) -> list[tuple[str, str]]:
    """The models of `float32 vs int8`, the one that is compared with first: a variant by its name, else its base.

    Raises ConfigError where no model of a `whole` suite has both.
    """
    if not wanted:
        return []
    words = wanted.split(" vs ")
    bases = [name for name in specs if toml_of(root, name)[1] is None and specs[name].variants]
    found = []
    for base in bases:
        was, now = (f"{base}-{word}" if word in specs[base].variants else base for word in words)
        if was != now and {was, now} <= set(specs):
            found.append((was, now))
    if not found and whole:
        raise ConfigError(
            f"variants {wanted!r}: no model that is checked has both",
            fix=f"./goldmask models.add FILE.tflite --variant-of MODEL, or edit models in {FILE_NAME}",
        )
    return found


def compare_variants(
    chosen: Sequence[tuple[str, str]], config: Config, out: Path, assets: Mapping[str, Assets]
) -> list[str]:
    """Compare the bundles of each pair in `out`; the figures go to variants.json, the answer is a table's lines."""
    tables: list[dict[str, object]] = []
    text: list[str] = []
    for was, now in chosen:
        for target, pipeline, table in _tables(was, now, config, out, assets):
            tables.append({"was": was, "now": now, "target": target, "pipeline": pipeline} | asdict(table))
            text += lines(f"{was} ({target}, {pipeline})", now, table)
    if tables:
        data = json.dumps({"schema": 1, "tables": tables}, indent=2, default=lambda value: value.model_dump())
        write_atomically(out / VARIANTS_FILE, data.encode() + b"\n")
    return text


def _tables(
    was: str, now: str, config: Config, out: Path, assets: Mapping[str, Assets]
) -> Iterator[tuple[str, str, Between]]:
    model = assets[now].model
    for path in sorted((out / "bundles").glob(f"*/*/{was}/{BUNDLE_FILE}")):
        other = path.parent.with_name(now)
        if not (other / BUNDLE_FILE).is_file() or not model:
            continue
        expected, actual = load_bundle(path.parent), load_bundle(other)
        rows = compare_bundle(
            [result.case for result in expected.results],
            config=config,
            model=f"{was}-vs-{now}",
            target=actual.target.name,
            golden_folder=path.parent,
            golden=expected,
            folder=other,
            bundle=actual,
            labels=model.labels,
            out=out,
            truths=assets[now].truths,
            ignored=assets[was].ignored,
            across=True,
        )
        if table := between(rows):
            yield path.parents[2].name, expected.pipeline, table
