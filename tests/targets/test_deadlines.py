"""How long a target may take: bounded, and long enough for every mode of measuring."""

import pytest
from conftest import REPO

from goldmask.contract.bundle import load_request
from goldmask.contract.latency import MODES
from goldmask.targets.target import deadline_s


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_has_the_time_that_it_takes_and_not_a_minute_for_each_run(mode):
    request = load_request(REPO / "tests/samples/request.json")
    options = request.options.model_copy(update=MODES[mode]._asdict())
    asked = request.model_copy(update={"options": options})
    allowed_s = deadline_s(asked, 120, 60)
    runs = options.warmup + options.runs
    least_s = len(request.cases) * options.min_duration_s
    assert least_s + len(request.cases) * runs <= allowed_s <= 120 + len(request.cases) * (60 + 5 * runs) + least_s
    assert deadline_s(asked, 120, 60, times=20) - least_s == pytest.approx(20 * (allowed_s - least_s))


def test_one_run_has_the_time_of_a_case():
    request = load_request(REPO / "tests/samples/request.json")
    options = request.options.model_copy(update={"warmup": 0, "runs": 1, "min_duration_s": 0})
    assert deadline_s(request.model_copy(update={"options": options}), 120, 60) == 120 + 60 * len(request.cases)
