"""The last line of a check, which is what most people read."""

import io

import numpy as np
import pytest
from rich.console import Console

from goldmask.contract.errors import ExitCode
from goldmask.report.report import Report
from goldmask.report.terminal import to_terminal
from goldmask.verdict.compare import Judged, Verdict
from goldmask.verdict.metrics import measure

PLACE = {"case": "c", "target": "python", "pipeline": "lib_interpreter", "reason": ""}
EQUAL = np.zeros((60, 60), np.uint8)


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
    report = Report(schema=1, exit_code=ExitCode.OK, environment={}, comparisons=rows, skipped=())
    console = Console(width=200, file=io.StringIO())
    console.print(to_terminal(report))
    assert console.file.getvalue().strip().splitlines()[-1].endswith(last)
