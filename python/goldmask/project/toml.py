"""TOML files: read within bounds, held to strict types, and told all that is wrong with them at once."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..contract.errors import ConfigError, nearest, printable
from ..contract.files import read_file
from .toml_lines import Key, line_of, lines_of

Settings = TypeVar("Settings", bound=BaseModel)
MAX_TOML_BYTES = 8 << 20
MAX_SHOWN = 20
# In [options] any other table is one for a target, so that a misspelt option is told as no table.
UNKNOWN_KEY = ("extra_forbidden", "model_type")


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises ConfigError that names the file and, where the syntax is wrong, the line."""
    try:
        return tomllib.loads(read_file(path, MAX_TOML_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist", fix="./goldmask models.list") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix=f"ls -l {path}") from error
    except RecursionError:
        raise ConfigError(f"{path} is not valid TOML: it is nested too deeply", fix=f"edit {path}") from None
    except ValueError as error:  # of the syntax, the encoding, or a number of thousands of digits
        raise ConfigError(f"{path} is not valid TOML: {error}", fix=f"edit {path}") from error


def load_toml(path: Path, kind: type[Settings]) -> Settings:
    """A TOML file as a settings class, as `strictly`. Raises ConfigError."""
    return strictly(read_toml(path), kind, path, lambda: read_file(path, MAX_TOML_BYTES).decode("utf-8-sig"))


def strictly(data: Mapping[str, Any], kind: type[Settings], path: Path, text: Callable[[], str]) -> Settings:
    """The tables of `path` as a settings class, in strict types: "0", true and 1.0 are no whole numbers.

    `text` is what has the lines that errors name. The way is by JSON, since there a list is a list, whatever holds it
    in Python. Raises ConfigError with everything that is wrong: each key, its value, its line, and the key that was
    probably meant.
    """
    try:
        return kind.model_validate_json(json.dumps(data, default=_date), strict=True)
    except ValidationError as error:
        problems = _problems(error, kind, lines_of(text()))
    except RecursionError:
        problems = ["it is nested too deeply"]
    raise mistakes(str(path), problems, fix=f"edit {path}")


def mistakes(where: str, problems: Sequence[str], fix: str) -> ConfigError:
    """The error of a file in which something is wrong, or several things are."""
    if len(problems) == 1:
        return ConfigError(f"{where}: {problems[0]}", fix=fix)
    shown = [*problems[:MAX_SHOWN], *[f"… and {len(problems) - MAX_SHOWN} more"] * (len(problems) > MAX_SHOWN)]
    return ConfigError(f"{where} has {len(problems)} mistakes", fix=fix, details=shown)


def _date(value: object) -> dict[str, str]:
    """Something that no setting is, in place of a date or a time."""
    return {type(value).__name__: str(value)}


def _problems(error: ValidationError, kind: type[BaseModel], lines: Mapping[Key, int]) -> list[str]:
    """Every complaint as a clause; unknown keys come first, with the keys that were probably meant."""
    found = error.errors(include_url=False, include_context=False)
    # A list that loses its wrong items may be too short for its own complaint.
    whole = {each["loc"][:depth] for each in found for depth in range(len(each["loc"]))}
    found = [each for each in found if each["loc"] not in whole]
    unknown = [each["loc"] for each in found if each["type"] in UNKNOWN_KEY]
    schema = kind.model_json_schema() if unknown else {}
    meant = {loc: _nearest(schema, loc) for loc in unknown[:MAX_SHOWN]}  # whoever reads of more, began elsewhere
    # A misspelt key is often a missing one too; the misspelling is the useful half of that.
    misspelt = {(*loc[:-1], near) for loc, near in meant.items() if near}
    clauses = []
    for each in sorted(found, key=lambda each: each["type"] not in UNKNOWN_KEY):
        where = ".".join(map(str, each["loc"]))
        line = line_of(each["loc"], lines)
        at = f" (line {line})" if line else ""
        if each["type"] in UNKNOWN_KEY:
            near = meant.get(each["loc"])
            clauses.append(f"{where}: unknown key" + (f" (did you mean {near}?)" if near else "") + at)
        elif each["type"] == "json_invalid":
            clauses.append("it is nested too deeply")
        elif each["type"] != "missing" or each["loc"] not in misspelt:
            clauses.append(f"{where}: {_wrong(each)}{at}")
    return list(dict.fromkeys(clauses))


def _wrong(problem: ErrorDetails) -> str:
    """What is wrong with a value, and the value, where that is short enough to show."""
    message = " ".join(problem["msg"].removeprefix("Value error, ").split())
    value = problem["input"]
    if problem["type"] in ("value_error", "missing") or not isinstance(value, str | int | float):
        return message
    return f"{message}, not {printable(json.dumps(value, ensure_ascii=False), 60)}"


def _nearest(schema: dict[str, Any], path: Sequence[int | str]) -> str:
    return nearest(str(path[-1]), _keys(schema, path[:-1]))


def _keys(schema: dict[str, Any], path: Sequence[int | str]) -> list[str]:
    """The key names that a settings class of this JSON Schema has in the table that `path` leads to."""
    table = schema
    for step in path:
        named = next(iter(table.get("patternProperties", {}).values()), table.get("additionalProperties"))
        table = table.get("properties", {}).get(step) or named or table.get("items", {})
        table = next((each for each in table.get("anyOf", ()) if "$ref" in each), table)
        table = schema["$defs"][table["$ref"].rpartition("/")[2]] if "$ref" in table else table
    return list(table.get("properties", {}))
