"""Annotations of a GitHub workflow: one for each cause, and no text of a report begins a command of its own."""

import re
import string

import pytest
from pages import failing, judged, passing, report, skipping
from snapshot import assert_snapshot
from test_markdown import HOSTILE, hostile

from goldmask.report.github import MAX_ANNOTATIONS, annotations, command
from goldmask.verdict.compare import Verdict

# As the runner reads a line: two colons, a name, properties, two colons, the data (actions/runner, ActionCommand.cs).
COMMAND = re.compile(r"\s*::(?P<name>[a-z-]+) title=(?P<title>[^,:\r\n]*)::(?P<data>[^\r\n]*)")


def read(line: str) -> tuple[str, str, str]:
    """A command as the runner understands it."""
    found = COMMAND.fullmatch(line)
    assert found, line
    title, data = (
        re.sub("%(25|0D|0A|3A|2C)", lambda each: chr(int(each[1], 16)), found[name]) for name in ("title", "data")
    )
    return found["name"], title, data


def test_each_cause_of_a_failing_run_is_an_error():
    lines = [read(line) for line in annotations(failing())]
    assert_snapshot("annotations-failing", "\n".join(annotations(failing())) + "\n")
    assert {name for name, _, _ in lines} == {"error"}
    assert [title for _, title, _ in lines if "deeplabv3" in title] == [
        "ERROR astronaut · deeplabv3 · python · lib_interpreter and 7 more"
    ]


def test_what_warns_is_a_warning_and_what_passes_is_nothing():
    ((name, title, data),) = map(read, annotations(passing()))
    assert (name, title) == ("warning", "WARN rocket · deeplabv3 · python · lib_task_api") and "boundary F" in data
    assert annotations(skipping()) == []


def test_a_run_that_compared_nothing_is_an_error():
    assert [read(line)[0] for line in annotations(report())] == ["error"]


@pytest.mark.parametrize("text", [*HOSTILE, "100%0A::error::x", "a,file=b:c", "\r\n::stop-commands::x"])
def test_a_text_of_strangers_starts_no_command(text):
    lines = annotations(hostile(text))
    assert len(lines) == len(annotations(hostile("harmless"))) == 3
    for line in lines:
        assert read(line)[0] in ("error", "warning") and line.isprintable() and "##[" not in line


@pytest.mark.parametrize("text", [string.punctuation, "100%25", "a\r\nb\n::error::c", "::", "%0A"])
def test_a_command_is_read_as_it_was_meant(text):
    assert read(command("error", text, text)) == ("error", text, text)


def test_github_shows_ten_of_a_kind_and_the_last_counts_the_others():
    place = ("m", "python", "lib_interpreter")
    rows = [judged(*place, f"c{each}", Verdict.FAIL, f"reason {each}", 1) for each in range(MAX_ANNOTATIONS + 2)]
    lines = [read(line) for line in annotations(report(*rows))]
    assert len(lines) == MAX_ANNOTATIONS and lines[-1][2] == "and 3 more causes: see report.json"
    assert len(annotations(report(*rows[:MAX_ANNOTATIONS]))) == MAX_ANNOTATIONS
