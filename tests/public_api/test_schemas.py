"""The JSON that others read and write: its schemas are those of the classes, and say what the files really are."""

import json

import jsonschema
import pytest
from conftest import REPO
from pydantic import Field

from goldmask.contract import bundle
from goldmask.report import report
from public_api import assert_held

SCHEMAS = {"bundle": bundle.json_schema, "report": report.json_schema}


def text_of(schema: dict) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2) + "\n"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_is_what_its_file_says(name):
    assert_held(REPO / f"docs/{name}.schema.json", text_of(SCHEMAS[name]()))


def test_a_change_is_seen(monkeypatch):
    """Their twin: a key more, and a value that was not allowed before."""

    class Changed(report.Report):
        """report.json."""

        colour: str = ""
        exit_code: int = Field(ge=0)

    monkeypatch.setattr(report, "Report", Changed)
    with pytest.raises(AssertionError, match=r"\+ +\"colour\": \{") as caught:
        assert_held(REPO / "docs/report.schema.json", text_of(report.json_schema()))
    assert '-      "$ref": "#/$defs/ExitCode"' in str(caught.value)


def validator(name: str) -> jsonschema.Draft202012Validator:
    """What checks a value against docs/<name>.schema.json, itself a valid schema."""
    schema = json.loads((REPO / f"docs/{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["request", "bundle"])
def test_the_samples_follow_the_schema(name):
    sample = json.loads((REPO / f"tests/samples/{name}.json").read_text("utf-8"))
    validator("bundle").validate(sample)
    assert not validator("bundle").is_valid(sample | {"colour": "red"})


def test_a_real_report_follows_the_schema(project):
    """One with a comparison that passes, and one that has nothing to compare with."""
    (project.golden / "masks/wide.png").unlink()
    project.run("check")
    written = json.loads((project.folder / "build/check/report.json").read_text("utf-8"))
    assert [row["verdict"] for row in written["comparisons"]] == ["PASS", "ERROR"]
    validator("report").validate(written)
    for key in written:
        assert not validator("report").is_valid({name: value for name, value in written.items() if name != key})
    assert not validator("report").is_valid(written | {"exit_code": 99})
