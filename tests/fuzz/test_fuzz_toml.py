"""goldmask.toml and model.toml, as somebody may have edited them."""

import pytest
from fuzzing import bounded, fuzz
from mutations import MANY_KEYS, changed, odd_toml

from goldmask.contract.errors import ConfigError
from goldmask.project.config import Compared, load_config, tolerances_for
from goldmask.project.model import ModelSpec, load_spec, model_names
from goldmask.project.model_toml import declare_normalisation, pin
from goldmask.project.toml import load_toml, read_toml

CONFIG = b"""\
schema = 1
[options]
threads = 2
delegate = "xnnpack"
[options.android-device]
threads = 4
[tolerances]
agreement_min = 0.999
confident_flips_max = 0
tie_margin_score = 1e-3
class_change = "fail"
[warnings]
miou_min = 0.99
[suites.default]
models = ["tiny", "tiny-fast"]
pipelines = ["lib_interpreter"]
targets = ["python"]
[suites.phones.options]
runs = 3
[suites.phones]
models = ["tiny"]
[[overrides]]
reason = "rounds otherwise on this phone"
case = "flag"
device = "Pixel*"
tolerances = { agreement_min = 0.9, boundary_px = 3 }
[android]
folder = "../app"
lib_interpreter = { module = "app", test = "org.example.GoldenTest" }
[android.emulator]
api = 34
boot_deadline_s = 120.5
[device]
suppress = ["EMULATOR"]
[ios]
scheme = "App"
destinations = ["iPhone 15"]
"""
SHA256 = "0123456789abcdef" * 4
SPEC = f"""\
schema = 1
summary = "three colours"
pipelines = ["lib_interpreter"]
labels = ["red", "green", "blue"]
[input]
height = 8
mean = [127.5]
std = [127.5, 1.0, 2]
[model]
file = "tiny.tflite"
sha256 = "{SHA256}"
[variants.fast.model]
urls = ["https://example.org/fast.tflite"]
name = "fast.tflite"
sha256 = "{SHA256}"
size = 1000
[provenance]
epochs = 3
[[cases]]
id = "flag"
file = "flag.png"
sha256 = "{SHA256}"
orientation = 6
[[cases]]
id = "wide"
package = "scikit-image==0.26.0"
path = "skimage/data/coffee.png"
sha256 = "{SHA256}"
""".encode()


@fuzz(odd_toml((CONFIG,)))
def test_config(data, folder):
    (folder / "goldmask.toml").write_bytes(data)
    config = load_config(folder)
    tolerances, _ = tolerances_for(config, Compared("tiny", "flag", "lib_interpreter", "python", device="pixel 4"))
    assert 0 <= tolerances.agreement_min <= 1


def read_model(data, folder):
    (folder / "models/tiny").mkdir(parents=True, exist_ok=True)
    (folder / "models/tiny/model.toml").write_bytes(data)
    for name in ("tiny", "tiny-fast"):
        if name in model_names(folder) or name == "tiny":
            assert load_spec(folder, name).cases


@fuzz(odd_toml((SPEC,)))
def test_model(data, folder):
    read_model(data, folder)


@fuzz(changed((SPEC, CONFIG), at_least=1), examples=100)
def test_damaged_model(data, folder):
    read_model(data, folder)


@fuzz(odd_toml((SPEC,)))
def test_edits(data, folder):
    """What writes into a model.toml leaves one that says what was there, and the new values."""
    path = folder / "model.toml"
    path.write_bytes(data)
    for name in ("tiny.tflite", "flag.png"):
        (folder / name).write_bytes(b"")
    load_toml(path, ModelSpec)
    was = read_toml(path)
    declare_normalisation(path, None, ((1.0,), (2.0,)))
    now = read_toml(path)
    assert {**now, "input": None} == {**was, "input": None}
    pin(path)
    assert {**read_toml(path), "model": None, "cases": None, "variants": None} == {
        **now,
        "model": None,
        "cases": None,
        "variants": None,
    }


def test_the_seeds_are_right(tmp_path):
    (tmp_path / "goldmask.toml").write_bytes(CONFIG)
    assert len(load_config(tmp_path).suites) == 2
    read_model(SPEC, tmp_path)
    with pytest.raises(AssertionError):
        assert "slow" in model_names(tmp_path)


def test_thousands_of_unknown_keys_are_told_as_fast_as_one(tmp_path):
    """Each had the whole schema made anew to find what was meant."""
    (tmp_path / "goldmask.toml").write_text(MANY_KEYS + "\n" + CONFIG.decode(), "utf-8")
    with pytest.raises(ConfigError, match="has 3000 mistakes") as caught, bounded():
        load_config(tmp_path)
    assert len(caught.value.details) == 21
