"""Which pipelines a model's file can be run through, and why not the others."""

from ..contract.mask import MAX_CLASSES
from ..contract.options import Pipeline
from .model import Model


def refusals(model: Model) -> dict[Pipeline, str]:
    """The pipelines that cannot run a model, each with the reason as one sentence; empty where all can."""
    reasons, reading = [], model.reading
    image = reading.image
    if model.input.dtype not in ("float32", "uint8"):
        reasons.append(f"takes float32 and uint8 images, not {model.input.dtype}")
    if (image.layout, image.channels, image.fourth) != ("nhwc", "rgb", None):
        reasons.append(f"takes images [1, height, width, 3] of red, green and blue, not {model.input}")
    if -1 in model.input.shape[1:]:
        reasons.append("takes images of one size, which the file must have")
    if model.input.dtype == "float32" and model.description.mean is None:
        reasons.append("needs NormalizationOptions in the file's metadata (./goldmask models.metadata writes them)")
    if model.steps == "normalised":
        reasons.append("gives a uint8 image its pixels as they are, whatever model.toml declares")
    # Its C++ reads [1, height, width, classes] and nothing else.
    is_map = reading.output_kind == "classes"
    scores = not is_map and reading.output_layout == "nhwc" and len(model.output.shape) == 4
    if not scores or model.output.dtype not in ("float32", "uint8"):
        reasons.append(f"takes scores [1, height, width, classes] of float32 or uint8, not {model.output}")
    if len(model.description.outputs) != 1:
        reasons.append(f"takes models of one output, not {len(model.description.outputs)}")
    if reading.constants:
        reasons.append(f"takes models of one input, not {1 + len(reading.constants)}")
    if reading.signature:
        reasons.append("runs the first subgraph, and no other signature")
    if (reading.classes or 0) > MAX_CLASSES:
        reasons.append(f"has masks of {MAX_CLASSES} classes, not {reading.classes}")
    return {"lib_task_api": f"the Task Library {' and '.join(reasons)}"} if reasons else {}
