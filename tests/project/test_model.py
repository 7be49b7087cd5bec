"""Which models a project declares: their names, their variants, and one that is broken beside others that are not."""

from pathlib import Path

import pytest

from goldmask.contract.errors import ConfigError
from goldmask.project.model import load_spec, misnamed, model_folder, model_names

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
VARIANT = '[variants.{name}.model]\nfile = "v.tflite"\nsha256 = "' + ZEROS + '"\n'


@pytest.fixture
def root(tmp_path) -> Path:
    """A project that declares `tiny`."""
    return declare(tmp_path, "tiny")


def declare(root: Path, name: str, text: str | bytes = MODEL) -> Path:
    folder = root / "models" / name
    folder.mkdir(parents=True)
    (folder / "model.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


@pytest.mark.parametrize(
    "text",
    ["x =", "schema = 1\nx = 1\n", "x = " + "[" * 5000, b"\xff\xfe\0", "variants = 1\n", "n = " + "9" * 5000],
)
def test_a_broken_model_stops_nobody_else(root, text):
    declare(root, "broken", text)
    assert model_names(root) == ["broken", "tiny"] and load_spec(root, "tiny").summary == "x"
    with pytest.raises(ConfigError, match="models/broken/model.toml"):
        load_spec(root, "broken")


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("Tiny", "tiny"),
        ("my model", "my-model"),
        (".hidden", "hidden"),
        ("_", "model"),
        ("a" * 65, "a" * 64),
        ("x\x1b[31my", "x-31my"),
        ("tíny", "t-ny"),
    ],
)
def test_a_folder_that_cannot_be_a_model_is_a_sentence(root, name, better):
    declare(root, name)
    assert model_names(root) == ["tiny"]
    (error,) = misnamed(root)
    assert error.what.isprintable() and error.fix == f"rename it, to {better} for example"
    with pytest.raises(ConfigError, match="names are of a-z") as caught:
        load_spec(root, name)
    assert caught.value.what == error.what


def test_a_variant_whose_name_is_too_long_is_a_sentence(root):
    declare(root, "m" * 40, MODEL + VARIANT.format(name="v" * 30))
    assert model_names(root) == ["m" * 40, "tiny"]
    with pytest.raises(ConfigError, match="variant 'v+' of 'm+' makes the model name 'm+-v+'"):
        load_spec(root, "m" * 40 + "-" + "v" * 30)


def test_a_variant_does_not_hide_a_model(root):
    declare(root, "small", MODEL + VARIANT.format(name="fast"))
    assert load_spec(root, "small-fast").model.file == "v.tflite"
    declare(root, "small-fast")
    assert model_names(root) == ["small", "small-fast", "tiny"]
    for look in (load_spec, model_folder):
        with pytest.raises(ConfigError, match="'small-fast' is the name of two models, variant 'fast' of 'small' and"):
            look(root, "small-fast")
    assert load_spec(root, "small").summary == load_spec(root, "tiny").summary == "x"


def test_two_variants_do_not_hide_each_other(root):
    declare(root, "a", MODEL + VARIANT.format(name="b-c"))
    declare(root, "a-b", MODEL + VARIANT.format(name="c"))
    with pytest.raises(ConfigError, match="'a-b-c' is the name of two models"):
        load_spec(root, "a-b-c")


def test_an_unknown_model_is_told_the_known_ones(root):
    with pytest.raises(ConfigError, match=r"there is no model 'nobody' in .*models; there are: tiny"):
        load_spec(root, "nobody")
