"""Operators that are not TensorFlow Lite's own: whose they are, and which runtime has them. The only table of them.

Sources: TensorFlow Lite's kernels/register.cc and xnnpack_delegate.cc, MediaPipe's util/tflite/op_resolver.cc.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..contract.errors import EnvironmentMissing, one_line
from ..contract.options import PIPELINES
from .options import TargetOptions

FLEX_PREFIX = "Flex"
# Custom in name only: every interpreter registers them.
BUILT_IN = frozenset({"AudioSpectrogram", "Mfcc", "NumericVerify", "TFLite_Detection_PostProcess"})
# MediaPipe's that XNNPACK computes too.
OF_XNNPACK = frozenset({"Convolution2DTransposeBias", "MaxPoolingWithArgmax2D", "MaxUnpooling2D"})
OF_MEDIAPIPE = frozenset({"Landmarks2TransformMatrix", "TransformLandmarks", "TransformTensorBilinear"})
# They may compute operators that the interpreter does not have; only a run tells.
OF_DEVICES = ("gpu", "nnapi", "coreml", "metal")
PYTHON, ANDROID = "python", ("android-jvm", "android-device")
# The TensorFlow Lite AAR without XNNPACK's own versions of MediaPipe's operators.
AAR_WITHOUT = "2.16.1"


@dataclass(frozen=True)
class Owner:
    """Whose an operator is, which runtimes have it, and what to do on one that has not."""

    name: str
    has: str
    fix: str = ""


# The interpreter of TensorFlow 2.21's own Python package has it no longer, whichever operator resolver is asked for.
FLEX = Owner(
    "TensorFlow's, by TensorFlow Lite's Flex delegate",
    "an Android app with org.tensorflow:tensorflow-lite-select-tf-ops has it, and no runtime that goldmask runs",
    "convert the model without SELECT_TF_OPS",
)
XNNPACK = Owner(
    "MediaPipe's",
    "LiteRT and TensorFlow have it by XNNPACK",
    "--target python --delegate xnnpack, or export the model with TensorFlow Lite's own operators",
)
MEDIAPIPE = Owner(
    "MediaPipe's",
    "MediaPipe has it, and no runtime that goldmask runs",
    "export the model with TensorFlow Lite's own operators",
)
INTERPRETER = Owner("TensorFlow Lite's", "it is built into the interpreter")
UNKNOWN = Owner(
    "of an unknown owner", "no runtime that goldmask knows has it", "export it with TensorFlow Lite's own operators"
)


def owner_of(operator: str) -> Owner:
    """Whose a custom operator is, by its name."""
    if operator.startswith(FLEX_PREFIX):
        return FLEX
    for names, owner in ((BUILT_IN, INTERPRETER), (OF_XNNPACK, XNNPACK), (OF_MEDIAPIPE, MEDIAPIPE)):
        if operator in names:
            return owner
    return UNKNOWN


def descriptions(operators: Iterable[str]) -> list[str]:
    """A sentence for each custom operator of a file: its name, whose it is, and the runtime that has it."""
    found = {operator: owner_of(operator) for operator in operators}
    return [f"{_shown(operator)} is {owner.name}: {owner.has}" for operator, owner in found.items()]


def lacking(operators: Iterable[str], target: str, pipeline: str, options: TargetOptions) -> EnvironmentMissing | None:
    """Why a model with these custom operators cannot run there; None where it can, or where only a run tells.

    An app's own pipeline may register any operator.
    """
    if pipeline not in PIPELINES:
        return None
    missing = [each for each in dict.fromkeys(operators) if _lacks(owner_of(each), target, options)]
    if not missing:
        return None
    where = f"{target} · {pipeline}"
    if target == PYTHON and options.runtime:
        where += f" · {options.runtime}"
    return EnvironmentMissing(
        f"{where} with the delegate {options.delegate} lacks an operator of the model: {descriptions(missing)[0]}"
        + (f" (and {len(missing) - 1} more: ./goldmask models.info)" if len(missing) > 1 else ""),
        fix=owner_of(missing[0]).fix,
    )


def _lacks(owner: Owner, target: str, options: TargetOptions) -> bool:
    if owner is INTERPRETER:
        return False
    if owner is FLEX:
        return True
    if options.delegate in OF_DEVICES:
        return False
    if owner is XNNPACK and options.delegate == "xnnpack":
        return target in ANDROID and options.runtime in (None, AAR_WITHOUT)
    return True


def _shown(operator: str) -> str:
    return one_line(operator, 80) or "an operator without a name"
