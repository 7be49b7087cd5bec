"""The report's forms, each a function of the same comparisons."""

import io
import json
import os
import xml.dom.minidom
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from junitparser import JUnitXml, TestCase
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from goldmask.contract.errors import ExitCode, UsageError
from goldmask.contract.mask import PALETTE
from goldmask.report.junit import to_junit
from goldmask.report.pictures import CAPTION_PX, CONFIDENT, GAP_PX, MOST_PX, TIE, side_by_side
from goldmask.report.report import Report, Skipped, exit_code, load_report, to_json
from goldmask.report.terminal import MAX_ROWS, rows_shown, to_terminal
from goldmask.report.write import open_folder, row_of, write_report
from goldmask.verdict.compare import Comparison, Judged, NotJudged, NotRun, Pair, Verdict
from goldmask.verdict.metrics import measure

ROWS = TypeAdapter(Comparison)
BLANK = np.zeros((60, 60), np.uint8)
METRICS = measure(BLANK, BLANK, None, ("background",))


def comparison(verdict: Verdict, code: ExitCode = ExitCode.OK, **rest) -> Comparison:
    fields = {"model": "m", "case": "c", "target": "python", "pipeline": "lib_interpreter", "reason": "because"}
    fields |= {"metrics": METRICS} if verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL) else {}
    return ROWS.validate_python({"verdict": verdict, "exit_code": code} | fields | rest)


PASSED = comparison(Verdict.PASS)
SKIPPED = comparison(Verdict.SKIP, reason="no wheel")
DIFFERS = comparison(Verdict.FAIL, ExitCode.MASKS_DIFFER)
STALE = comparison(Verdict.ERROR, ExitCode.GOLDEN)
CRASHED = comparison(Verdict.ERROR, ExitCode.RUN)
ABSENT = comparison(Verdict.ERROR, ExitCode.ENVIRONMENT)
SLOW = comparison(Verdict.FAIL, ExitCode.LATENCY)


@pytest.mark.parametrize(
    ("comparisons", "code"),
    [
        ([], ExitCode.ENVIRONMENT),
        ([SKIPPED], ExitCode.ENVIRONMENT),
        ([PASSED], ExitCode.OK),
        ([PASSED, SKIPPED], ExitCode.OK),
        ([PASSED, CRASHED], ExitCode.RUN),
        ([PASSED, SLOW], ExitCode.LATENCY),
        ([SLOW, ABSENT], ExitCode.ENVIRONMENT),
        ([ABSENT, CRASHED], ExitCode.RUN),
        ([CRASHED, STALE], ExitCode.GOLDEN),
        ([STALE, DIFFERS, CRASHED, PASSED], ExitCode.MASKS_DIFFER),
    ],
)
def test_one_exit_code_for_many_comparisons(comparisons, code):
    assert exit_code(comparisons) is code


def test_a_failure_without_an_exit_code_of_its_own_cannot_be():
    with pytest.raises(ValueError, match="a FAIL has an exit code of its own"):
        comparison(Verdict.FAIL, ExitCode.OK)


def report(*comparisons: Comparison) -> Report:
    skipped = (Skipped(target="python", pipeline="lib_task_api", model="m", reason="no wheel", fix="try Rosetta"),)
    return Report(schema=1, exit_code=exit_code(comparisons), environment={}, comparisons=comparisons, skipped=skipped)


def text_of(value: Report) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(to_terminal(value))
    return console.file.getvalue()


def test_a_warning_is_counted_and_fails_nothing():
    warned = comparison(Verdict.WARN)
    assert exit_code([warned]) is ExitCode.OK and "1 WARN" in text_of(report(warned))
    assert exit_code([warned, comparison(Verdict.FAIL, ExitCode.RUN)]) is ExitCode.RUN


def test_the_table_says_what_happened_and_what_to_do():
    text = text_of(report(PASSED, DIFFERS, SKIPPED))
    assert "1 PASS, 1 FAIL, 1 SKIP" in text and "masks differ (exit 10)" in text
    assert "SKIP   1 case of m on python (lib_interpreter):\n       no wheel" in text and "try: try Rosetta" in text


def test_only_what_ran_counts_as_run():
    assert "models run: none" in text_of(report(SKIPPED))


def test_the_rows_that_failed_are_shown_and_all_of_them_only_where_that_was_asked_for():
    rows = [PASSED.model_copy(update={"case": f"c{each}"}) for each in range(MAX_ROWS + 1)]
    whole = report(*rows, DIFFERS, SKIPPED, STALE)
    assert rows_shown(whole) == (DIFFERS, STALE) and " c7 " not in text_of(whole)
    assert rows_shown(whole, verbose=True) == whole.comparisons
    assert len(rows_shown(report(*[DIFFERS] * 1000))) == MAX_ROWS


def test_junit_statistics_are_counted_once_however_many_cases_there_are(monkeypatch):
    """Counted again after every case they took minutes for ten thousand."""
    read = []
    result = TestCase.result
    monkeypatch.setattr(TestCase, "result", property(lambda case: read.append(case) or result.fget(case), result.fset))
    reads_per_case = set()
    for number in (10, 1000):
        read.clear()
        differ = [DIFFERS.model_copy(update={"case": f"c{each}"}) for each in range(number)]
        document = JUnitXml.fromstring(to_junit(report(*differ, DIFFERS.model_copy(update={"target": "ios-host"}))))
        assert (document.tests, document.failures, len(document)) == (number + 1, number + 1, 2)
        reads_per_case.add(len(read) / (number + 1))
    assert len(reads_per_case) == 1 and max(reads_per_case) <= 3


def test_text_from_outside_is_not_markup():
    assert "[red]because[/red]" in text_of(report(comparison(Verdict.WARN, reason="[red]because[/red]")))
    assert b"&lt;x&gt;" in to_junit(report(comparison(Verdict.FAIL, ExitCode.MASKS_DIFFER, reason="<x>")))


def test_a_report_is_read_back_as_it_was_written(tmp_path):
    written = write_report([PASSED, SKIPPED, CRASHED], [], {"os": "linux"}, tmp_path)
    assert load_report(tmp_path) == written
    assert [type(row) for row in load_report(tmp_path).comparisons] == [Judged, NotRun, NotJudged]


@pytest.mark.parametrize("rows", [(), (PASSED,), (DIFFERS, SKIPPED, CRASHED)])
def test_rows_that_are_written_one_by_one_make_the_same_file(rows):
    whole = report(*rows).model_copy(update={"environment": {"os": '\n  "comparisons": []'}, "notes": ("über\n",)})
    assert b"".join(to_json(whole)) == whole.model_dump_json(by_alias=True, indent=2).encode() + b"\n"


def test_every_row_has_every_key(tmp_path):
    write_report([PASSED, SKIPPED, CRASHED], [], {}, tmp_path)
    passed, *others = json.loads((tmp_path / "report.json").read_text("utf-8"))["comparisons"]
    assert [list(row) for row in others] == [list(passed)] * 2
    for row in others:
        assert [row[key] for key in ("metrics", "latency", "truth", "picture")] == [None] * 4


@pytest.mark.parametrize(
    ("verdict", "fields"),
    [
        (Verdict.PASS, {"metrics": None}),
        (Verdict.PASS, {"exit_code": ExitCode.MASKS_DIFFER}),
        (Verdict.ERROR, {"metrics": METRICS}),
        (Verdict.ERROR, {"picture": "diffs/c.png"}),
        (Verdict.SKIP, {"metrics": METRICS}),
        (Verdict.SKIP, {"exit_code": ExitCode.RUN}),
    ],
    ids=[
        "pass unmeasured",
        "pass that differs",
        "error measured",
        "error pictured",
        "skip measured",
        "skip that failed",
    ],
)
def test_a_row_cannot_claim_what_its_verdict_excludes(verdict, fields):
    with pytest.raises(ValidationError):
        comparison(verdict, **fields)


@pytest.mark.parametrize(
    "figures",
    [
        {"agreement": -1},
        {"agreement": 2},
        {"differing": 1},
        {"pixels": 0},
        {"pixels": 10, "differing": 11, "agreement": -0.1},
        {"confident_flips": 0},
        {"tie_flips": 5},
        {"miou": 1.5},
        {"boundary_f": -0.5},
    ],
    ids=str,
)
def test_figures_that_contradict_each_other_are_no_report(tmp_path, figures):
    write_report([comparison(Verdict.PASS)], (), {}, tmp_path)
    assert load_report(tmp_path).exit_code == 0
    data = json.loads((tmp_path / "report.json").read_text("utf-8"))
    data["comparisons"][0]["metrics"] |= figures
    (tmp_path / "report.json").write_text(json.dumps(data), "utf-8")
    with pytest.raises(UsageError, match="is not a report: comparisons"):
        load_report(tmp_path)


def test_a_picture_lies_in_its_report(tmp_path):
    with pytest.raises(ValidationError, match="leads out"):
        comparison(Verdict.FAIL, picture="../../picture.png")


def test_a_failed_comparison_gets_its_picture(tmp_path):
    expected = np.zeros((60, 60), np.uint8)
    actual, confident = expected.copy(), np.zeros((60, 60), bool)
    actual[1, 1], actual[2, 2], confident[1, 1] = 5, 5, True
    passed, row = (row_of(Pair(each, expected, actual, confident), tmp_path) for each in (PASSED, DIFFERS))
    assert passed == PASSED and row == DIFFERS.model_copy(update={"picture": row.picture})
    with Image.open(tmp_path / row.picture) as picture:
        colours = {colour: count for count, colour in picture.convert("RGB").getcolors(1 << 16)}
    factor = 4 * 4  # 60 pixels are enlarged to 240
    assert colours[CONFIDENT] == factor and colours[TIE] == factor
    write_report([row], [], {}, tmp_path)
    open_folder(tmp_path)
    assert not (tmp_path / "diffs").exists() and not (tmp_path / "report.json").exists()


@pytest.mark.parametrize("shape", [(100_000, 1), (1, 100_000), (3000, 3000)])
def test_of_a_giant_mask_the_first_difference_is_shown(shape):
    expected = np.zeros(shape, np.uint8)
    confident = np.zeros(shape, bool)
    confident[-(-shape[0] // 2) - 1 :, -(-shape[1] // 2) - 1 :] = True
    data = side_by_side(expected, expected + confident, confident)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.width <= 3 * (MOST_PX + 2 * GAP_PX) and picture.height <= MOST_PX + 100
        assert CONFIDENT in {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}


@pytest.mark.parametrize("highest", [5, 200], ids=["palette", "more colours than a palette has"])
def test_pixels_have_the_colour_of_their_class(highest):
    mask = np.full((300, 300), highest, np.uint8)
    other = mask.copy()
    other[0, 0] = 1
    with Image.open(io.BytesIO(side_by_side(mask, other, None))) as picture:
        assert picture.mode == ("P" if highest == 5 else "RGB")
        pixels = np.asarray(picture.convert("RGB"))
    top, left = CAPTION_PX, GAP_PX + 300 + GAP_PX
    assert (pixels[top : top + 300, GAP_PX : GAP_PX + 300] == PALETTE[highest]).all()
    assert (pixels[top, left] == PALETTE[1]).all() and (pixels[top, left + 1 : left + 300] == PALETTE[highest]).all()


def test_a_picture_without_a_difference_has_two_panels():
    data = side_by_side(np.zeros((300, 300), np.uint8), np.ones((300, 300), np.uint8), None)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.width == 300 + 300 + 3 * GAP_PX


def tampered(folder: Path, change: Callable[[dict], object]) -> Path:
    """The folder of a report of a PASS and a FAIL, changed."""
    write_report([PASSED, DIFFERS, CRASHED], [], {"os": "linux"}, folder)
    path = folder / "report.json"
    data = json.loads(path.read_text("utf-8"))
    change(data)
    path.write_text(json.dumps(data), "utf-8")
    return folder


def set_row(index: int, **values: object) -> Callable[[dict], object]:
    return lambda data: data["comparisons"][index].update(values)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data.update(exit_code=0), "it says exit code 0, its comparisons say 10"),
        (lambda data: data.update(exit_code=4), "it says exit code 4, its comparisons say 10"),
        (lambda data: data.update(comparisons=[]), "it says exit code 10, its comparisons say 3"),
        (lambda data: data["comparisons"].pop(1), "it says exit code 10, its comparisons say 4"),
        (lambda data: data.update(exit_code=False), "exit_code: must be a whole number"),
        (lambda data: data.update(exit_code=10.0), "exit_code: must be a whole number"),
        (lambda data: data.update(exit_code="10"), "exit_code"),
        (lambda data: data.update(exit_code=7), "exit_code"),
        (lambda data: data.update(schema=True), "schema: must be a whole number"),
        (set_row(1, exit_code=0), "a FAIL has an exit code of its own"),
        (set_row(1, verdict="PASS"), "a PASS has metrics and exit code 0"),
        (set_row(1, verdict="PASS", exit_code=0), "it says exit code 10, its comparisons say 4"),
        (set_row(1, verdict="SKIP", exit_code=0), "metrics"),
        (set_row(2, exit_code=0), "an ERROR has an exit code of its own"),
        (set_row(0, verdict="OK"), "verdict"),
        (set_row(0, metrics=METRICS.model_dump() | {"pixels": True}), "pixels"),
        (set_row(0, metrics=METRICS.model_dump() | {"agreement": float("nan")}), "agreement"),
    ],
)
def test_a_report_that_contradicts_itself_is_no_report(tmp_path, change, why):
    assert load_report(tampered(tmp_path, lambda data: None)).exit_code is ExitCode.MASKS_DIFFER
    with pytest.raises(UsageError, match=why):
        load_report(tampered(tmp_path, change))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "it is a named pipe, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
        (Path.mkdir, "it is a folder, not a file"),
        (lambda path: path.write_bytes(b'{"exit_code": 0, "exit_code": 0}'), "the key 'exit_code' is there twice"),
        (lambda path: None, "No such file"),
    ],
)
def test_a_report_that_is_no_file_is_told_at_once(tmp_path, make, why):
    make(tmp_path / "report.json")
    with pytest.raises(UsageError, match=why):
        load_report(tmp_path)


@pytest.mark.parametrize("text", ["\x1b]0;x\x07", "\x9b31m", "\ufffe", "\uffff", "\u202e", "a\0b", "]]>", "\U0001ffff"])
def test_no_text_of_strangers_breaks_the_xml_or_is_obeyed(text):
    """Their names and reasons, wherever they come from."""
    rows = [
        comparison(Verdict.FAIL, ExitCode.MASKS_DIFFER, model=text, case=text, target=text, pipeline=text, reason=text),
        comparison(Verdict.ERROR, ExitCode.RUN, reason=text),
    ]
    written = to_junit(report(*rows)).decode("utf-8")
    assert xml.dom.minidom.parseString(written).getElementsByTagName("failure")
    assert written.replace("\n", "").isprintable()
    assert all(line.strip().isprintable() for line in text_of(report(*rows)).splitlines())
