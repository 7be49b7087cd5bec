"""[android.NAME]: golden tests of apps whose runtime is none of goldmask's, and what they are held against."""

import re
from pathlib import Path

import pytest

from goldmask.contract.errors import ConfigError, PipelineMissing, UsageError
from goldmask.project.app_pipelines import android_of, held_against, no_such_pipeline, pipeline_names
from goldmask.project.config import Config, load_config
from goldmask.workflows.selection import check_overrides, select

TOML = """
schema = 1
[suites.default]
models = ["tiny"]
targets = ["android-jvm"]
[android]
folder = "android"
[android.mediapipe]
module = "camera"
test = "com.example.CameraGoldenTest"
golden = "lib_interpreter"
"""


def configured(folder: Path, text: str = TOML) -> Config:
    (folder / "goldmask.toml").write_text(text, "utf-8")
    return load_config(folder)


def test_a_table_is_a_pipeline_of_its_own(tmp_path):
    config = configured(tmp_path)
    assert pipeline_names(config) == ("lib_interpreter", "lib_task_api", "mediapipe")
    assert [held_against(config, name) for name in pipeline_names(config)][::2] == ["lib_interpreter"] * 2
    assert android_of(config, "mediapipe").lib_interpreter.test == "com.example.CameraGoldenTest"
    assert android_of(config, "lib_interpreter").lib_interpreter is None


def test_a_suite_has_it_unless_it_lists_others(tmp_path):
    assert select(configured(tmp_path), "default").pipelines == ("lib_interpreter", "lib_task_api", "mediapipe")
    some = TOML.replace("targets", 'pipelines = ["lib_task_api"]\ntargets')
    assert select(configured(tmp_path, some), "default").pipelines == ("lib_task_api",)
    assert select(configured(tmp_path, some), "default", pipelines=["mediapipe"]).pipelines == ("mediapipe",)
    with pytest.raises(UsageError, match=r"--pipeline 'mediapip' is not known \(did you mean mediapipe\?\)"):
        select(configured(tmp_path), "default", pipelines=["mediapip"])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('golden = "lib_interpreter"\n', "", "android: mediapipe: golden is missing: lib_interpreter or lib_task_api"),
        ('golden = "lib_interpreter"', 'golden = "lib_interpeter"', "android.mediapipe.golden"),
        ('golden = "lib_interpreter"', 'goldens = "lib_interpreter"', r"unknown key \(did you mean golden\?\)"),
        ('module = "camera"\n', "", "android.mediapipe.module: Field required"),
        ("[android.mediapipe]", '[android."Media Pipe"]', "android.Media Pipe: String should match pattern"),
        ('folder = "android"', 'foldr = "android"', r"android.foldr: unknown key \(did you mean folder\?\)"),
        (
            "targets",
            'pipelines = ["mediapip"]\ntargets',
            r"suites.default.pipelines.0: there is no pipeline 'mediapip' ",
        ),
    ],
)
def test_a_mistake_is_told_where_and_what(tmp_path, old, new, sentence):
    assert old in TOML
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, TOML.replace(old, new))
    told = str(caught.value) + "\n".join(caught.value.details)
    assert re.search(sentence, told), told


def test_a_misspelt_table_names_the_one_that_was_meant(tmp_path):
    text = TOML.replace("[android.mediapipe]", "[android.lib_interpeter]").replace('golden = "lib_interpreter"', "")
    with pytest.raises(ConfigError, match=r"golden is missing.*did you mean lib_interpreter\?"):
        configured(tmp_path, text)


def test_only_androids_targets_have_it():
    assert no_such_pipeline("android-jvm", "mediapipe") is None and no_such_pipeline("python", "lib_task_api") is None
    found = no_such_pipeline("python", "mediapipe")
    assert isinstance(found, PipelineMissing) and "python has no mediapipe" in found.what


def test_an_override_may_name_it(tmp_path):
    (tmp_path / "models/tiny").mkdir(parents=True)
    (tmp_path / "models/tiny/model.toml").write_text("it may be what is meant", "utf-8")
    override = '[[overrides]]\nreason = "MediaPipe scales by itself"\npipeline = "mediapipe"\n{}tolerances = {{}}\n'
    check_overrides(tmp_path, configured(tmp_path, TOML + override.format("")))
    check_overrides(tmp_path, configured(tmp_path, TOML + override.format('target = "android-jvm"\n')))
    with pytest.raises(ConfigError, match="target python has no pipeline 'mediapipe'"):
        check_overrides(tmp_path, configured(tmp_path, TOML + override.format('target = "python"\n')))
    with pytest.raises(ConfigError, match="there is no pipeline 'mediapip'"):
        configured(tmp_path, TOML + override.format("").replace("mediapipe", "mediapip"))
