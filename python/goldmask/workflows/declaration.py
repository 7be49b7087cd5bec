"""Lines of a model.toml that are given on the command line, and a file as it is read with them."""

import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contract.errors import ConfigError, GoldmaskError, UsageError
from ..project.model import Model, ModelSpec, model_from_path
from ..project.toml import strictly

Tables = dict[str, Any]
EXAMPLE = "--declare output.kind=classes"
# What models.add writes by itself.
OWN_KEYS = ("schema", "model", "cases", "variants", "pipelines")
# How errors name a line of model.toml: `layout = "nhwc" or "nchw", under [output] in model.toml`.
SECTION = re.compile(r"under \[(\w+)\]")
LINE = re.compile(r'(\w+) = ("[^"]*"(?: or "[^"]*")*)')


def tables_of(declared: Sequence[str]) -> Tables:
    """`output.kind=classes` as {"output": {"kind": "classes"}}; values are TOML, or else text. Raises UsageError."""
    tables: Tables = {}
    for each in declared:
        key, equals, value = each.partition("=")
        *sections, last = key.strip().split(".")
        if not equals or not all((*sections, last)):
            raise UsageError(f"--declare {each!r} is not KEY=VALUE", fix=EXAMPLE)
        if (sections or [last])[0] in OWN_KEYS:
            raise UsageError(f"--declare {each!r}: models.add writes {(sections or [last])[0]} itself", fix=EXAMPLE)
        table = tables
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise UsageError(f"--declare {each!r}: {section} has a value already", fix=EXAMPLE)
        table[last] = _value(value.strip())
    return tables


def read_with(file: Path, declared: Mapping[str, Any]) -> Model:
    """A model's file as it is read where a model.toml declares `declared`.

    Raises UsageError for what no model.toml may declare, and as reading does, with flags in place of lines.
    """
    nothing = {"file": "x"}
    whole = {"schema": 1, "summary": "", "model": nothing, "cases": [{"id": "x"} | nothing]} | dict(declared)
    try:
        spec = strictly(whole, ModelSpec, Path("--declare"), str)
    except ConfigError as error:
        raise UsageError(error.what, fix=EXAMPLE, details=error.details) from error
    try:
        return model_from_path(file, spec)
    except GoldmaskError as error:
        if flags := as_flags(error.fix):
            raise type(error)(error.what, fix=flags, details=error.details) from error
        raise


def as_flags(fix: str) -> str:
    """The flags of models.add that declare what an error would have in model.toml; empty where it names no line."""
    if fix.startswith("labels = ") or "one label for each class" in fix:
        return "--label NAME …, one for each class, in order"
    section = SECTION.search(fix)
    if not section or "model.toml" not in fix:
        return ""
    if "mean and std" in fix:
        return "--mean and --std, as the model was trained"
    ways = []
    for way in re.split(r" or (?=\w+ = )", fix[: section.start()]):
        lines = [(key, re.findall(r'"([^"]*)"', values)) for key, values in LINE.findall(way)]
        if len(lines) == 1:
            ways += [[(lines[0][0], value)] for value in lines[0][1]]
        elif lines:
            ways.append([(key, values[0]) for key, values in lines])
    words = (shlex.join(f"{section[1]}.{key}={value}" for key, value in way) for way in ways)
    return " or ".join(f"--declare {each}" for each in words)


def _value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except ValueError:
        return text
    return parsed["value"] if len(parsed) == 1 else text
