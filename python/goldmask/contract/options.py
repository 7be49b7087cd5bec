"""How a model is run: what request.json says of it besides the model and the images."""

from typing import Literal, get_args

from pydantic import Field

from .schema import Many, Strict

Pipeline = Literal["lib_interpreter", "lib_task_api"]
PIPELINES: tuple[Pipeline, ...] = get_args(Pipeline)
TapName = Literal["margin", "resized", "tensor"]
# How an app may scale an image to the model's size; docs/scaling.md defines each, verdict/kernels.py computes them.
Kernel = Literal[
    "fixed",
    "platform bilinear",
    "opencv linear",
    "opencv area",
    "opencv cubic",
    "pillow box",
    "pillow bilinear",
    "pillow bicubic",
    "pillow lanczos",
]
Delegate = Literal["cpu", "xnnpack", "gpu", "nnapi", "coreml", "metal"]


class RunOptions(Strict):
    """How to run it. Each image is run `warmup` + `runs` times, and on until `min_duration_s` has passed."""

    threads: int = Field(default=2, ge=1, le=64, description="threads of the runtime")
    delegate: Delegate = Field(
        default="xnnpack",
        description="cpu means the runtime's own kernels; gpu and nnapi are on devices, coreml and metal on Apple's",
    )
    resize: Literal["fixed", "platform"] = Field(
        default="fixed", description="fixed is the same on every platform, bit for bit (docs/images.md)"
    )
    warmup: int = Field(default=0, ge=0, le=1000, description="runs of each image before measuring")
    runs: int = Field(default=1, ge=1, le=10000, description="measured runs of each image")
    min_duration_s: float = Field(default=0, ge=0, le=3600, description="measure each image for so many seconds")


class Options(RunOptions):
    """What to run, how, and what to keep besides the mask."""

    pipeline: Pipeline
    taps: Many[TapName] = ()
