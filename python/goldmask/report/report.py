"""All comparisons of a run and what follows from them; every form of the report is a pure function of this."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from ..contract.bundle import SCHEMA
from ..contract.errors import ExitCode, UsageError
from ..contract.schema import Strict, first_problem
from ..verdict.compare import Comparison, Verdict

REPORT_FILE = "report.json"
JUNIT_FILE = "junit.xml"
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

    target: str
    pipeline: str
    model: str
    reason: str
    fix: str


class Report(Strict):
    """report.json."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    exit_code: ExitCode
    environment: dict[str, str]
    comparisons: tuple[Comparison, ...]
    skipped: tuple[Skipped, ...]
    # What targets said of a run: second attempts, what was there already, whether a latency means something.
    notes: tuple[str, ...] = ()

    def count(self, verdict: Verdict) -> int:
        """How many comparisons have this verdict."""
        return sum(comparison.verdict is verdict for comparison in self.comparisons)


def json_schema() -> dict[str, JsonValue]:
    """The JSON Schema of report.json as `write_report` writes it: every key is there, null where there is no value."""
    schema = Report.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": "goldmask report.json"}


def exit_code(comparisons: Iterable[Comparison]) -> ExitCode:
    """The exit code of a run; ENVIRONMENT when nothing was compared, because no result is never a pass."""
    comparisons = list(comparisons)
    codes = {comparison.exit_code for comparison in comparisons if comparison.verdict in (Verdict.FAIL, Verdict.ERROR)}
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
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", fix="./goldmask check") from error
    except ValidationError as error:
        raise UsageError(f"{path} is not a report: {first_problem(error)}", fix="./goldmask check") from error
