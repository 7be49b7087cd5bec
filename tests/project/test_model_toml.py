"""Edits of a model.toml, however it is written, and nothing that no model.toml may say."""

import pytest

from goldmask.contract.errors import ConfigError
from goldmask.contract.files import sha256_of
from goldmask.project.model import ModelSpec
from goldmask.project.model_toml import declare_normalisation, pin
from goldmask.project.toml import load_toml

OLD = "0" * 64
TOML = f"""\
schema = 1
summary = "x" # as it was written
[model]
file = "tiny.tflite"
sha256 = "{OLD}"
[[cases]]
id = "flag"
file = "flag.png"
"""


def write(folder, text: str):
    for name in ("tiny.tflite", "flag.png"):
        (folder / name).write_bytes(name.encode())
    (folder / "model.toml").write_text(text, "utf-8")
    return folder / "model.toml"


@pytest.mark.parametrize(
    "declared",
    [
        "",
        "input = { height = 8 }\n",
        "input.height = 8\n",
        "input = { height = 8, mean = [1.0], std = [2.0], assumed = true }\n",
        'input.mean = [1.0]\ninput.std = [2.0]\n"input".assumed = true\n',
    ],
    ids=["none", "inline", "dotted", "assumed inline", "assumed dotted"],
)
def test_a_normalisation_is_declared_however_input_is_written(tmp_path, declared):
    path = write(tmp_path, TOML.replace("[model]", f"{declared}[model]"))
    declare_normalisation(path, None, ((127.5,), (128.0,)))
    spec = load_toml(path, ModelSpec)
    assert (spec.input.mean, spec.input.std, spec.input.assumed) == ((127.5,), (128.0,), False)
    assert "# as it was written" in path.read_text("utf-8") and (spec.input.height == 8) is ("height" in declared)


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ("schema = 1", "schema = 1\nvariants = 3", "variants"),
        ("[[cases]]", "[cases]", "cases"),
        ('id = "flag"', 'id = "flag"\ntruth = 3', "truth"),
        ('file = "flag.png"', f'sha256 = "{OLD}"\nfile = 3', "3 is declared but does not exist"),
        ('file = "flag.png"', 'file = "../flag.png"', "leads out of its folder"),
        ("schema = 1", "schema = 2", "schema"),
    ],
)
def test_nothing_is_pinned_in_what_is_no_model(tmp_path, was, now, why):
    text = TOML.replace(was, now)
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=why):
        pin(path)
    assert path.read_text("utf-8") == text


def test_a_model_is_pinned(tmp_path):
    path = write(tmp_path, TOML.replace(f'"{OLD}"', '"to be pinned"'))
    (done,) = pin(path)
    assert done.actual == sha256_of(tmp_path / "tiny.tflite") == load_toml(path, ModelSpec).model.sha256
