"""All comparisons of a run and what follows from them; every form of the report is a pure function of this."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from ..contract.bundle import SCHEMA, SchemaVersion
from ..contract.errors import ExitCode, UsageError
from ..contract.files import read_file
from ..contract.schema import WHOLE, InvalidJson, Many, Strict, Text, parse_json
from ..verdict.compare import FAILING, Comparison, Verdict
from ..verdict.three_way import Agreement

REPORT_FILE = "report.json"
JUNIT_FILE = "junit.xml"
MAX_REPORT_BYTES = 64 << 20
# The first of these that any comparison has is the exit code. A mask that differs is a fact that no second try
# changes, so it comes before failures of the machinery, which CI may try again.
PRECEDENCE = (
    ExitCode.MASKS_DIFFER,
    ExitCode.GOLDEN,
    ExitCode.RUN,
    ExitCode.ENVIRONMENT,
    ExitCode.CONFIG,
    ExitCode.USAGE,
    ExitCode.LATENCY,
)


class Skipped(Strict):
    """Something this machine could not run: what, why, and the command that would change it."""

    target: Text
    pipeline: Text
    model: Text
    reason: Text
    fix: Text


class Report(Strict):
    """report.json."""

    schema_: SchemaVersion = Field(default=SCHEMA, alias="schema")
    exit_code: Annotated[ExitCode, WHOLE]
    environment: dict[Text, Text]
    comparisons: Many[Comparison]
    skipped: Many[Skipped]
    # What targets said of a run: second attempts, what was there already, whether a latency means something.
    notes: Many[Text] = ()
    agreements: Many[Agreement] = Field(
        default=(), description="of models with failures: every pair of runs, goldens among them, for the failed cases"
    )

    @model_validator(mode="after")
    def _follows_from_its_rows(self) -> Self:
        if self.exit_code is not (due := exit_code(self.comparisons)):
            raise ValueError(f"it says exit code {self.exit_code}, its comparisons say {due}")
        return self

    def count(self, verdict: Verdict) -> int:
        """How many comparisons have this verdict."""
        return sum(comparison.verdict is verdict for comparison in self.comparisons)


def to_json(report: Report) -> Iterator[bytes]:
    """report.json, a row at a time, as ten thousand rows take 80 MB at once.

    Null, not absent: a reader sees that there was no margin map, and that the field exists.
    """
    empty = report.model_copy(update={"comparisons": ()}).model_dump_json(by_alias=True, indent=2)
    # Within a text the quotes are escaped, and there is no line break.
    before, after = empty.split('\n  "comparisons": []')
    yield f'{before}\n  "comparisons": ['.encode()
    for number, row in enumerate(report.comparisons):
        text = row.model_dump_json(by_alias=True, indent=2).replace("\n", "\n    ")
        yield f"{',' if number else ''}\n    {text}".encode()
    yield ("\n  ]" if report.comparisons else "]").encode() + after.encode() + b"\n"


def json_schema() -> dict[str, JsonValue]:
    """The JSON Schema of report.json as `write_report` writes it: every key is there, null where there is no value."""
    schema = Report.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": "goldmask report.json"}


def exit_code(comparisons: Iterable[Comparison]) -> ExitCode:
    """The exit code of a run; ENVIRONMENT when nothing was compared, because no result is never a pass."""
    comparisons = list(comparisons)
    codes = {comparison.exit_code for comparison in comparisons if comparison.verdict in FAILING}
    for code in PRECEDENCE:
        if code in codes:
            return code
    if codes:
        raise ValueError(f"a verdict has an exit code without a place in the order: {codes}")
    passed = any(comparison.verdict in (Verdict.PASS, Verdict.WARN) for comparison in comparisons)
    return ExitCode.OK if passed else ExitCode.ENVIRONMENT


def load_report(folder: Path) -> Report:
    """Read `folder`/report.json. Raises UsageError."""
    path = folder / REPORT_FILE
    try:
        return parse_json(read_file(path, MAX_REPORT_BYTES), Report)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", fix="./goldmask check") from error
    except InvalidJson as error:
        raise UsageError(f"{path} is not a report: {error}", fix="./goldmask check") from error
