"""What all pydantic classes of goldmask share: strict keys, safe names, printable text, and one clause for an error."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

MAX_MESSAGE = 2000
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


# Models, cases and suites are named so that the name is a safe file name on every platform.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


def _printable(text: str) -> str:
    """Text from a device without control characters, which a terminal would obey, and of bounded length."""
    return re.sub(r"[^\S\n]|[\x00-\x08\x0b-\x1f\x7f-\x9f]", " ", text)[:MAX_MESSAGE]


Text = Annotated[str, AfterValidator(_printable)]


class Strict(BaseModel):
    """Unknown keys are errors: a misspelt key must not pass for an absent one."""

    # The schema of what is written whole, report.json for example, requires every key.
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


def first_problem(error: ValidationError) -> str:
    """pydantic's first complaint as one clause: where, and what."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ").replace("\n", " ")
    return _printable(f"{where}: {message}" if where else message)[:300]
