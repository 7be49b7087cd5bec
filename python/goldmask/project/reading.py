"""What a model's tensors are read as: only as what they can be shown to be.

Where a file leaves it open, the error names the tensor, the readings that fit it, and the line of model.toml that
settles it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..contract.errors import ConfigError, UsageError
from ..contract.tensors import Colours, Constant, Fourth, InputType, Layout, OutputKind
from .declared import DeclaredInput, DeclaredOutput, Meaning, Values
from .output_readings import OutputReading, Size, readings, sizes_of, soft_of
from .tflite import Description, Tensor

INPUT_TYPES: Mapping[str, InputType] = {
    "float32": "float32",
    "uint8": "uint8",
    "int8": "int8",
    "float16": "float16",
    "int16": "int16",
    "int32": "int32",
}
CHANNELS = (1, 3, 4)
KINDS: Mapping[Meaning, OutputKind] = {
    "scores": "logits",
    "classes": "classes",
    "probability": "probability",
    "logit": "logit",
}
FOURTHS = 'fourth = "zero" or "alpha" or "previous mask"'


@dataclass(frozen=True)
class ImageReading:
    """Which input is the image, its size and what its channels hold."""

    index: int
    tensor: Tensor
    type: InputType
    layout: Layout
    height: int
    width: int
    channels: Colours
    fourth: Fourth | None


@dataclass(frozen=True)
class Reading:
    """How a model is run: its image, its other inputs, which output makes the mask, and how.

    `height` and `width` of the mask are None where only a run tells them; `classes` is how many scores a pixel has,
    None of a class map. `signature` is the one to run where it is not the first subgraph's.
    """

    image: ImageReading
    constants: tuple[Constant, ...]
    output_index: int
    output: Tensor
    output_kind: OutputKind
    output_layout: Layout = "nhwc"
    height: int | None = None
    width: int | None = None
    classes: int | None = None
    foreground: int | None = None
    signature: str | None = None


def read(
    description: Description,
    path: Path,
    image: DeclaredInput,
    mask: DeclaredOutput,
    labels: int = 0,
    signature: str | None = None,
) -> Reading:
    """How to run a model that describes itself so, with what model.toml declares; `labels` is how many it names.

    Raises UsageError that names a tensor which cannot be read, or whose reading is not clear; ConfigError for a
    declaration that does not fit the file, or that cannot be run yet.
    """
    description, run = _chosen_signature(description, path, signature)
    index = _chosen_input(description, path, image)
    found = _read_input(description.inputs[index], index, path, image)
    constants = _read_constants(description, index, path, image)
    output = _chosen_output(description, path, mask, found)
    tensor = description.outputs[output]
    chosen = _read_output(tensor, path, mask, found, labels or len(description.labels))
    sized = chosen.height > 0 and chosen.width > 0
    return Reading(
        image=found,
        constants=constants,
        output_index=output,
        output=tensor,
        output_kind=KINDS[chosen.meaning],
        output_layout=chosen.layout,
        height=chosen.height if sized else None,
        width=chosen.width if sized else None,
        classes=chosen.classes,
        foreground=_foreground(chosen, mask, tensor, path),
        signature=run,
    )


def _chosen_signature(description: Description, path: Path, declared: str | None) -> tuple[Description, str | None]:
    """The inputs and outputs of the declared signature, or of the only one; and its key, where it must be named."""
    known = {each.key: each for each in description.signatures}
    names = ", ".join(known)
    if declared is not None and declared not in known:
        raise ConfigError(
            f"{path} has no signature {declared!r}",
            fix=f"signature = one of {names}, in model.toml" if known else "leave signature out",
        )
    if declared is None and len(known) > 1:
        lines = " or ".join(f'signature = "{key}"' for key in known)
        raise UsageError(
            f"{path} has {len(known)} signatures ({names}), and nothing says which one is meant",
            fix=f"{lines}, in model.toml above [input]",
        )
    if declared is None and description.stray_subgraphs:
        raise UsageError(
            f"{path} has {description.stray_subgraphs + 1} subgraphs, and no operator calls one of the others",
            fix="export one subgraph, or a signature for each",
        )
    if not known:
        return description, None
    chosen = known[declared] if declared is not None else next(iter(known.values()))
    found = replace(description, inputs=chosen.inputs, outputs=chosen.outputs)
    return found, chosen.key if chosen.subgraph else None


def _named(tensor: Tensor, name: str) -> bool:
    return name in (tensor.name, tensor.alias)


def _chosen_input(description: Description, path: Path, declared: DeclaredInput) -> int:
    inputs = description.inputs
    names = ", ".join(tensor.name for tensor in inputs) or "none"
    if declared.name is not None:
        named = [index for index, tensor in enumerate(inputs) if _named(tensor, declared.name)]
        if len(named) != 1:
            fix = f"name = one of {names}, under [input]"
            raise ConfigError(f"{path} has {len(named) or 'no'} inputs {declared.name!r}", fix=fix)
        return named[0]
    left = [
        index
        for index, tensor in enumerate(inputs)
        if not any(_named(tensor, constant) for constant in declared.constants)
    ]
    if len(left) != 1:
        images = [inputs[index] for index in left if len(inputs[index].shape) == 4] or [inputs[index] for index in left]
        others = [tensor.name for tensor in inputs if tensor is not images[0]] if images else []
        fix = f"./goldmask models.info --model {path}"
        if others:
            lines = f'name = "{images[0].name}", constants = {{ "{others[0]}" = 0 }}'
            fix = f"{lines}, for example, under [input] in model.toml"
        raise UsageError(f"{path} has {len(inputs)} inputs ({names}), and nothing says which one is the image", fix=fix)
    return left[0]


def _read_constants(description: Description, image: int, path: Path, declared: DeclaredInput) -> tuple[Constant, ...]:
    """What the inputs beside the image hold."""
    found = []
    for name in declared.constants:
        if not any(_named(tensor, name) for index, tensor in enumerate(description.inputs) if index != image):
            names = ", ".join(tensor.name for index, tensor in enumerate(description.inputs) if index != image)
            raise ConfigError(
                f"{path} has no second input {name!r}", fix=f"constants of {names or 'none'}, under [input]"
            )
    for index, tensor in enumerate(description.inputs):
        if index == image:
            continue
        values = next((values for name, values in declared.constants.items() if _named(tensor, name)), None)
        if values is None:
            raise UsageError(
                f"{path}: nothing says what input {tensor} holds",
                fix=f'constants = {{ "{tensor.name}" = 0 }}, for example, under [input] in model.toml',
            )
        many: Values = values if isinstance(values, tuple) else (values,)
        size = 1
        for side in tensor.shape:
            size *= max(side, 1)
        if len(many) not in (1, size):
            raise ConfigError(
                f"{path}: input {tensor} has {size} values, {len(many)} are declared",
                fix=f"one value, or {size}, for {tensor.name!r} in constants under [input]",
            )
        found.append(Constant(index=index, name=tensor.alias or tensor.name, values=many))
    return tuple(found)


def _read_input(tensor: Tensor, index: int, path: Path, declared: DeclaredInput) -> ImageReading:
    fix, shape = f"./goldmask models.info --model {path}", tensor.shape
    depths = (2,) if declared.channels == "gray" and declared.fourth else CHANNELS
    layouts: list[Layout] = []
    if len(shape) == 4 and shape[0] in (1, -1) and all(shape[1:]):
        layouts += ["nhwc"] if shape[3] in depths else []
        layouts += ["nchw"] if shape[1] in depths else []
    if not layouts:
        raise UsageError(
            f"{path}: input {tensor} is unsupported: its shape must be [1, height, width, channels] or "
            "[1, channels, height, width], of 1, 3 or 4 channels",
            fix=fix,
        )
    if declared.layout is not None:
        if declared.layout not in layouts:
            raise ConfigError(
                f"{path}: input {tensor} is not of layout {declared.layout!r}",
                fix=f'layout = "{layouts[0]}" under [input] in model.toml',
            )
        layout = declared.layout
    elif layouts == ["nchw"]:
        raise UsageError(
            f"{path}: input {tensor} can only be read as [1, {shape[1]}, height, width]",
            fix='layout = "nchw" under [input] in model.toml',
        )
    elif len(layouts) > 1 and shape[3] != 3:
        raise UsageError(
            f"{path}: input {tensor} can be read as [1, height, width, {shape[3]}] or [1, {shape[1]}, height, width]",
            fix='layout = "nhwc" or layout = "nchw", under [input] in model.toml',
        )
    else:
        layout = "nhwc"
    if tensor.dtype not in INPUT_TYPES:
        raise UsageError(
            f"{path}: input {tensor} is unsupported: its type must be one of {', '.join(INPUT_TYPES)}", fix=fix
        )
    if tensor.dtype == "int8" and not tensor.scale:
        raise UsageError(f"{path}: input {tensor} is unsupported: int8 needs a scale and a zero point", fix=fix)
    depth, sides = (shape[3], shape[1:3]) if layout == "nhwc" else (shape[1], shape[2:4])
    channels, fourth = _read_channels(tensor, depth, path, declared)
    height, width = _read_size(tensor, sides, path, declared)
    return ImageReading(index, tensor, INPUT_TYPES[tensor.dtype], layout, height, width, channels, fourth)


def _read_channels(tensor: Tensor, depth: int, path: Path, declared: DeclaredInput) -> tuple[Colours, Fourth | None]:
    """What the channels of an image hold."""
    one = depth - (declared.fourth is not None) == 1
    channels: Colours = declared.channels or ("gray" if one else "rgb")
    wanted = 1 if channels == "gray" else 3
    if depth == wanted and not declared.fourth:
        return channels, None
    if depth == wanted + 1:
        if declared.fourth:
            return channels, declared.fourth
        raise UsageError(
            f"{path}: input {tensor} has {depth} channels, and nothing says what the last one holds",
            fix=f"{FOURTHS}, under [input] in model.toml",
        )
    named = f"channels = {channels!r}" + (f", fourth = {declared.fourth!r}" if declared.fourth else "")
    raise ConfigError(
        f"{path}: input {tensor} has {depth} channels, which is not what [input] declares ({named})",
        fix="leave channels and fourth out, or make them fit the file",
    )


def _read_size(tensor: Tensor, sides: tuple[int, ...], path: Path, declared: DeclaredInput) -> Size:
    """Height and width of an image: the file's own, or the declared ones where it may have any."""
    given = {"height": declared.height, "width": declared.width}
    found = dict(zip(given, sides, strict=True))
    left_open = [key for key, side in found.items() if side < 1]
    if missing := [key for key in left_open if given[key] is None]:
        raise UsageError(
            f"{path}: input {tensor} may have any {' and '.join(left_open)}, and nothing says what to run it with",
            fix=f"{', '.join(f'{key} = 256' for key in missing)}, for example, under [input] in model.toml",
        )
    for key, side in found.items():
        if key not in left_open and given[key] not in (None, side):
            raise ConfigError(
                f"{path}: its model.toml declares an input {key} of {given[key]}, the file has {side}",
                fix=f"./goldmask models.info --model {path}",
            )
    height, width = (given[key] or side for key, side in found.items())
    return height, width


def _chosen_output(description: Description, path: Path, declared: DeclaredOutput, image: ImageReading) -> int:
    outputs = description.outputs
    if declared.name is not None:
        named = [index for index, tensor in enumerate(outputs) if _named(tensor, declared.name)]
        if len(named) != 1:
            names = ", ".join(tensor.name for tensor in outputs) or "none"
            fix = f"name = one of {names}, under [output]"
            raise ConfigError(f"{path} has {len(named) or 'no'} outputs {declared.name!r}", fix=fix)
        return named[0]
    if len(outputs) != 1:
        sizes = sizes_of((image.height, image.width))
        described = "; ".join(f"{tensor} ({_described(readings(tensor, sizes))})" for tensor in outputs) or "none"
        raise UsageError(
            f"{path} has {len(outputs)} outputs: {described}; nothing says which one is the mask",
            fix=f"name = {' or '.join(map(_quoted, outputs))} under [output] in model.toml"
            if outputs
            else "export one",
        )
    return 0


def _read_output(
    tensor: Tensor, path: Path, declared: DeclaredOutput, image: ImageReading, labels: int
) -> OutputReading:
    declares = declared.layout is not None or declared.kind is not None or declared.height is not None
    given: Size | None = (declared.height, declared.width) if declared.height and declared.width else None
    sizes = (given,) if given else sizes_of((image.height, image.width))
    fitting, anywhere = readings(tensor, sizes), readings(tensor, None)
    if declared.kind in ("probability", "logit"):
        fitting, anywhere = ([*found, *soft_of(found, declared.kind)] for found in (fitting, anywhere))
    # Who declares what an output is need not be doubted for its size, unless another reading has the image's.
    chosen = [each for each in (anywhere if declares and not fitting else fitting) if _agrees(each, declared)]
    if not declares and (named := [each for each in chosen if labels and each.classes == labels]):
        chosen = fitting = named
    if not (fitting or chosen):
        raise UsageError(
            f"{path}: output {tensor} is unsupported: it is nothing that lies over an image of "
            f"{image.height}×{image.width}: scores [1, h, w, classes] or a class map [1, h, w]",
            fix=f"if it is a mask: {_settling(anywhere)}" if anywhere else f"./goldmask models.info --model {path}",
        )
    if not chosen:
        raise ConfigError(
            f"{path}: output {tensor} is not what [output] declares; it can be {_described(fitting)}",
            fix=_settling(fitting),
        )
    if len({(each.layout, each.meaning) for each in chosen}) == 1 and len(chosen) > 1:
        among = " or ".join(f"height = {each.height}, width = {each.width}" for each in chosen)
        raise UsageError(
            f"{path}: output {tensor} does not say how many rows it has", fix=f"{among}, under [output] in model.toml"
        )
    certain = len(fitting) == 1 and fitting[0].line == ""
    if len(chosen) > 1 or not (certain or declares):
        raise UsageError(f"{path}: output {tensor} can be read as {_described(fitting)}", fix=_settling(fitting))
    return chosen[0]


def _foreground(chosen: OutputReading, declared: DeclaredOutput, tensor: Tensor, path: Path) -> int | None:
    """Which score of several a soft mask is made of."""
    if chosen.meaning not in ("probability", "logit") or not chosen.classes or chosen.classes == 1:
        return None
    if declared.foreground is None and chosen.classes == 2:
        return 1
    if declared.foreground is None or declared.foreground >= chosen.classes:
        raise UsageError(
            f"{path}: output {tensor} has {chosen.classes} scores, and nothing says which one the soft mask is of",
            fix=f"foreground = 0 to {chosen.classes - 1}, under [output] in model.toml",
        )
    return declared.foreground


def _quoted(tensor: Tensor) -> str:
    return f'"{tensor.name}"'


def _agrees(reading: OutputReading, declared: DeclaredOutput) -> bool:
    return (declared.layout is None or declared.layout == reading.layout or not reading.has_layout) and (
        declared.kind is None or declared.kind == reading.meaning
    )


def _described(fitting: list[OutputReading]) -> str:
    return " or ".join(dict.fromkeys(reading.meaning_text for reading in fitting)) or "nothing that goldmask knows"


def _settling(fitting: list[OutputReading]) -> str:
    lines = dict.fromkeys(
        reading.line or f'kind = "{reading.meaning}", layout = "{reading.layout}"' for reading in fitting
    )
    return f"{' or '.join(lines)}, under [output] in model.toml"
