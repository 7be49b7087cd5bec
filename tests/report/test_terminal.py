"""What people read of a check: on a terminal of any width, in a log, and where there is only ASCII."""

import io
import shlex
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from pages import CASES, failing, judged, odd, passing, report, skipping
from rich.cells import cell_len
from snapshot import assert_snapshot

from goldmask.cli.console import LOG_WIDTH, PlainConsole, ProgressBars
from goldmask.contract.errors import ExitCode
from goldmask.report.report import Report
from goldmask.report.terminal import View, to_terminal
from goldmask.verdict.compare import FAILING, Judged, NotJudged, Verdict
from goldmask.verdict.metrics import measure
from goldmask.workflows.narrowing import CheckFlags, again

PLACE = {"case": "c", "target": "python", "pipeline": "lib_interpreter", "reason": ""}
EQUAL = np.zeros((60, 60), np.uint8)
VIEW = View(folder="build/check")
FLAGS = CheckFlags(options={"threads": "4"}, out="build/my check")
RUNS = {"passing": passing, "failing": failing, "skipping": skipping, "odd": odd}


def text_of(value: Report, view: View = VIEW, width: int = 80, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    PlainConsole(width=width, file=stream, color_system=None).print(to_terminal(value, view))
    stream.seek(0)
    return stream.read()


def log_of(value: Report, view: View) -> str:
    """What a CI job shows of a run in which each step took a second: its steps, then the report."""
    stream = io.StringIO()
    console = PlainConsole(width=LOG_WIDTH, file=stream, color_system=None)
    ran = [row for row in value.comparisons if row.verdict is not Verdict.SKIP]
    with ProgressBars(console, count().__next__) as bars:
        bars.download("deeplabv3.tflite", 0, 2_780_176)
        bars.download("deeplabv3.tflite", 2_780_176, 2_780_176)
        for place in dict.fromkeys(f"{row.target} · {row.pipeline} · getting ready" for row in ran):
            bars.count(place, 1)("")
        for place in dict.fromkeys((row.target, row.pipeline, row.model) for row in ran):
            cases = [row.case for row in ran if (row.target, row.pipeline, row.model) == place]
            on_case = bars.count(" · ".join(place), len(cases))
            for case in cases:
                on_case(case)
    console.print(to_terminal(value, view))
    return stream.getvalue()


@pytest.mark.parametrize("name", RUNS)
def test_a_run_at_each_width(name):
    """Also where the terminal has only ASCII, and with every row."""
    whole = RUNS[name]()
    view = View(folder="build/check", again=again(whole, FLAGS))
    views = [(f"{width} columns", text_of(whole, view, width)) for width in (80, 120, 200)]
    views += [
        ("a log", log_of(whole, view)),
        ("ASCII, 80 columns", text_of(whole, view, encoding="ascii")),
        ("--verbose, 80 columns", text_of(whole, replace(view, verbose=True))),
    ]
    assert_snapshot(f"check-{name}", "\n".join(f"===== {heading} =====\n{text}" for heading, text in views))


def test_ci_writes_no_snapshot(monkeypatch):
    monkeypatch.setenv("GOLDMASK_WRITE_SNAPSHOTS", "1")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(AssertionError, match="CI writes no snapshots"):
        assert_snapshot("check-passing", "")


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("width", [30, 80, 81, 120, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(name, width, encoding):
    whole = RUNS[name]()
    for view in (VIEW, View(verbose=True)):
        text = text_of(whole, view, width, encoding)
        assert max(map(cell_len, text.splitlines())) <= width
        assert all(line == line.rstrip() for line in text.splitlines())
        if encoding == "utf-8":
            squeezed = "".join(text.split())
            for row in whole.comparisons:
                cause = row.reason.partition("\n  try")[0] if row.verdict is not Verdict.PASS else ""
                assert "".join(f"{row.model}·{row.target}·{row.pipeline}".split()) in squeezed
                assert "".join(cause.split()) in squeezed


def test_every_failing_row_shows_case_and_cause_at_80_columns():
    lines = text_of(failing()).splitlines()
    rows = [row for row in failing().comparisons if row.verdict in FAILING]
    starts = [line.split()[:2] for line in lines if line.startswith(("  FAIL ", "  ERROR "))]
    stale = [row for row in rows if row.reason.startswith("stale")]
    # Where a whole group ends for one reason, that is one row.
    assert starts == [*([row.verdict, row.case] for row in rows if row not in stale), ["ERROR", "4"], ["ERROR", "4"]]
    for row in rows:
        name = "4" if row in stale else row.case
        assert any(line.split()[:2] == [row.verdict, name] and row.reason[:20] in line for line in lines)
    assert all(f"ERROR  {row.case}" in text_of(failing(), View(verbose=True)) for row in stale)


def test_errors_of_some_cases_or_of_several_reasons_have_a_row_each():
    report = failing()
    stale = [row for row in report.comparisons if row.reason.startswith("stale")][:2]
    other = stale[1].model_copy(update={"reason": "run: it did not end"})
    text = text_of(report.model_copy(update={"comparisons": (stale[0], other)}))
    assert f"ERROR  {stale[0].case}" in text and f"ERROR  {other.case}" in text and "2 cases" not in text


def test_a_passing_row_has_no_line_of_its_own_but_with_verbose():
    assert not any(case in text_of(passing()) for case in CASES[:3])
    text = text_of(passing(), View(verbose=True))
    assert all(text.count(f"PASS   {case}") == 4 for case in CASES[:3])
    assert "  ran tensorflow-lite 2.16.1, xnnpack, 1 threads, 71 of 71 nodes on the\n" in text
    assert "  delegate, asked for 4 threads\n" in text


def test_what_ran_instead_of_what_was_asked_for_stands_below_its_group():
    other = {"delegate": {"asked": "gpu", "ran": "cpu"}, "threads": {"asked": 4, "ran": 1}}
    some = {"delegate": {"asked": "gpu", "ran": "gpu", "nodes": {"delegated": 3, "of": 7}}}
    for fields, line in (
        (other, "  gpu was asked for, cpu ran; 4 threads were asked for, 1 ran"),
        (some, "  gpu took 3 of 7 nodes"),
    ):
        row = judged("m", "python", "lib_interpreter", "c", Verdict.PASS, "all equal", **fields)
        assert text_of(report(row)).splitlines()[1] == line
    assert "asked for" not in text_of(report(judged("m", "python", "lib_interpreter", "c", Verdict.PASS, "")))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_command_that_runs_failures_again_is_one_command_in_a_shell(width):
    words = ("check", "--case", "a'b c", "--device", "model=Pixel 6", "--out", "x" * 30, "--last-failed")
    text = text_of(failing(), View(again=words), width)
    command = text.partition("run what failed again:\n")[2].partition("\n\n")[0]
    # A shell joins such lines; shlex does not.
    assert shlex.split(command.replace("\\\n", "")) == ["./goldmask", *words]
    assert max(map(cell_len, command.splitlines())) <= width
    assert "again" not in text_of(failing())


def test_a_reason_for_skipping_stands_once():
    text = text_of(skipping(), width=LOG_WIDTH)
    assert text.count("cannot fetch deeplabv3.tflite") == text.count("a JDK is needed") == 1
    assert "16 cases of deeplabv3 on python, android-jvm (lib_interpreter, lib_task_api):" in text
    assert text.count("try: ") == 2


def test_warnings_come_after_failures_and_failures_once_more_at_the_end():
    rows = [
        judged("m", "python", "lib_interpreter", "a", Verdict.WARN, "a warning"),
        judged("n", "python", "lib_interpreter", "b", Verdict.FAIL, "a difference", 1),
    ]
    text = text_of(report(*rows))
    assert text.index("a difference") < text.index("a warning") < text.rindex("a difference")


def test_what_differs_on_the_reference_may_be_meant_and_what_differs_elsewhere_not():
    for target, accepted in (("python", True), ("android-jvm", False)):
        row = judged("m", target, "lib_interpreter", "c", Verdict.FAIL, "differs", 1)
        accept = "accept: ./goldmask golden.review --model m"
        assert (accept in text_of(report(row), width=120)) is accepted


def test_the_cure_of_what_was_named_and_cannot_run_stands_with_its_failure():
    whole = skipping()
    rows = [
        NotJudged.model_validate(row.model_dump() | {"verdict": Verdict.ERROR, "exit_code": ExitCode.ENVIRONMENT})
        for row in whole.comparisons
        if row.verdict is Verdict.SKIP
    ]
    text = text_of(report(*rows, skipped=whole.skipped), width=LOG_WIDTH)
    assert "SKIP" not in text and text.count("try: sudo apt-get install openjdk-17-jdk-headless") == 1


def test_very_many_causes_and_cases_are_counted():
    rows = [judged("m", "python", "lib_interpreter", f"c{n}", Verdict.FAIL, f"cause {n % 30}", 1) for n in range(450)]
    text = text_of(report(*rows), width=120)
    assert "and 250 more that failed: see report.json" in text and "and 10 more causes: see report.json" in text
    assert "and 5 more · m · python ·" in text and "and 5 more: see report.json" in text
    text = text_of(report(*rows), View(verbose=True))
    assert "more that failed" not in text and "c449 " in text


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_encoding_without_our_signs_gets_readable_ones(encoding):
    row = judged("m", "python", "lib_interpreter", "猫", Verdict.FAIL, "7 × 猫 …", 1)
    text = text_of(report(row), encoding=encoding)
    assert "\\u732b" in text and ("m | python | lib_interpreter" in text or "m · python" in text)


@pytest.mark.parametrize(
    ("differing", "last"),
    [
        (0, "the masks are the same (exit 0)"),
        (1, "the masks agree within the tolerances, 1 pixel differs (exit 0)"),
        (1200, "the masks agree within the tolerances, 1,200 pixels differ (exit 0)"),
    ],
)
def test_masks_are_called_the_same_only_where_no_pixel_differs(differing, last):
    other = EQUAL.copy()
    other.flat[:differing] = 1
    rows = tuple(
        Judged(model=model, verdict=Verdict.PASS, exit_code=ExitCode.OK, metrics=metrics, **PLACE)
        for model, metrics in (
            ("m", measure(EQUAL, EQUAL, None, ("a", "b"))),
            ("n", measure(EQUAL, other, None, ("a", "b"))),
        )
    )
    assert text_of(report(*rows), width=200).strip().splitlines()[-1].endswith(last)
