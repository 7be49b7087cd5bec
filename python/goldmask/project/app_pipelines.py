"""Pipelines of apps whose runtime is none of goldmask's (MediaPipe, ONNX …): [android.NAME] of goldmask.toml.

Such a pipeline has rows of its own. What runs is the golden test that its table names; its masks are held against the
goldens of one of goldmask's pipelines, by whose name requests and bundles call it.
"""

from ..contract.errors import PipelineMissing
from ..contract.options import PIPELINES, Pipeline
from .config import Android, Config

ANDROID_TARGETS = ("android-device", "android-jvm")


def pipeline_names(config: Config) -> tuple[str, ...]:
    """Every pipeline of a project: goldmask's own, and those of its app."""
    return (*PIPELINES, *config.android.app_tests)


def held_against(config: Config, name: str) -> Pipeline:
    """The pipeline against whose goldens the one of this name is held; goldmask's own are held against theirs."""
    found = next((each for each in PIPELINES if each == name), None) or config.android.app_tests[name].golden
    assert found  # a table without it is refused where goldmask.toml is read
    return found


def android_of(config: Config, name: str) -> Android:
    """The Android project with the golden test of the pipeline `name` in the place of the one it is held against."""
    if name in PIPELINES:
        return config.android
    test = config.android.app_tests[name]
    return config.android.model_copy(update={held_against(config, name): test})


def no_such_pipeline(target: str, name: str) -> PipelineMissing | None:
    """That a target cannot run an app's pipeline, which Android's targets can."""
    if name in PIPELINES or target in ANDROID_TARGETS:
        return None
    return PipelineMissing(
        f"{target} has no {name}: it is the Android app's ([android.{name}] of goldmask.toml)",
        fix=f"--target {'|'.join(ANDROID_TARGETS)}",
    )
