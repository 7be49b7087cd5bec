"""Budgets in goldmask.toml: goldmask's own are those of the page, and what cannot be one is told."""

import pytest
from conftest import REPO

from goldmask.contract.errors import ConfigError
from goldmask.project.budget import matches
from goldmask.project.config import load_config

HEAD = 'schema = 1\n[suites.default]\nmodels = ["tiny"]\n'


def configured(folder, text: str):
    (folder / "goldmask.toml").write_text(HEAD + text, "utf-8")
    return load_config(folder)


def test_the_budgets_of_this_project_are_the_pages_table():
    """Those of TensorFlow Lite's page on image segmentation."""
    devices = ("Google Pixel 3", "Google Pixel 4", "iPhone11,2")
    table = {
        (device, delegate, threads): budget.limit
        for budget in load_config(REPO).budgets
        for device in devices
        for delegate, threads in (("gpu", 1), ("metal", 1), ("xnnpack", 4), ("xnnpack", 2))
        if budget.of_model("deeplabv3", "lib_interpreter")
        and budget.of_device(device, "", "arm64-v8a")
        and budget.of_run(delegate, threads)
    }
    assert table == {
        ("Google Pixel 3", "gpu", 1): 16,
        ("Google Pixel 3", "xnnpack", 4): 37,
        ("Google Pixel 4", "gpu", 1): 20,
        ("Google Pixel 4", "xnnpack", 4): 23,
        ("iPhone11,2", "metal", 1): 16,
        ("iPhone11,2", "xnnpack", 2): 25,
    }
    page = (REPO / "docs/latency.md").read_text("utf-8")
    assert all(f"| {limit:g} ms |" in page for limit in table.values())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("limit = 3\nsource = 'a page of somebody'", "figure: Field required"),
        ("figure = 'median'\nlimit = 3\nsource = 'a page of somebody'", "budgets.0.figure"),
        ("figure = 'first_ms'\nlimit = 0\nsource = 'a page of somebody'", "limit"),
        ("figure = 'first_ms'\nlimit = 3", "source: Field required"),
        ("figure = 'first_ms'\nlimit = 3\nsource = 'me'", "source"),
        ("figure = 'first_ms'\nlimit = 3\nsource = 'a page of somebody'\nmodels = 'x'", r"did you mean model\?"),
    ],
)
def test_what_is_no_budget_is_told(tmp_path, text, why):
    with pytest.raises(ConfigError, match=why):
        configured(tmp_path, f"[[budgets]]\n{text}\n")


def test_where_a_baseline_gates_is_a_choice(tmp_path):
    assert configured(tmp_path, "").latency.gate_on == ()
    assert configured(tmp_path, "[latency]\ngate_on = ['HOST']\nlimit = 0.05\n").latency.limit == 0.05
    with pytest.raises(ConfigError, match="gate_on"):
        configured(tmp_path, "[latency]\ngate_on = ['THERMAL']\n")


def test_patterns():
    assert matches("*Pixel 4", "Google Pixel 4") and not matches("*Pixel 4", "Google Pixel 4 XL")
    assert matches(("a", "B*"), "bcd") and not matches(("a", "b"), "c") and matches("*", "")
