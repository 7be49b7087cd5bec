"""Overrides that can match nothing which is declared are mistakes, and are told as such."""

from pathlib import Path

import pytest
from conftest import REPO

from goldmask.contract.errors import ConfigError
from goldmask.project.config import load_config
from goldmask.workflows.selection import check_overrides

ZEROS = "0" * 64
CONFIG = """schema = 1
[suites.default]
models = ["tiny"]
[[overrides]]
reason = "long enough a reason"
{lines}
tolerances = {{ confident_flips_max = 3 }}
"""
MODEL = f"""schema = 1
summary = "x"
pipelines = ["lib_interpreter"]
[model]
file = "m.tflite"
sha256 = "{ZEROS}"
[variants.int8.model]
file = "m.tflite"
sha256 = "{ZEROS}"
[[cases]]
id = "flag"
file = "a.png"
sha256 = "{ZEROS}"
"""


@pytest.fixture
def root(tmp_path) -> Path:
    """A project with the models `tiny`, which has a variant, and `other`, which has another case and pipeline."""
    for name, text in (
        ("tiny", MODEL),
        ("other", MODEL.replace("flag", "wide").replace("lib_interpreter", "lib_task_api").replace("int8", "half")),
    ):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "model.toml").write_text(text, "utf-8")
    return tmp_path


def check(root: Path, lines: str) -> None:
    (root / "goldmask.toml").write_text(CONFIG.format(lines=lines), "utf-8")
    check_overrides(root, load_config(root))


@pytest.mark.parametrize(
    "lines",
    [
        "",
        'model = "tiny"',
        'model = "tiny-int8"\ncase = "flag"',
        'case = "wide"',
        'pipeline = "lib_task_api"',
        'model = "other"\npipeline = "lib_task_api"\ncase = "wide"\ntarget = "python"',
        'target = "android-device"\ndelegate = "gpu"',
        'device = "Pixel *"',
    ],
)
def test_what_may_match_is_fine(root, lines):
    check(root, lines)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ('model = "tinny"', r"there is no model 'tinny' \(did you mean tiny\?\)"),
        ('model = "tiny"\ncase = "flagg"', r"'flagg' is no case of model tiny \(did you mean flag\?\)"),
        ('model = "tiny"\ncase = "wide"', "'wide' is no case of model tiny"),
        ('case = "nosuch"', "'nosuch' is no case of any model"),
        ('target = "pyhton"', r"there is no target 'pyhton' \(did you mean python\?\)"),
        ('target = "python"\ndelegate = "gpu"', "target python has no delegate 'gpu'"),
        ('model = "tiny"\npipeline = "lib_task_api"', "lib_task_api is no pipeline of model tiny"),
    ],
)
def test_what_cannot_match_is_told(root, lines, why):
    with pytest.raises(ConfigError, match=f"overrides 1 matches nothing: {why}"):
        check(root, lines)


def test_the_projects_own_overrides_match():
    check_overrides(REPO, load_config(REPO))


def test_a_broken_model_may_have_the_case(root):
    (root / "models/other/model.toml").write_text("x =", "utf-8")
    check(root, 'case = "nosuch"')
    check(root, 'model = "other"\ncase = "nosuch"')
    with pytest.raises(ConfigError, match="matches nothing"):
        check(root, 'model = "tiny"\ncase = "nosuch"')
