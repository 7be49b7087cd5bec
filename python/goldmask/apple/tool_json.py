"""JSON of Apple's tools: the object among their notes, and its entries one by one, so that one cannot spoil all."""

import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ..contract.schema import first_problem


class Known(BaseModel):
    """Apple adds keys with every Xcode; what is not read here may be anything."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


Entry = TypeVar("Entry", bound=Known)


def first_object(text: str) -> dict[str, Any]:
    """The first JSON object that begins a line of `text`; some versions print notes before it, braces among them.

    Raises ValueError where there is none.
    """
    for start in re.finditer(r"^[ \t]*(?=\{)", text, re.MULTILINE):
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start.end())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    raise ValueError("no JSON object begins a line")


def entries_of(model: type[Entry], entries: Iterable[Any]) -> tuple[list[Entry], list[str]]:
    """The entries that are understood, and what is wrong with each of the others."""
    understood, problems = [], []
    for entry in entries:
        try:
            understood.append(model.model_validate(entry))
        except ValidationError as error:
            problems.append(first_problem(error))
    return understood, problems
