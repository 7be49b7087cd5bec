"""TOML in strict types: what is a number, and that all that is wrong is told at once."""

import os
import re
from pathlib import Path

import pytest

from goldmask.contract.errors import ConfigError
from goldmask.project.config import Config, load_config
from goldmask.project.model import ModelSpec
from goldmask.project.toml import load_toml, read_toml

SUITE = '[suites.default]\nmodels = ["tiny"]\n'
ZEROS = "0" * 64
MODEL = f"""schema = 1
summary = "x"
[model]
file = "m.tflite"
sha256 = "{ZEROS}"
[[cases]]
id = "a"
file = "a.png"
sha256 = "{ZEROS}"
"""


def config(tmp_path: Path, text: str | bytes) -> Config:
    (tmp_path / "goldmask.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(tmp_path)


WRONG_VALUES = [
    *((f"[options]\nthreads = {value}", "options.threads") for value in ('"2"', "true", "2.0", "inf", "9" * 400)),
    *((f"[options]\nmin_duration_s = {value}", "min_duration_s") for value in ('"0"', "true", "nan", "inf", "1e400")),
    *(
        (f"[tolerances]\nagreement_min = {value}", "agreement_min")
        for value in ('"0.9"', "true", "nan", "1" + "0" * 400)
    ),
    *((f"[tolerances]\nconfident_flips_max = {value}", "flips_max") for value in ("false", "0.0", "1" + "0" * 30)),
    *((f"[tolerances]\nsame_labels = {value}", "same_labels") for value in ("1", '"true"', "1.0")),
    ("[tolerances]\ntie_margin_score = inf", "tie_margin_score"),
    ("[warnings]\narea_change_max = nan", "warnings.area_change_max"),
    ("[android.emulator]\napi = 34.0", "android.emulator.api"),
    ('[android.emulator]\nstart = "yes"', "android.emulator.start"),
    ("[ios]\nboot_deadline_s = true", "ios.boot_deadline_s"),
    ("[options]\nthreads = 2020-01-01", "options.threads"),
    ("[ios]\ndevice_type = 2020-01-01", "ios.device_type"),
    ("[ios]\ndestinations = 2020-01-01T00:00:00", "ios.destinations"),
    *(
        (f"[[overrides]]\nreason = 'long enough a reason'\ntolerances = {{ {line} }}", "overrides.0.tolerances")
        for line in ("agreement_min = nan", "window_px = 1.0", "confident_flips_max = true", "tie_margin_step = '2'")
    ),
]


@pytest.mark.parametrize(("lines", "key"), WRONG_VALUES)
def test_a_value_of_another_type_is_named(tmp_path, lines, key):
    assert config(tmp_path, f"schema = 1\n{SUITE}").suites
    with pytest.raises(ConfigError, match=re.escape(key)) as caught:
        config(tmp_path, f"schema = 1\n{lines}\n{SUITE}")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("schema", ["true", "1.0", '"1"', "2", "inf"])
def test_the_version_is_a_whole_number(tmp_path, schema):
    with pytest.raises(ConfigError, match="schema: "):
        config(tmp_path, f"schema = {schema}\n{SUITE}")


@pytest.mark.parametrize("lists", ["pipelines = []", "targets = []", 'targets = ["python", "python"]'])
def test_a_suite_runs_something_and_nothing_twice(tmp_path, lists):
    with pytest.raises(ConfigError, match=r"suites\.default\.\w+: "):
        config(tmp_path, f"schema = 1\n{SUITE}{lists}\n")


def test_a_model_is_not_in_a_suite_twice(tmp_path):
    with pytest.raises(ConfigError, match="suites.default.models: 'tiny' is there twice"):
        config(tmp_path, 'schema = 1\n[suites.default]\nmodels = ["tiny", "other", "tiny"]\n')


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + f"schema = 1\n{SUITE}".encode(),
        f"schema = 1\n{SUITE}".replace("\n", "\r\n"),
        f"schema = 1\n[tolerances]\nagreement_min = 1\narea_change_max = 0\n{SUITE}",
    ],
    ids=["BOM", "CRLF", "whole numbers for fractions"],
)
def test_what_means_the_same_is_fine(tmp_path, text):
    assert config(tmp_path, text).schema_ == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("schema = 1\nschema = 1\n", "is not valid TOML: Cannot overwrite a value"),
        ("schema = 1\n\nthreads 2\n", r"is not valid TOML: .*line 3, column 9"),
        ("x = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("x = " + "{a=" * 5000 + "1" + "}" * 5000, "nested too deeply"),
        (".".join("a" * 5000) + " = 1", "nested too deeply"),
        ("x = " + "[" * 500 + "]" * 500, "nested too deeply"),
        ("schema = " + "9" * 5000, "is not valid TOML: .*4300"),
        (b"schema = 1 # \xff", "is not valid TOML: .*utf-8"),
        ("schema = 1".encode("utf-16"), "is not valid TOML"),
        ("schema = 1\n\0", "is not valid TOML"),
        (f'schema = 1\n{SUITE}"\\u001b[31mx" = 1', r"\\x1b\[31mx: unknown key"),
    ],
)
def test_what_is_no_toml_is_one_sentence(tmp_path, text, why):
    with pytest.raises(ConfigError, match=why) as caught:
        config(tmp_path, text)
    assert caught.value.what.isprintable() and not caught.value.details


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "it is a named pipe, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
        (Path.mkdir, "it is a folder, not a file"),
        (lambda path: None, "does not exist"),
    ],
)
def test_settings_are_a_file(tmp_path, make, why):
    make(tmp_path / "model.toml")
    with pytest.raises(ConfigError, match=why):
        read_toml(tmp_path / "model.toml")


def test_all_mistakes_are_told_at_once_with_their_values(tmp_path):
    text = (
        'schema = 1\n[options]\nthreads = "2"\nruns = 0\n[tolerances]\nagrement_min = 1\nwindow_px = true\n'
        "[android.emulator]\nstart = 1\n[suites.default]\nmodels = ['A']\n"
    )
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, text)
    assert caught.value.what == f"{tmp_path / 'goldmask.toml'} has 6 mistakes"
    assert caught.value.details == (
        "tolerances.agrement_min: unknown key (did you mean agreement_min?) (line 6)",
        'options.threads: Input should be a valid integer, not "2" (line 3)',
        "options.runs: Input should be greater than or equal to 1, not 0 (line 4)",
        "tolerances.window_px: Input should be a valid integer, not true (line 7)",
        "suites.default.models.0: String should match pattern '^[a-z0-9][a-z0-9._-]{0,63}$', not \"A\" (line 11)",
        "android.emulator.start: Input should be a valid boolean, not 1 (line 9)",
    )
    assert str(caught.value).splitlines()[-1] == f"  try: edit {tmp_path / 'goldmask.toml'}"


def test_a_hundred_mistakes_are_not_all_shown(tmp_path):
    lines = "".join(f"x{index} = 1\n" for index in range(100))
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, f"schema = 1\n{lines}{SUITE}")
    assert len(caught.value.details) == 21 and caught.value.details[-1] == "… and 80 more"


def test_a_misspelt_key_is_not_missing_as_well(tmp_path):
    (tmp_path / "model.toml").write_text(MODEL.replace("summary", "sumary"), "utf-8")
    with pytest.raises(ConfigError, match=r"model\.toml: sumary: unknown key \(did you mean summary\?\)"):
        load_toml(tmp_path / "model.toml", ModelSpec)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        *(
            ("[model]", f"[input]\nmean = [{mean}]\nstd = [{std}]\n[model]", "input")
            for mean, std in (
                ('"0"', "255"),
                ("true", "255"),
                ("inf", "1"),
                ("nan", "1"),
                ("1e39", "1"),
                ("0", "0"),
                ("0", "-0.0"),
                ("0", "inf"),
                ("0", "1e-50"),
                ("0, 0, 0", "1, 0.0, 1"),
                ("0, 0", "1, 1"),
                ("0", ""),
            )
        ),
        *(
            ("[model]", f"[input]\nheight = {value}\n[model]", "input.height")
            for value in ('"8"', "true", "8.0", "inf", "0", "1" + "0" * 30)
        ),
        *(
            ("[model]", f"[input]\nrange = {limits}\n[model]", "input")
            for limits in ("[0, inf]", "[nan, 1]", "[true, 2]", "[0, 1e-320]", "[0]", "[1, 0]")
        ),
        ("schema = 1", "schema = 1.0", "schema"),
        ('summary = "x"', "summary = 2020-01-01", "summary"),
        ("[[cases]]", "size = true\n[[cases]]", "model.size"),
        ("[[cases]]", 'size = "556"\n[[cases]]', "model.size"),
        ("[[cases]]", "size = 99999999999999\n[[cases]]", "model.size"),
        ('id = "a"', 'id = "a"\norientation = true', "cases.0.orientation"),
        ('id = "a"', 'id = "a"\norientation = 6.0', "cases.0.orientation"),
        ('id = "a"', 'id = "a"\norientation = "6"', "cases.0.orientation"),
        ("[model]", "[provenance]\nsteps = nan\n[model]", "provenance.steps"),
        ("schema = 1", "schema = 1\nlabels = [1, 2]", "labels.0"),
    ],
)
def test_a_model_toml_is_as_strict(tmp_path, old, new, key):
    path = tmp_path / "model.toml"
    path.write_text(MODEL, "utf-8")
    assert load_toml(path, ModelSpec).cases[0].id == "a"
    path.write_text(MODEL.replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigError, match=re.escape(key)):
        load_toml(path, ModelSpec)
