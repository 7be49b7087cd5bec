"""What all pydantic classes of goldmask share: strict keys and types, safe names, JSON without a key twice."""

import json
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    ValidationError,
)

from .errors import printable

# More than any bundle, golden or report has: keys of one object, and values in all. They bound memory, not taste: a
# file of 30 MB that is one list of zeros would take a gigabyte.
MAX_KEYS = 1 << 16
MAX_VALUES = 1 << 21
MAX_DIGITS = 20
Thing = TypeVar("Thing", bound=BaseModel)
Item = TypeVar("Item")


class AtFirst(FailFast):
    """pydantic's FailFast, with a hash, so that a type which has it may be one of a union."""

    __hash__ = object.__hash__


# A list that ends at its first wrong item: of two million wrong ones pydantic would make 1.6 GB of errors.
Many = Annotated[tuple[Item, ...], AtFirst()]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
# Models, cases and suites are named so that the name is a safe file name on every platform.
NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
# Text from a device or another stranger.
Text = Annotated[str, AfterValidator(printable)]
# Whole numbers that every reader of JSON can hold, JavaScript's too.
Count = Annotated[int, Field(ge=0, lt=1 << 53)]


def _whole(value: object) -> object:
    """A value that is no bool and no float: Python, and so a Literal or an enumeration, takes True and 1.0 for 1."""
    if isinstance(value, bool | float):
        raise ValueError("must be a whole number")
    return value


# For a Literal or an enumeration of numbers.
WHOLE = BeforeValidator(_whole)


class Strict(BaseModel):
    """Unknown keys are errors: a misspelt key must not pass for an absent one. No number is infinite or NaN."""

    # The schema of what is written whole, report.json for example, requires every key.
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, json_schema_serialization_defaults_required=True
    )


class InvalidJson(ValueError):
    """Bytes that are not the JSON they should be; the message is one clause."""


def parse_json(data: bytes, kind: type[Thing]) -> Thing:
    """`data` as a `kind`, in strict types: "1", 1.0 and true are no whole numbers. Raises InvalidJson.

    A key that an object has twice is an error: readers differ in which of the two they take.
    """
    if data.count(b",") >= MAX_VALUES:
        raise InvalidJson(f"it has more than {MAX_VALUES:,} values")
    try:
        json.loads(data, object_pairs_hook=_no_key_twice, parse_int=_short)
        return kind.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise InvalidJson(first_problem(error)) from error
    except RecursionError:
        raise InvalidJson("it is nested too deeply") from None
    except ValueError as error:
        raise InvalidJson(f"Invalid JSON: {printable(str(error), 300)}") from error


def _no_key_twice(pairs: list[tuple[str, object]]) -> None:
    """Look at the keys of an object and forget it: this pass costs no memory."""
    if len(pairs) > MAX_KEYS:
        raise ValueError(f"an object has {len(pairs):,} keys; at most {MAX_KEYS:,} are read")
    seen = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"the key {key!r} is there twice")
        seen.add(key)


def _short(digits: str) -> None:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits")


def first_problem(error: ValidationError) -> str:
    """pydantic's first complaint as one clause: where, and what."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(step) for step in problem["loc"])
    message = " ".join(problem["msg"].removeprefix("Value error, ").split())
    return printable(f"{where}: {message}" if where else message, 300)
