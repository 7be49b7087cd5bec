"""Which pipelines a model's file can be run through, and why not the others."""

from ..contract.options import Pipeline
from .model import Model


def refusals(model: Model) -> dict[Pipeline, str]:
    """The pipelines that cannot run a model, each with the reason as one sentence; empty where all can."""
    reasons = []
    if model.input.dtype not in ("float32", "uint8"):
        reasons.append(f"takes float32 and uint8 images, not {model.input.dtype}")
    if model.input.dtype == "float32" and model.description.mean is None:
        reasons.append("needs NormalizationOptions in the file's metadata (./goldmask models.metadata writes them)")
    if model.reading.output_kind != "logits" or model.output.dtype not in ("float32", "uint8"):
        reasons.append(f"takes scores of float32 or uint8, not {model.output}")
    if len(model.description.outputs) != 1:
        reasons.append(f"takes models of one output, not {len(model.description.outputs)}")
    return {"lib_task_api": f"the Task Library {' and '.join(reasons)}"} if reasons else {}
