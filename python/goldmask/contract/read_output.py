"""What a model's output says, whatever its kind: the mask, how sure that is, and the soft mask that it is made of."""

from dataclasses import dataclass

from .bundle import MarginUnit
from .engine import StageError, mask_from_output
from .mask import Margins, Mask
from .output_mask import Output, scores_of
from .soft import Soft
from .soft_output import is_soft, soft_from_scores
from .tensors import OutputSpec


@dataclass(frozen=True)
class ReadOutput:
    """What an output tensor says. `margin` is None of class maps, `soft` where the model does not say how sure it is.

    A margin counts scores, or probability of a soft mask, for float outputs; quantisation steps for integer ones.
    """

    mask: Mask
    margin: Margins | None
    unit: MarginUnit
    soft: Soft | None = None


def read_output(output: Output, spec: OutputSpec, with_margin: bool) -> ReadOutput:
    """The mask of an output tensor, and the soft mask that it is made of. Raises StageError."""
    if not is_soft(spec):
        return ReadOutput(*mask_from_output(output, spec, with_margin))
    try:
        made = soft_from_scores(scores_of(output, spec), spec)
    except ValueError as error:
        raise StageError("postprocess", str(error)) from error
    unit: MarginUnit = "score" if output.dtype.kind == "f" else "step"
    return ReadOutput(made.mask, made.margin if with_margin else None, unit, made.soft)
