"""What a model's tensors are read as: only as what they can be shown to be.

Where a file leaves it open, the error names the tensor, the readings that fit it, and the line of model.toml that
settles it. A line that declares a reading which cannot be run yet is accepted and refused by that name.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..contract.errors import ConfigError, UsageError
from ..contract.mask import MAX_CLASSES
from ..contract.tensors import InputType, Layout, OutputKind
from .declared import DeclaredInput, DeclaredOutput, Meaning, Normalisation
from .tflite import Description, Tensor

INPUT_DTYPES: tuple[InputType, ...] = ("float32", "uint8", "int8")
# Of images that networks take, and that are not run yet: half floats, 16-bit steps; alone, with alpha or a mask.
LATER_DTYPES = ("float16", "int16")
CHANNELS = (1, 3, 4)
SCORE_DTYPES = ("float32", "uint8", "int8")
CLASS_DTYPES = ("uint8", "int32", "int64")
# What quantised pixels may be off by and still be the same step.
HALF_STEP = 0.5 + 1e-3
# No segmentation network hands on a coarser grid; DeepLab's coarsest output stride is 32.
STRIDE_MAX = 32


@dataclass(frozen=True)
class Reading:
    """How a model is run: the type of its image, which output makes the mask, and how."""

    input_type: InputType
    output_index: int
    output_kind: OutputKind


def read(description: Description, path: Path, image: DeclaredInput, mask: DeclaredOutput, labels: int = 0) -> Reading:
    """How to run a model that describes itself so, with what model.toml declares; `labels` is how many it names.

    Raises UsageError that names a tensor which cannot be read, or whose reading is not clear; ConfigError for a
    declaration that does not fit the file, or that cannot be run yet.
    """
    if len(description.signatures) > 1:
        names = ", ".join(description.signatures)
        raise UsageError(
            f"{path} has {len(description.signatures)} signatures ({names}), and its first subgraph may not be the "
            "one that is meant",
            fix="export one signature",
        )
    if description.stray_subgraphs:
        raise UsageError(
            f"{path} has {description.stray_subgraphs + 1} subgraphs, and no operator calls one of the others",
            fix="export one subgraph",
        )
    input_type = _read_input(description, path, image)
    index = _chosen_output(description, path, mask)
    return Reading(input_type, index, _read_output(description, index, path, mask, labels or len(description.labels)))


def _read_input(description: Description, path: Path, declared: DeclaredInput) -> InputType:
    fix = f"./goldmask models.info --model {path}"
    if len(description.inputs) != 1:
        names = ", ".join(tensor.name for tensor in description.inputs) or "none"
        count = len(description.inputs)
        raise UsageError(f"{path} has {count} inputs ({names}); one image tensor is supported", fix=fix)
    tensor = description.inputs[0]
    if declared.layout == "nchw":
        not_yet(path, f"[input] layout = 'nchw' of {tensor}")
    shape = tensor.shape
    if len(shape) == 4 and shape[1] == 3 and shape[3] != 3:
        raise UsageError(
            f"{path}: input {tensor} can only be read as [1, 3, height, width]",
            fix='layout = "nchw" under [input] in model.toml',
        )
    if len(shape) != 4 or shape[0] not in (1, -1) or shape[3] not in CHANNELS or not all(shape[1:]):
        raise UsageError(f"{path}: input {tensor} is unsupported: its shape must be [1, height, width, 3]", fix=fix)
    found: InputType | None = next((each for each in INPUT_DTYPES if each == tensor.dtype), None)
    if found is None and tensor.dtype not in LATER_DTYPES:
        raise UsageError(
            f"{path}: input {tensor} is unsupported: its type must be one of {', '.join(INPUT_DTYPES)}", fix=fix
        )
    if found is None or shape[3] != 3 or min(shape[1:]) < 1:
        not_yet(path, f"input {tensor}", f"an image of [1, height, width, 3] in {', '.join(INPUT_DTYPES)}")
    if found == "int8" and not tensor.scale:
        raise UsageError(f"{path}: input {tensor} is unsupported: int8 needs a scale and a zero point", fix=fix)
    return found


def _chosen_output(description: Description, path: Path, declared: DeclaredOutput) -> int:
    outputs = description.outputs
    if declared.name is not None:
        named = [index for index, tensor in enumerate(outputs) if tensor.name == declared.name]
        if len(named) != 1:
            names = ", ".join(tensor.name for tensor in outputs) or "none"
            fix = f"name = one of {names}, under [output]"
            raise ConfigError(f"{path} has {len(named) or 'no'} outputs {declared.name!r}", fix=fix)
        return named[0]
    if len(outputs) != 1:
        described = "; ".join(f"{tensor} ({_described(readings(tensor, description))})" for tensor in outputs) or "none"
        raise UsageError(
            f"{path} has {len(outputs)} outputs: {described}; nothing says which one is the mask",
            fix=f"name = {' or '.join(map(_quoted, outputs))} under [output] in model.toml"
            if outputs
            else "export one",
        )
    return 0


def _read_output(description: Description, index: int, path: Path, declared: DeclaredOutput, labels: int) -> OutputKind:
    tensor = description.outputs[index]
    declares = declared.layout is not None or declared.kind is not None
    fitting = readings(tensor, description)
    anywhere = readings(tensor, description, anywhere=True)
    # Who declares what an output is need not be doubted for its size, unless another reading has the image's.
    chosen = [each for each in (anywhere if declares and not fitting else fitting) if _agrees(each, declared)]
    if not declares and (named := [each for each in chosen if labels and each.classes == labels]):
        chosen = fitting = named
    if not (fitting or chosen):
        raise UsageError(
            f"{path}: output {tensor} is unsupported: it is nothing that lies over an image of {_size(description)}: "
            f"scores [1, h, w, 2 to {MAX_CLASSES} classes] ({', '.join(SCORE_DTYPES)}) or a class map [1, h, w] "
            f"({', '.join(CLASS_DTYPES)})",
            fix=f"if it is a mask: {_settling(anywhere)}" if anywhere else f"./goldmask models.info --model {path}",
        )
    if not chosen:
        raise ConfigError(
            f"{path}: output {tensor} is not what [output] declares; it can be {_described(fitting)}",
            fix=_settling(fitting),
        )
    certain = len(fitting) == 1 and fitting[0].line == ""
    if len(chosen) > 1 or not (certain or declares):
        raise UsageError(f"{path}: output {tensor} can be read as {_described(fitting)}", fix=_settling(fitting))
    if chosen[0].kind is None:
        not_yet(path, f"{chosen[0].line} of {tensor}")
    return chosen[0].kind


@dataclass(frozen=True)
class OutputReading:
    """One way to read an output: in words, what declares it, and how it is run; `kind` is None where it cannot be yet.

    `line` is empty for a reading that needs no declaration where it is the only one that fits.
    """

    meaning_text: str
    layout: Layout
    meaning: Meaning
    line: str
    kind: OutputKind | None
    classes: int | None


def readings(tensor: Tensor, description: Description, *, anywhere: bool = False) -> list[OutputReading]:
    """Every reading of an output that its shape and type allow and that lies over the image, or `anywhere`."""
    shape, found = tensor.shape, list[OutputReading]()
    if shape[:1] not in ((1,), (-1,)) and len(shape) != 2:
        return []

    def lies_over(height: int, width: int) -> bool:
        return anywhere or _lies_over((height, width), description)

    def add(
        meaning_text: str,
        layout: Layout,
        meaning: Meaning,
        plain: bool,
        classes: int | None = None,
    ) -> None:
        kind: OutputKind | None = None
        if layout == "nhwc" and len(shape) == (4 if meaning == "scores" else 3):
            kind = "logits" if meaning == "scores" else "classes" if meaning == "classes" else None
        line = "" if plain else f'layout = "{layout}"' if meaning == "scores" else f'kind = "{meaning}"'
        found.append(OutputReading(meaning_text, layout, meaning, line, kind, classes))

    if len(shape) == 4:
        if tensor.dtype in SCORE_DTYPES and 2 <= shape[3] <= MAX_CLASSES and lies_over(shape[1], shape[2]):
            add(f"scores of {shape[3]} classes, the class last", "nhwc", "scores", plain=True, classes=shape[3])
        if tensor.dtype in SCORE_DTYPES and 2 <= shape[1] <= MAX_CLASSES and lies_over(shape[2], shape[3]):
            add(f"scores of {shape[1]} classes, the class first", "nchw", "scores", plain=False, classes=shape[1])
        if shape[3] == 1 and lies_over(shape[1], shape[2]):
            if tensor.dtype in SCORE_DTYPES:
                add("probabilities of one class", "nhwc", "probability", plain=False)
            if tensor.dtype in CLASS_DTYPES:
                add("class numbers", "nhwc", "classes", plain=False)
    if len(shape) == 3:
        if lies_over(shape[1], shape[2]):
            if tensor.dtype in CLASS_DTYPES:
                # A number with a scale is a measure of something; class numbers have none.
                add("class numbers", "nhwc", "classes", plain=not tensor.scale)
            if tensor.scale or tensor.dtype == "float32":
                add("probabilities of one class", "nhwc", "probability", plain=False)
        if tensor.dtype in SCORE_DTYPES and 2 <= shape[2] <= MAX_CLASSES and _is_flat(shape[1], description):
            add(f"scores of {shape[2]} classes, all pixels in one row", "nhwc", "scores", plain=False, classes=shape[2])
    return found


def _quoted(tensor: Tensor) -> str:
    return f'"{tensor.name}"'


def _agrees(reading: OutputReading, declared: DeclaredOutput) -> bool:
    return (declared.layout is None or declared.layout == reading.layout) and (
        declared.kind is None or declared.kind == reading.meaning
    )


def _lies_over(size: tuple[int, int], description: Description) -> bool:
    """Whether height and width are those of the image at a whole stride, or enlarged by a whole factor."""
    whole = description.inputs[0].shape if len(description.inputs) == 1 else ()
    if min(size) < 1 or len(whole) != 4:
        return False
    sides = (whole[1], whole[2]) if whole[3] <= 4 else (whole[2], whole[3])
    if min(sides) < 1:
        return True  # a model of any size: nothing to hold it against
    strides = range(1, STRIDE_MAX + 1)
    down = any(size in (tuple(side // by for side in sides), tuple(-(-side // by) for side in sides)) for by in strides)
    return down or any(size == tuple(side * by for side in sides) for by in (2, 3, 4))


def _is_flat(cells: int, description: Description) -> bool:
    image = description.inputs[0].shape if len(description.inputs) == 1 else ()
    return len(image) == 4 and cells == image[1] * image[2]


def _size(description: Description) -> str:
    image = description.inputs[0].shape if description.inputs else ()
    return "×".join(map(str, image[1:3])) or "no size"


def _described(fitting: list[OutputReading]) -> str:
    return " or ".join(reading.meaning_text for reading in fitting) or "nothing that goldmask knows"


def _settling(fitting: list[OutputReading]) -> str:
    lines = dict.fromkeys(
        reading.line or f'kind = "{reading.meaning}", layout = "{reading.layout}"' for reading in fitting
    )
    return f"{' or '.join(lines)}, under [output] in model.toml"


def not_yet(path: Path, what: str, instead: str = "NHWC scores or classes") -> NoReturn:
    """Raise ConfigError for a declaration that is understood, and that cannot be run yet."""
    raise ConfigError(f"{path}: {what} is declared, not supported yet", fix=f"export the model with {instead}")


def quantised_normalisation(tensor: Tensor) -> Normalisation:
    """What pixels must become so that the image tensor takes each as a step of its own.

    A quantised tensor holds (step - zero_point) * scale; pixel 0 is its lowest step and pixel 255 its highest.
    """
    lowest = -128 if tensor.dtype == "int8" else 0
    return (float(tensor.zero_point - lowest),), (1 / tensor.scale,)


def fits_uint8(tensor: Tensor, normalisation: Normalisation) -> bool:
    """Whether uint8 pixels as they are, are what a normalisation makes of them, to half a step.

    Without a scale they are numbers of their own and any normalisation is inside the model.
    """
    if not tensor.scale:
        return True
    mean, std = normalisation
    for pixel in (0, 255):
        for index in range(max(len(mean), len(std))):
            value = (pixel - mean[index % len(mean)]) / std[index % len(std)]
            if abs(value / tensor.scale + tensor.zero_point - pixel) > HALF_STEP:
                return False
    return True


def can_hold(tensor: Tensor, normalisation: Normalisation) -> bool:
    """Whether a quantised image tensor can hold what a normalisation makes of black and white, to a step."""
    if not tensor.scale:
        return True
    lowest, highest = (-128, 127) if tensor.dtype == "int8" else (0, 255)
    mean, std = normalisation
    values = [(pixel - m) / s for pixel in (0, 255) for m in mean for s in std]
    steps = [value / tensor.scale + tensor.zero_point for value in values]
    return min(steps) >= lowest - 1 - HALF_STEP and max(steps) <= highest + 1 + HALF_STEP
